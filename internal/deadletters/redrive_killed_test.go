package deadletters_test

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/deadletters"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
	"github.com/badgestream/badgestream/internal/operatortest"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealKilledRedrive(t *testing.T) { t.Parallel(); testKilledRedrive(t, stacktest.Real(t)) }
func TestKilledRedrive(t *testing.T)     { t.Parallel(); testKilledRedrive(t, stacktest.Embedded(t)) }

// testKilledRedrive has a redrive end at each of its messages, before it has
// reached the server and after it was answered, and somebody redrive again.
// Each letter must be in the log once.
func testKilledRedrive(t *testing.T, stack *stacktest.Stack) {
	g := founded(t, stack)
	mend(t, g)
	kafka := proxy(t, wire.Kafka, g.Brokers[0])
	host, err := wire.Host(g.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	postgres := proxy(t, wire.Postgres, host)
	url, err := wire.Through(g.Postgres, postgres.Address())
	if err != nil {
		t.Fatal(err)
	}
	kills := []struct {
		proxy   *wire.Proxy
		message string
	}{
		{kafka, "InitProducerID"}, {kafka, "Produce"}, {kafka, "EndTxn"},
		{postgres, "INSERT dead_letter"}, {postgres, "COMMIT"},
	}
	all := letters(t, g, deadletters.Filter{LetterFilter: projections.LetterFilter{Reason: schemas.ReasonData}})
	if len(all) != gifts {
		t.Fatalf("%d letters", len(all))
	}
	slices.SortFunc(all, func(x, y projections.Letter) int { return cmp.Compare(x.Offset, y.Offset) })
	for i, tc := range kills {
		for k, side := range []wire.Side{wire.Before, wire.After} {
			// Each has letters of its own, of both partitions.
			chosen := all[2*(2*i+k):][:2]
			armed := tc.proxy.Arm(wire.Point{Message: tc.message, Side: side}, wire.Hang(time.Second))
			killed, kill := context.WithCancel(t.Context())
			stop := context.AfterFunc(t.Context(), kill)
			go func() {
				select {
				case <-armed.Met():
				case <-killed.Done():
				}
				kill()
			}()
			store, err := projections.Open(t.Context(), url, g.Group)
			if err != nil {
				t.Fatal(err)
			}
			_, failed := deadletters.Redrive(killed, store, []string{kafka.Address()}, "who is killed", places(chosen))
			kill()
			stop()
			store.Close()
			if !armed.Fired() {
				t.Errorf("%s never came: %v", armed.Point, failed)
			}
			result, err := deadletters.Redrive(t.Context(), g.Store, g.Brokers, "ops", places(chosen))
			if err != nil || result.Redriven+result.Before != len(chosen) {
				t.Fatalf("%s: afterwards %+v, %v", armed.Point, result, err)
			}
			list := letters(t, g, deadletters.Filter{LetterFilter: projections.LetterFilter{Places: places(chosen)}})
			n := copies(t, g, letters(t, g, deadletters.Filter{}))
			for i := range list {
				if place := deadletters.FormatPlace(list[i].Place()); n[place] != 1 || list[i].State != projections.LetterWaiting {
					t.Errorf("%s: %s stands in the log %d times again, and is %s", armed.Point, place, n[place], list[i].State)
				}
			}
		}
	}
	g.Drain()
	for user, want := range map[string]int64{"ada": 2 + gifts/2*9, "bob": gifts / 2 * 9} {
		if got := operatortest.One[int64](g, `SELECT coins FROM `+g.Gen()+`.users WHERE id = $1`, user); got != want {
			t.Errorf("%s has %d coins, want %d", user, got, want)
		}
	}
}

func proxy(t *testing.T, protocol wire.Protocol, server string) *wire.Proxy {
	t.Helper()
	p, err := wire.Listen(t.Context(), protocol, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
