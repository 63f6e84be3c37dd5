package projections

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/schemas"
)

// TestErasedWhileABaseWasCopied leaves a base whose taker died before he looked
// who was erased meanwhile. Whoever looks next removes what is left of users whose
// erasure the base has passed, and gives up a base that has rows of others.
func TestErasedWhileABaseWasCopied(t *testing.T) {
	t.Parallel()
	cat := load(t, "stride")
	w := newWorld(t, server(t), "copied", cat, 1)
	var acts []act
	for _, user := range []string{"passed", "later", "stays"} {
		acts = append(acts, act{"stride.session.changed", user, `{"session":"s","state":"done"}`, noon})
	}
	if _, err := w.folder().Fold(t.Context(), w.works(0, 0, acts...)); err != nil {
		t.Fatal(err)
	}
	b, err := w.TakeBase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base := generationSchema(w.group, b.Number)
	erase := func(user string, offset int) {
		t.Helper()
		h := schemas.HashUser(w.in.Secret, user)
		w.exec(`INSERT INTO BASE.erasure (user_hash, topic, partition, "offset", by, reason, at, until, removed) VALUES ($1, 'activity', 0, $2, 'm', 'r', now(), '{}', '{}')`, h[:], offset)
		w.exec(`UPDATE BASE.generation SET swept = false WHERE generation = $1`, b.Number)
		if err := w.SweepBases(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rows := func() string {
		return w.text(`SELECT (SELECT string_agg(id, ' ' ORDER BY id) FROM ` + base + `.users), (SELECT count(*) FROM ` + base + `.member)`)
	}
	same(t, "rows of the base", fmt.Sprintln("later passed stays", 3), rows())
	erase("passed", 2)
	same(t, "rows of the base", fmt.Sprintln("later stays", 2), rows())
	erase("nobody", 3)
	same(t, "rows of the base", fmt.Sprintln("later stays", 2), rows())
	erase("later", 3)
	if _, err := w.Base(t.Context(), b.Number); !errors.Is(err, ErrNoBase) || !strings.Contains(err.Error(), "users were erased") {
		t.Errorf("a base that has rows of who was erased later: %v", err)
	}
	same(t, "tables of the base", "0\n", w.text(`SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1)`, base))
}
