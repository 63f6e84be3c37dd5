package drift

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

const (
	snapshotPage = 1_000
	settlePause  = 200 * time.Millisecond
)

// suspect is a snapshot that is not its row: it may still follow.
type suspect struct {
	user string
	// text is what Redis has, "" if it has none.
	text string
	why  string
	// stays says that it is of its row's version and yet not its row, which no
	// waiting changes.
	stays bool
}

// snapshots compares each row with its snapshot, and looks for snapshots of
// nobody. What does not agree is looked at again until it does, or until it has
// had the time to.
func (a *audit) snapshots(ctx context.Context) error {
	users := a.store.Users(a.in, a.cat)
	for after := ""; ; {
		page, err := users.After(ctx, after, snapshotPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].User
		a.report.Looked(SnapshotsFollow, int64(len(page)))
		if err := a.compare(ctx, page); err != nil {
			return err
		}
	}
	if err := a.strangers(ctx); err != nil {
		return err
	}
	following := func(s suspect) bool { return !s.stays }
	for began := time.Now(); slices.ContainsFunc(a.suspects, following) && time.Since(began) < a.cfg.Settle; {
		if err := pause(ctx, settlePause); err != nil {
			return err
		}
		if err := a.again(ctx); err != nil {
			return err
		}
	}
	for i := range a.suspects {
		a.report.Find(SnapshotsFollow, "%q: %s", a.suspects[i].user, a.suspects[i].why)
	}
	return nil
}

// again looks at the suspects once more.
func (a *audit) again(ctx context.Context) error {
	list := slices.DeleteFunc(slices.Clone(a.suspects), func(s suspect) bool { return s.stays })
	a.suspects = slices.DeleteFunc(a.suspects, func(s suspect) bool { return !s.stays })
	for some := range slices.Chunk(list, snapshotPage) {
		names := make([]string, len(some))
		for i := range some {
			names[i] = some[i].user
		}
		rows, err := a.store.Users(a.in, a.cat).Of(ctx, names...)
		if err != nil {
			return err
		}
		if err := a.compare(ctx, rows); err != nil {
			return err
		}
		for i := range some {
			if !slices.ContainsFunc(rows, func(f processor.Final) bool { return f.User == some[i].user }) {
				if err := a.nobody(ctx, some[i].user); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// compare compares rows with the snapshots that Redis has after they were read:
// a snapshot may be of a later version by then, and is that of the row which is
// there afterwards.
func (a *audit) compare(ctx context.Context, rows []processor.Final) error {
	texts, err := a.read(ctx, rows)
	if err != nil {
		return err
	}
	var later []string
	for i := range rows {
		why, ahead, stays := a.judge(&rows[i], texts[i])
		if why != "" {
			a.suspects = append(a.suspects, suspect{rows[i].User, texts[i], why, stays})
		}
		if ahead {
			later = append(later, rows[i].User)
		}
	}
	if len(later) == 0 {
		return nil
	}
	now, err := a.store.Users(a.in, a.cat).Of(ctx, later...)
	if err != nil {
		return err
	}
	byUser := map[string]int64{}
	for i := range now {
		byUser[now[i].User] = a.in.Version(now[i].Version)
	}
	for i := range rows {
		s, err := schemas.ParseSnapshot([]byte(texts[i]))
		if err == nil && slices.Contains(later, rows[i].User) && s.Version > byUser[rows[i].User] {
			a.suspects = append(a.suspects, suspect{rows[i].User, texts[i], fmt.Sprintf("the snapshot has version %d, and the row %d", s.Version, byUser[rows[i].User]), false})
		}
	}
	return nil
}

func (a *audit) read(ctx context.Context, rows []processor.Final) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = snapshots.Key(a.cfg.Group, rows[i].User)
	}
	values, err := a.rdb.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, errors.Wrapf(err, "read %d snapshots", len(keys))
	}
	texts := make([]string, len(rows))
	for i, v := range values {
		texts[i], _ = v.(string)
	}
	return texts, nil
}

// judge says what is wrong with a snapshot, or that it is of a later version;
// stays says that it is wrong for good.
func (a *audit) judge(row *processor.Final, text string) (why string, ahead, stays bool) {
	switch {
	case text == "":
		return "there is no snapshot", false, false
	case !a.orderly(row.Held):
		return "", false, false // no snapshot can be made of such a row, which is told above
	}
	var want schemas.Snapshot
	processor.FillSnapshot(a.cat, row, &want)
	want.Counters = slices.DeleteFunc(want.Counters, func(n schemas.Number) bool { return n.Value == 0 }) // they are not written
	want.Version = a.in.Version(row.Version)
	want.Epoch, want.Catalog = a.in.Epoch, int64(a.in.CatalogVersion)
	if string(want.Append(nil)) == text {
		return "", false, false
	}
	got, err := schemas.ParseSnapshot([]byte(text))
	switch {
	case err != nil:
		return "the snapshot cannot be read: " + err.Error(), false, false
	case got.User != row.User:
		return fmt.Sprintf("the snapshot is of %q", got.User), false, false
	case got.Version < want.Version:
		return fmt.Sprintf("the snapshot has version %d, and the row %d", got.Version, want.Version), false, false
	case got.Version > want.Version:
		return "", true, false
	case !equal(got.Counters, want.Counters):
		return "the snapshot has " + differing(got.Counters, want.Counters), false, true
	case !equal(got.Since, want.Since):
		return fmt.Sprintf("the snapshot has the ages %v, and the row %v", got.Since, want.Since), false, true
	case !equal(inOrder(got.Earned), inOrder(want.Earned)):
		return fmt.Sprintf("the snapshot has the badges %v, and the row %v", got.Earned, want.Earned), false, true
	case !equal(got.Pins, want.Pins):
		return fmt.Sprintf("the snapshot has the pins %v, and the row %v", got.Pins, want.Pins), false, true
	case got.Catalog == want.Catalog && !equal(got.InProgress, want.InProgress):
		return fmt.Sprintf("the snapshot has in progress %v, and by the row it is %v", got.InProgress, want.InProgress), false, true
	}
	// An earlier epoch, or an earlier order of badges, says the same.
	return "", false, false
}

// differing lists the counters that are not the same, zeros being left out of
// both lists.
func differing(got, want schemas.Numbers) string {
	var parts []string
	for _, list := range []schemas.Numbers{got, want} {
		for _, n := range list {
			text := fmt.Sprintf("%s %d, and the row %d", n.Name, numberOf(got, n.Name), numberOf(want, n.Name))
			if numberOf(got, n.Name) != numberOf(want, n.Name) && !slices.Contains(parts, text) {
				parts = append(parts, text)
			}
		}
	}
	if len(parts) == 0 {
		return "its counters in another order"
	}
	return strings.Join(parts, "; ")
}

// orderly reports whether badges are in their order, each once and of the
// catalogue.
func (a *audit) orderly(held []processor.Held) bool {
	before := int16(-1)
	for _, h := range held {
		if h.Badge <= before || int(h.Badge) >= len(a.cat.ByID) {
			return false
		}
		before = h.Badge
	}
	return true
}

func inOrder(list []schemas.Earned) []schemas.Earned {
	list = slices.Clone(list)
	slices.SortFunc(list, func(x, y schemas.Earned) int { return strings.Compare(x.Badge, y.Badge) })
	return list
}
