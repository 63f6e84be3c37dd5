package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/schemas"
)

// TestReadsAreMeasured reads a small community on embedded servers.
func TestReadsAreMeasured(t *testing.T) {
	t.Parallel()
	b, r := on(t, stacktest.Embedded(t)), &Result{}
	if err := b.measureReads(t.Context(), r, blocks{count: 4, size: 50, warm: 1}); err != nil {
		t.Fatal(err)
	}
	get := r.Figures[slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Name == "GET" })]
	held := 0
	for _, f := range r.Figures {
		switch {
		case f.Measure != "read" || !f.Lower:
			t.Errorf("%+v: it is of another measure, or more is better", f)
		case f.Unit == "queries to Postgres":
			if f.Value != 0 {
				t.Errorf("Postgres was asked %g times per read, though Redis has all", f.Value)
			}
		case f.Value <= 0:
			t.Errorf("%s is %g %s", f.Name, f.Value, f.Unit)
		case f.Base != nil:
			held++
			if *f.Base != get.Value || f.Unit != get.Unit {
				t.Errorf("%s is held against %g, want the %g %s of the GET", f.Name, *f.Base, get.Value, get.Unit)
			}
		}
	}
	if held != 3 {
		t.Errorf("%d figures are held against the GET, want 3: %+v", held, r.Figures)
	}
	if err := b.Servers.sweep(t.Context(), b.prefix+".activity"); err != nil { // what measures share
		t.Fatal(err)
	}
	nothingLeft(t, b)
}

// lender is a Postgres that has everybody.
type lender struct{}

func (lender) Snapshots(_ context.Context, users []string) ([]schemas.Snapshot, error) {
	found := make([]schemas.Snapshot, len(users))
	for i, user := range users {
		found[i].User = user
	}
	return found, nil
}

func (lender) Catalog(context.Context) (*schemas.CatalogView, error) {
	return &schemas.CatalogView{}, nil
}

// TestReadsFromPostgresAreNoReads: Redis has nothing, so each way must say so,
// and each question to Postgres counts.
func TestReadsFromPostgresAreNoReads(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseURL(stacktest.Embedded(t).RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	asked := &counted{Fallback: lender{}}
	for _, w := range waysToRead(rdb, "nobodys", asked) {
		before := asked.calls.Load()
		err := w.read(t.Context(), "ada")
		if err == nil || !strings.Contains(err.Error(), "ada") {
			t.Errorf("%s of a user who is not in Redis: %v", w.name, err)
		}
		if n := asked.calls.Load() - before; (n > 0) != (w.name != "GET") {
			t.Errorf("%s asked Postgres %d times", w.name, n)
		}
	}
	// Once for ada by each way of the package, and once for the catalogue.
	if n := asked.calls.Load(); n != 4 {
		t.Errorf("Postgres was asked %d times, want 4", n)
	}
	if _, _, err := shown(t.Context(), rdb, "nobodys"); err == nil {
		t.Error("that nobody has a snapshot is not said")
	}
}

// TestBlocksAreFair: each way has as many blocks as each other, each at every
// place in a turn and after each other way as often.
func TestBlocksAreFair(t *testing.T) {
	t.Parallel()
	for _, names := range []string{"ab", "abc", "abcd"} {
		var order []string // of blocks
		var ways []way
		seen := map[string][]string{}
		for _, name := range strings.Split(names, "") {
			ways = append(ways, way{name, func(_ context.Context, user string) error {
				if len(seen[name])%4 == 0 {
					order = append(order, name)
				}
				seen[name] = append(seen[name], user)
				return nil
			}})
		}
		times, err := blocks{count: 16, size: 4, warm: 8}.run(t.Context(), ways, []string{"u", "v", "w"})
		if err != nil {
			t.Fatal(err)
		}
		k := len(ways)
		places, after := map[string]int{}, map[string]int{}
		for i, name := range order {
			places[fmt.Sprint(name, i%k)]++
			if i%k > 0 {
				after[order[i-1]+name]++
			}
		}
		if len(order) != 24*k || len(places) != k*k || len(after) != k*(k-1) {
			t.Errorf("blocks of %s came in the order %v", names, order)
		}
		for name, n := range places {
			if n != 24/k {
				t.Errorf("of %s, %s, the way and its place, came %d times, want %d", names, name, n, 24/k)
			}
		}
		for pair, n := range after { // k-1 pairs a turn, shared by all pairs
			if n != 24/k {
				t.Errorf("of %s, %s came %d times one after the other, want %d", names, pair, n, 24/k)
			}
		}
		for n, name := range strings.Split(names, "") {
			if len(times[n]) != 16 || len(seen[name]) != 24*4 || !slices.Equal(seen[name][:5], []string{"u", "v", "w", "u", "u"}) {
				t.Errorf("%s has %d times of blocks and %d reads, of %v", name, len(times[n]), len(seen[name]), seen[name][:5])
			}
		}
	}
}

func TestBlocksSayWhatFailed(t *testing.T) {
	t.Parallel()
	broken := errors.New("it is broken")
	ways := []way{
		{"first", func(context.Context, string) error { return nil }},
		{"second", func(context.Context, string) error { return broken }},
	}
	if _, err := (blocks{count: 1, size: 1}).run(t.Context(), ways, []string{"u"}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "second") {
		t.Errorf("the error is %v", err)
	}
}
