package pipeline

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQueueUsesItsRoomAgain pushes and pops at random: what waits are the records
// that were pushed and not popped, in their order, and no more room is taken than a
// few times as many as ever waited.
func TestQueueUsesItsRoomAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	p := &partition{}
	var want []int64
	next, most, size := int64(0), 0, (&record{}).size()
	rooms := map[*record]bool{}
	for range 20_000 {
		list := make([]record, rng.IntN(60))
		for i := range list {
			list[i].offset = next
			want = append(want, next)
			next++
		}
		p.push(list, next)
		if cap(p.room) > 0 {
			rooms[&p.room[:1][0]] = true
		}
		most = max(most, len(want))
		n := min(len(want), rng.IntN(62))
		p.pop(n)
		want = want[n:]
		got := make([]int64, len(p.queue))
		for i := range p.queue {
			got[i] = p.queue[i].offset
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v wait, want %v", got, want)
		}
		if p.bytes != len(want)*size {
			t.Fatalf("%d records have %d bytes, want %d", len(want), p.bytes, len(want)*size)
		}
	}
	if len(rooms) > 20 {
		t.Errorf("room was made %d times", len(rooms))
	}
	if cap(p.room) > 8*(most+60) {
		t.Errorf("there is room for %d records, and never more than %d waited", cap(p.room), most)
	}
}
