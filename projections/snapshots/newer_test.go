package snapshots

import (
	"testing"
	"time"

	"github.com/badgestream/badgestream/processor"
)

// TestNewerAmongOthers writes snapshots at once of which some are to stay, to a
// Redis that has forgotten its scripts: these keep the time that they have to
// live, what is no snapshot is replaced, and nothing is left aside.
func TestNewerAmongOthers(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	writer := NewWriter(w.rdb, "club", w.cat, w.in)
	write := func(version int64, users ...string) {
		t.Helper()
		if err := w.rdb.ScriptFlush(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		var finals []processor.Final
		for _, u := range users {
			finals = append(finals, processor.Final{User: u, Version: version, Counters: make([]int64, len(w.cat.Counters))})
		}
		if err := writer.Write(ctx, finals); err != nil {
			t.Fatal(err)
		}
	}
	write(5, "u1", "u3", "u4")
	if err := writer.Erase(ctx, "u4"); err != nil {
		t.Fatal(err)
	}
	if err := w.rdb.HSet(ctx, Key("club", "u5"), "field", "of somebody else").Err(); err != nil {
		t.Fatal(err)
	}
	write(4, "u0", "u1", "u2", "u3", "u4", "u5")
	for user, want := range map[string]int64{"u0": 4, "u1": 5, "u2": 4, "u3": 5, "u4": 0, "u5": 4} {
		if s := w.stands(user); s.User != user || s.Version != want {
			t.Errorf("%s stands with version %d, not %d", s.User, s.Version, want)
		}
	}
	if left := w.rdb.TTL(ctx, Key("club", "u4")).Val(); left <= 0 || left > erasedFor {
		t.Errorf("the erased user's goes after %v", left)
	}
	if left := w.rdb.TTL(ctx, Key("club", "u1")).Val(); left != -time.Nanosecond {
		t.Errorf("another's goes after %v", left)
	}
	if keys, err := w.rdb.Keys(ctx, asideKey("club")+"*").Result(); err != nil || len(keys) > 0 {
		t.Errorf("aside are %v, %v", keys, err)
	}
}
