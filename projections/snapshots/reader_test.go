package snapshots

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const now = 1_770_000_000_000_000

// TestReaderRoundTrips reads one user and several, and counts what is sent.
func TestReaderRoundTrips(t *testing.T) {
	w := newWorld(t)
	writer := w.writer()
	finals, ledger := w.earn(3, 60)
	if err := writer.Write(t.Context(), finals, ledger...); err != nil {
		t.Fatal(err)
	}
	if err := writer.WriteCatalog(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sent commands
	w.rdb.AddHook(&sent)
	r := NewReader(w.rdb, "club", nil)
	for _, c := range []struct{ users, trips string }{
		{"u00001", "mget"},          // with the view
		{"u00001", "get"},           // the view is known
		{"u00002 u00000", "mget"},   // several
		{"nobody", "get"},           // also of those who have none
		{"nobody u00000 x", "mget"}, //
	} {
		sent.trips = nil
		progress, origins, err := r.Progress(t.Context(), now, strings.Fields(c.users)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(sent.trips, "|"); got != c.trips {
			t.Errorf("%s: sent %q", c.users, got)
		}
		for i, user := range strings.Fields(c.users) {
			earned, origin := 0, FromNobody
			if strings.HasPrefix(user, "u") {
				origin = FromRedis
			}
			p := progress[i]
			if p.User != user || origins[i] != origin || len(p.Earned) != earned || len(p.Earned)+len(p.InProgress)+len(p.Locked) != len(w.cat.Badges) {
				t.Errorf("%s: %+v from %s", user, p, origins[i])
			}
			if origin == FromRedis && (len(p.InProgress) != 1 || p.InProgress[0].Badge != "collector" || p.InProgress[0].Percent != 60) {
				t.Errorf("%s: in progress %+v", user, p.InProgress)
			}
		}
	}
}

// TestFallbackSaysTheSame reads everybody from Redis, from Postgres with Redis
// flushed in part, and with Redis away.
func TestFallbackSaysTheSame(t *testing.T) {
	w := newWorld(t)
	writer := w.writer()
	for range 3 {
		finals, ledger := w.earn(4, 40)
		if err := writer.Write(t.Context(), finals, ledger...); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.WriteCatalog(t.Context()); err != nil {
		t.Fatal(err)
	}
	users := []string{"u00003", "u00000", "nobody", "u00001", "u00001"}
	read := func(rdb redis.UniversalClient) (string, string) {
		t.Helper()
		progress, origins, err := NewReader(rdb, "club", NewPostgres(w.store)).Progress(t.Context(), now, users...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(progress)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), fmt.Sprint(origins)
	}
	want, origins := read(w.rdb)
	if origins != "[redis redis nobody redis redis]" || !strings.Contains(want, `"earned":[{"badge":"collector"`) {
		t.Fatalf("from %s: %s", origins, want)
	}
	if err := w.rdb.Del(t.Context(), Key("club", "u00001"), CatalogKey("club")).Err(); err != nil {
		t.Fatal(err)
	}
	if got, origins := read(w.rdb); got != want || origins != "[redis redis nobody postgres postgres]" {
		t.Errorf("from %s: %s", origins, got)
	}
	if got, origins := read(away(t)); got != want || origins != "[postgres postgres nobody postgres postgres]" {
		t.Errorf("from %s: %s", origins, got)
	}
	if _, _, err := NewReader(away(t), "club", nil).Progress(t.Context(), now, users...); err == nil {
		t.Error("no error without a fallback")
	}
}

// TestReaderLearnsALaterCatalog reads a snapshot that is of a later version
// than the view that is known.
func TestReaderLearnsALaterCatalog(t *testing.T) {
	w := newWorld(t)
	finals, _ := w.earn(1, 40)
	r := NewReader(w.rdb, "club", nil)
	for version := int32(1); version < 4; version++ {
		in := w.in
		in.CatalogVersion, in.Epoch = version, int64(version)
		writer := NewWriter(w.rdb, "club", w.cat, in)
		if err := writer.WriteCatalog(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := writer.Write(t.Context(), finals); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Progress(t.Context(), now, "u00000"); err != nil {
			t.Fatal(err)
		}
		if v, err := r.Catalog(t.Context()); err != nil || v.Version != int64(version) {
			t.Errorf("version %d is known, %d holds: %v", v.Version, version, err)
		}
	}
}

// TestErasedIsNobody: the empty snapshot that stands in the place of a user's who
// was erased is nobody's, in each form of reading, and nothing comes above it.
func TestErasedIsNobody(t *testing.T) {
	w := newWorld(t)
	writer := w.writer()
	finals, ledger := w.earn(1, 3)
	user := finals[0].User
	if err := writer.Write(t.Context(), finals, ledger...); err != nil {
		t.Fatal(err)
	}
	if err := writer.Erase(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(t.Context(), finals); err != nil { // of a process that hung
		t.Fatal(err)
	}
	r := NewReader(w.rdb, "club", nil)
	if json, origin, err := r.Raw(t.Context(), user); json != nil || origin != FromNobody || err != nil {
		t.Errorf("raw: %s, %s, %v", json, origin, err)
	}
	answers, err := r.Snapshots(t.Context(), user)
	if err != nil || answers[0].Origin != FromNobody || answers[0].Snapshot.Version != 0 || len(answers[0].Snapshot.Counters) > 0 {
		t.Errorf("decoded: %+v, %v", answers, err)
	}
	if left := w.rdb.TTL(t.Context(), Key("club", user)).Val(); left <= 0 || left > erasedFor {
		t.Errorf("it stands for %v", left)
	}
}
