package projections

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/processor"
)

// TestUsersWhoFitStay asks for users again and again. Those who fit stay, and
// nobody must be written that room be made; of more there are never more than fit,
// and it is known that some have left.
func TestUsersWhoFitStay(t *testing.T) {
	const limit = 300
	for _, users := range []int{200, 299, 1_000} {
		c := newUserCache(limit)
		rotations := 0
		for n := range 20 * users {
			if c.full() {
				c.rotate()
				rotations++
			}
			id := fmt.Sprint(n * 7 % users)
			if c.get(id) == nil {
				if n >= users && !c.missed {
					t.Fatalf("one of %d users has left, and is taken for new", users)
				}
				c.add(id)
			}
			if c.n > limit {
				t.Fatalf("%d of %d users are held, with a limit of %d", c.n, users, limit)
			}
		}
		if fit := users < limit; fit != (rotations == 0) {
			t.Errorf("%d users: room was made %d times", users, rotations)
		}
	}
}

// TestUsersInOnePiece sets counters and badges of users at random, makes room and
// forgets some: whoever is here has what was set last.
func TestUsersInOnePiece(t *testing.T) {
	const users, width, limit = 400, 5, 150
	rng := rand.New(rand.NewPCG(11, 3))
	type row struct {
		counters []int64
		held     []processor.Held
	}
	is := map[string]row{}
	c := newUserCache(limit)
	var room []byte
	there, forgotten := 0, 0
	for range 40_000 {
		if c.full() {
			c.rotate()
		}
		id := fmt.Sprint("user-", rng.IntN(users))
		u := c.get(id)
		if was, ok := is[id]; u != nil {
			if counters, held := u.counters(nil, width), u.held(nil); !ok || u.id() != id || !slices.Equal(counters, was.counters) || !slices.Equal(held, was.held) {
				t.Fatalf("%s is %s with %v and %v, and was set to %v and %v", id, u.id(), counters, held, was.counters, was.held)
			}
			there++
		} else {
			if ok && !c.missed {
				t.Fatalf("%s has left, and is taken for new", id)
			}
			u = c.add(id)
		}
		now := row{counters: make([]int64, width)}
		for i := range now.counters {
			now.counters[i] = int64(rng.Uint64() >> rng.IntN(64))
		}
		for b := range rng.IntN(4) {
			now.held = append(now.held, processor.Held{Badge: int16(b), At: int64(rng.Uint64())})
		}
		if rng.IntN(2) == 0 {
			room = u.pack(now.counters, room)
			room = u.hold(now.held, room)
		} else {
			room = u.hold(now.held, room)
			room = u.pack(now.counters, room)
		}
		if is[id] = now; rng.IntN(50) == 0 {
			c.forget(id)
			if forgotten++; c.get(id) != nil {
				t.Fatalf("%s is here, and was forgotten", id)
			}
		}
	}
	if there < 5_000 || forgotten < 100 {
		t.Errorf("somebody was there %d times, and forgotten %d times", there, forgotten)
	}
}
