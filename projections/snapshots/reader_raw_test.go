package snapshots

import (
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/schemas"
)

// away is a Redis that nobody reaches.
func away(t *testing.T) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// TestRawIsWhatStands reads the bytes from Redis, from Postgres, and where
// there are none. The catalogue's view is nowhere, as no raw read needs it.
func TestRawIsWhatStands(t *testing.T) {
	w := newWorld(t)
	writer := w.writer()
	finals, ledger := w.earn(2, 120)
	if err := writer.Write(t.Context(), finals, ledger...); err != nil {
		t.Fatal(err)
	}
	want, err := w.rdb.Get(t.Context(), Key("club", "u00001")).Result()
	if err != nil || !strings.Contains(want, `"earned":[{"badge":"collector"`) {
		t.Fatalf("Redis has %s, %v", want, err)
	}
	var sent commands
	w.rdb.AddHook(&sent)
	alone, backed := NewReader(w.rdb, "club", nil), NewReader(w.rdb, "club", NewPostgres(w.store))
	read := func(r *Reader, user, want string, from Origin) {
		t.Helper()
		sent.trips = nil
		got, origin, err := r.Raw(t.Context(), user)
		if err != nil || string(got) != want || origin != from {
			t.Errorf("%s: %q from %s, %v; want %q from %s", user, got, origin, err, want, from)
		}
		if (got == nil) != (want == "") {
			t.Errorf("%s: nothing is %v, not nil", user, got)
		}
		if r.rdb == w.rdb && strings.Join(sent.trips, "|") != "get" {
			t.Errorf("%s: sent %q", user, sent.trips)
		}
	}
	read(alone, "u00001", want, FromRedis)
	read(backed, "u00001", want, FromRedis)
	read(alone, "nobody", "", FromNobody)
	read(backed, "nobody", "", FromNobody)
	if err := w.rdb.Del(t.Context(), Key("club", "u00001")).Err(); err != nil {
		t.Fatal(err)
	}
	read(alone, "u00001", "", FromNobody)
	read(backed, "u00001", want, FromPostgres)
	read(NewReader(away(t), "club", NewPostgres(w.store)), "u00001", want, FromPostgres)
	read(NewReader(away(t), "club", NewPostgres(w.store)), "nobody", "", FromNobody)
	if _, _, err := NewReader(away(t), "club", nil).Raw(t.Context(), "u00001"); err == nil {
		t.Error("no error without a fallback")
	}
}

// TestSnapshotsNeedNoView reads them where Redis has no view.
func TestSnapshotsNeedNoView(t *testing.T) {
	w := newWorld(t)
	writer := w.writer()
	finals, ledger := w.earn(2, 60)
	if err := writer.Write(t.Context(), finals, ledger...); err != nil {
		t.Fatal(err)
	}
	var sent commands
	w.rdb.AddHook(&sent)
	for users, trips := range map[string]string{"u00001": "get", "u00001 nobody u00000": "mget"} {
		sent.trips = nil
		answers, err := NewReader(w.rdb, "club", nil).Snapshots(t.Context(), strings.Fields(users)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(sent.trips, "|"); got != trips {
			t.Errorf("%s: sent %q", users, got)
		}
		for i, user := range strings.Fields(users) {
			a := answers[i]
			if a.Snapshot.User != user || (a.Origin == FromRedis) != (user != "nobody") || a.Origin == FromRedis && a.Snapshot.Counters[0].Value != 60 {
				t.Errorf("%s: %+v", user, a)
			}
		}
	}
}

// TestReaderOfACluster reads several keys, which may be on different servers,
// by a pipeline.
func TestReaderOfACluster(t *testing.T) {
	w := newWorld(t)
	w.rdb = redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}) // clusters have no numbered databases
	t.Cleanup(func() { _ = w.rdb.Close() })
	writer := w.writer()
	finals, ledger := w.earn(3, 60)
	if err := writer.Write(t.Context(), finals, ledger...); err != nil {
		t.Fatal(err)
	}
	if err := writer.WriteCatalog(t.Context()); err != nil {
		t.Fatal(err)
	}
	cluster := w.cluster()
	var sent commands
	cluster.AddHook(&sent)
	r := NewReader(cluster, "club", nil)
	for _, c := range []struct{ users, trips string }{{"u00002 nobody u00000", "get get get get "}, {"u00001 nobody", "get get "}, {"u00001", "get"}} {
		sent.trips = nil
		progress, origins, err := r.Progress(t.Context(), now, strings.Fields(c.users)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(sent.trips, "|"); got != c.trips {
			t.Errorf("%s: sent %q", c.users, got)
		}
		for i, user := range strings.Fields(c.users) {
			if progress[i].User != user || (origins[i] == FromRedis) != (user != "nobody") || (len(progress[i].InProgress) == 1) != (user != "nobody") {
				t.Errorf("%s: %+v from %s", user, progress[i], origins[i])
			}
		}
	}
}

// TestReaderIsShared reads in several goroutines while later catalogues come.
func TestReaderIsShared(t *testing.T) {
	w := newWorld(t)
	finals, _ := w.earn(1, 60)
	write := func(version int32) {
		in := w.in
		in.CatalogVersion, in.Epoch = version, int64(version)
		writer := NewWriter(w.rdb, "club", w.cat, in)
		if err := writer.WriteCatalog(t.Context()); err != nil {
			t.Error(err)
		}
		if err := writer.Write(t.Context(), finals); err != nil {
			t.Error(err)
		}
	}
	write(1)
	r := NewReader(w.rdb, "club", nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				json, _, err := r.Raw(t.Context(), "u00000")
				if err != nil {
					t.Error(err)
					return
				}
				raw, err := schemas.ParseSnapshot(json)
				if err != nil {
					t.Error(err)
					return
				}
				progress, _, err := r.Progress(t.Context(), now, "u00000")
				if err != nil || len(progress[0].InProgress) != 1 || progress[0].InProgress[0].Value != 60 {
					t.Errorf("%+v, %v", progress, err)
					return
				}
				if view, err := r.Catalog(t.Context()); err != nil || view.Version < raw.Catalog {
					t.Errorf("the view is of version %d, and a snapshot before was of %d: %v", view.Version, raw.Catalog, err)
					return
				}
			}
		})
	}
	for version := int32(2); version < 6; version++ {
		write(version)
	}
	all.Wait()
}
