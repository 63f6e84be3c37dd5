package snapshots

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/redis/go-redis/v9"
)

// TestVersionsNeverGoBack writes versions and epochs in every order: the
// latest stays, on one server as in a cluster.
func TestVersionsNeverGoBack(t *testing.T) {
	w := newWorld(t)
	t.Run("server", func(t *testing.T) { neverGoBack(t, w, w.rdb) })
	t.Run("cluster", func(t *testing.T) { neverGoBack(t, w, w.cluster()) })
}

func neverGoBack(t *testing.T, w *world, rdb redis.UniversalClient) {
	counters := make([]int64, len(w.cat.Counters))
	versions := [][2]int64{{1, 1}, {1, 2}, {1, 10}, {2, 1}, {2, 9}, {10, 3}}
	at := map[int64]*Writer{}
	for _, v := range versions {
		in := w.in
		in.Epoch = v[0]
		at[v[0]] = NewWriter(rdb, "club", w.cat, in)
	}
	for i, a := range versions {
		for k, b := range versions {
			user := fmt.Sprintf("%s-%d-%d", t.Name(), i, k)
			for _, v := range [][2]int64{a, b} {
				f := processor.Final{User: user, Version: v[1], Counters: slices.Clone(counters)}
				f.Counters[w.cat.CounterIndex("points")] = v[0]*100 + v[1]
				if err := at[v[0]].Write(t.Context(), []processor.Final{f}); err != nil {
					t.Fatal(err)
				}
			}
			want := versions[max(i, k)]
			if s := w.standsIn(rdb, user); s.Epoch != want[0] || s.Version != want[1] || len(s.Counters) != 1 || s.Counters[0].Value != want[0]*100+want[1] {
				t.Errorf("%v, then %v: epoch %d, version %d stands", a, b, s.Epoch, s.Version)
			}
		}
	}
}

// TestWriteIsChunked writes more users than one round trip takes, after Redis
// has forgotten its scripts.
func TestWriteIsChunked(t *testing.T) {
	w := newWorld(t)
	finals, ledger := w.earn(2500, 100)
	if err := w.rdb.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	writer := NewWriter(w.rdb, "club", w.cat, w.in)
	if err := writer.Write(t.Context(), finals, ledger...); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"u00000", "u00999", "u01000", "u02499"} {
		if s := w.stands(user); s.Version != 1 || len(s.Earned) != 1 || s.Earned[0].Badge != "collector" || s.Catalog != 1 {
			t.Errorf("%s stands as %+v", user, s)
		}
	}
	var sent commands
	w.rdb.AddHook(&sent)
	if err := writer.Write(t.Context(), finals, ledger...); err != nil {
		t.Fatal(err)
	}
	if len(sent.trips) != 6 {
		t.Errorf("%d round trips for 2,500 users", len(sent.trips))
	}
}

// TestLossesAreNoticed flushes Redis, or sets it back as a failover does, at
// every moment of a writer's life.
func TestLossesAreNoticed(t *testing.T) {
	marker := markerKey("club")
	flush := func(ctx context.Context, rdb *redis.Client) error { return rdb.FlushDB(ctx).Err() }
	setBack := func(ctx context.Context, rdb *redis.Client) error {
		return rdb.HSet(ctx, marker, field(club), mark(projections.Position{Offset: 1})).Err()
	}
	for name, lose := range map[string]func(context.Context, *redis.Client) error{"flushed": flush, "set back": setBack} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			writer := w.writer()
			for range 2 {
				finals, ledger := w.earn(3, 5)
				if err := writer.Write(t.Context(), finals, ledger...); err != nil {
					t.Fatalf("before the loss: %v", err)
				}
			}
			if err := errors.Join(writer.Check(t.Context()), w.writer().Check(t.Context())); err != nil {
				t.Fatalf("before the loss: %v", err)
			}
			successor := w.writer()
			if err := lose(t.Context(), w.rdb); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{"idle": writer.Check(t.Context()), "a successor": successor.Check(t.Context())} {
				if !errors.Is(err, ErrRefreshNeeded) {
					t.Errorf("%s: %v", what, err)
				}
			}
			// The write stands, and says it every time until all is back.
			for range 2 {
				finals, ledger := w.earn(1, 5)
				if err := writer.Write(t.Context(), finals, ledger...); !errors.Is(err, ErrRefreshNeeded) {
					t.Errorf("writing after the loss: %v", err)
				}
				if s := w.stands("u00000"); s.Version != finals[0].Version {
					t.Errorf("version %d stands, %d was written", s.Version, finals[0].Version)
				}
			}
			if users, err := NewWriter(w.rdb, "club", w.cat, w.in).Refresh(t.Context(), w.store); err != nil || users != 3 {
				t.Fatalf("%d users refreshed: %v", users, err)
			}
			if s := w.stands("u00002"); s.Version != 2 {
				t.Errorf("refreshed to %+v", s)
			}
			finals, ledger := w.earn(1, 5)
			if err := errors.Join(writer.Check(t.Context()), successor.Check(t.Context()), writer.Write(t.Context(), finals, ledger...)); err != nil {
				t.Errorf("after the refresh: %v", err)
			}
		})
	}
}

// TestFreshGroupIsNoLoss begins with nothing, loses its first snapshots, and
// notices.
func TestFreshGroupIsNoLoss(t *testing.T) {
	w := newWorld(t)
	writer := w.writer()
	finals, ledger := w.earn(3, 5)
	if err := errors.Join(writer.Check(t.Context()), writer.Write(t.Context(), finals)); err != nil {
		t.Fatal(err)
	}
	if err := w.rdb.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(t.Context(), nil, ledger...); !errors.Is(err, ErrRefreshNeeded) {
		t.Errorf("flushed between the snapshots and the marker: %v", err)
	}
}

// silent is a Redis that does nothing and says so, from the n-th round trip on.
type silent struct {
	commands
	after int
}

func (s *silent) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if s.after--; s.after < 0 {
			return errors.New("nothing is done")
		}
		return next(ctx, cmds)
	}
}

// TestMarkerComesLast has Redis fail at each round trip of a write: as long as
// one snapshot is not there, the marker must say so.
func TestMarkerComesLast(t *testing.T) {
	for after := range 4 {
		w := newWorld(t)
		writer := w.writer()
		finals, ledger := w.earn(2500, 100) // three round trips, and the marker's
		before := w.rdb.HGet(t.Context(), markerKey("club"), field(club)).Val()
		w.rdb.AddHook(&silent{after: after})
		if err := writer.Write(t.Context(), finals, ledger...); err == nil {
			t.Fatalf("Redis failed after %d round trips, and the write says that all is there", after)
		}
		if now := w.rdb.HGet(t.Context(), markerKey("club"), field(club)).Val(); now != before {
			t.Errorf("after %d round trips the marker went from %s to %s", after, before, now)
		}
	}
}

// TestRefreshNoticesALoss flushes Redis while a refresh runs.
func TestRefreshNoticesALoss(t *testing.T) {
	for name, before := range map[string]func([]redis.Cmder) bool{
		"before the second page": func(cmds []redis.Cmder) bool {
			return slices.ContainsFunc(cmds, func(c redis.Cmder) bool {
				return c.Name() == "mset" && c.Args()[1] == Key("club", "u01000")
			})
		},
		"before the end": func(cmds []redis.Cmder) bool {
			args := cmds[0].Args()
			return len(args) > 5 && args[4] == refreshField && args[5] == "1500"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.earn(1500, 5)
			writer := w.writer()
			w.rdb.AddHook(&saboteur{rdb: w.rdb, before: before})
			if _, err := writer.Refresh(t.Context(), w.store); !errors.Is(err, ErrRefreshNeeded) {
				t.Errorf("flushed in the middle: %v", err)
			}
			if err := writer.Check(t.Context()); !errors.Is(err, ErrRefreshNeeded) {
				t.Errorf("afterwards: %v", err)
			}
			if n, err := writer.Refresh(t.Context(), w.store); err != nil || n != 1500 {
				t.Errorf("once more: %d users, %v", n, err)
			}
			if keys := w.rdb.DBSize(t.Context()).Val(); keys != 1502 {
				t.Errorf("%d keys", keys)
			}
		})
	}
}

// saboteur flushes Redis once, before a certain pipeline.
type saboteur struct {
	commands
	rdb    *redis.Client
	before func([]redis.Cmder) bool
	done   bool
}

func (s *saboteur) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !s.done && s.before(cmds) {
			s.done = true
			if err := s.rdb.FlushDB(ctx).Err(); err != nil {
				return err
			}
		}
		return next(ctx, cmds)
	}
}

// TestRefreshTakesNothingBack writes a newer version while a refresh holds an
// older row.
func TestRefreshTakesNothingBack(t *testing.T) {
	w := newWorld(t)
	writer := w.writer()
	old, _ := w.earn(2, 5)
	newer, ledger := w.earn(1, 5)
	if err := writer.Write(t.Context(), newer, ledger...); err != nil {
		t.Fatal(err)
	}
	if err := writer.writePage(t.Context(), old, "", "1"); err != nil {
		t.Fatal(err)
	}
	if a, b := w.stands("u00000"), w.stands("u00001"); a.Version != 2 || b.Version != 1 {
		t.Errorf("versions %d and %d stand", a.Version, b.Version)
	}
}

// TestCatalogViewNeverGoesBack writes a later view and then an earlier one.
func TestCatalogViewNeverGoesBack(t *testing.T) {
	w := newWorld(t)
	for _, version := range []int32{2, 3, 1, 3} {
		in := w.in
		in.CatalogVersion = version
		if err := NewWriter(w.rdb, "club", w.cat, in).WriteCatalog(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if text := w.rdb.Get(t.Context(), CatalogKey("club")).Val(); !strings.Contains(text, `"version":3`) {
		t.Errorf("the view is %s", text)
	}
}
