package projections

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/faults/wire"
)

// TestHungConnectionIsGivenUp holds an answer for ever on a connection that
// stays open, with a server that did its work: nobody else would notice.
func TestHungConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	cat, address := load(t, "stride"), server(t)
	for name, c := range map[string]struct {
		point     wire.Point
		committed bool
	}{
		"rows":   {wire.Point{Message: "INSERT users", Side: wire.After}, false},
		"commit": {wire.Point{Message: "COMMIT", Side: wire.After}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			w := newWorld(t, address, "hung-"+name, cat, 1)
			host, err := wire.Host(address)
			if err != nil {
				t.Fatal(err)
			}
			proxy, err := wire.Listen(ctx, wire.Postgres, host)
			if err != nil {
				t.Fatal(err)
			}
			defer proxy.Close()
			through, err := wire.Through(address, proxy.Address())
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(ctx, through, w.group)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			f := s.NewFolder(w.in, w.cat, "folder")
			defer f.Close(context.Background())
			f.patience = 200 * time.Millisecond
			armed := proxy.Arm(c.point, wire.Hang(time.Hour))
			work := w.works(0, 0, points)
			_, err = f.Fold(ctx, work)
			if !armed.Fired() {
				t.Fatal("nothing was held")
			}
			if c.committed != (err == nil) || ctx.Err() != nil {
				t.Fatalf("the fold ended with: %v", err)
			}
			if !c.committed {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error is %v", err)
				}
				f.patience = foldTime
				if _, err := f.Fold(ctx, work); err != nil {
					t.Fatalf("folding the same work again: %v", err)
				}
			}
			same(t, "in the end", "150 1\n0 1\n", w.folded())
		})
	}
}
