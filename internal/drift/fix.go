package drift

import (
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// fix mends what can be told without the log, or looks whether it could.
//
// A row that drifted has several witnesses: its members and things, the history,
// the conditions, and the snapshot of the same version. It is mended only where
// what is put there makes all of those in Postgres agree, and, for a counter,
// where the snapshot says the same: else not the counter may be wrong, but its
// members.
func (a *audit) fix(ctx context.Context) error {
	if !a.cfg.Fix {
		return nil
	}
	a.report.Fixed = a.cfg.Apply
	kept := a.suspects
	for _, user := range a.drifted {
		if err := a.fixRow(ctx, user); err != nil {
			return err
		}
	}
	for i := range kept {
		if err := a.fixSnapshot(ctx, &kept[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) fixed(user, what string) {
	a.report.Fixes = append(a.report.Fixes, Fix{user, what})
}

// fixRow mends one row, and then its snapshot.
func (a *audit) fixRow(ctx context.Context, user string) error {
	text, err := a.rdb.Get(ctx, snapshots.Key(a.cfg.Group, user)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return errors.Wrapf(err, "read the snapshot of %q", user)
	}
	witness, err := schemas.ParseSnapshot([]byte(text))
	known := err == nil
	what := ""
	err = a.drift.Mend(ctx, user, !a.cfg.Apply, func(r *projections.DriftRow) *projections.Mending {
		m, part := a.mending(r, witness, known && witness.Version == a.in.Version(r.Version))
		if m != nil {
			what += part
		}
		return m
	})
	if errors.Is(err, projections.ErrNotMended) {
		a.report.Note("%q is not mended: %v. Rebuild the group, or repair the user, from the log", user, projections.ErrNotMended)
		return nil
	}
	if err != nil {
		return err
	}
	if what == "" {
		return nil // it has come right by itself
	}
	a.fixed(user, what[:len(what)-2])
	return a.rewrite(ctx, user, text)
}

// mending says what to do next about a row. witnessed says that the snapshot is
// of the row's version.
func (a *audit) mending(r *projections.DriftRow, s *schemas.Snapshot, witnessed bool) (*projections.Mending, string) {
	counters := map[int]int64{}
	for i, want := range r.Expected {
		switch {
		case want == nil || *want == r.Counters[i]:
		case !witnessed || numberOf(s.Counters, a.cat.Counters[i].Name) != *want || !equal(r.Sums, r.MemberSums):
			return nil, ""
		default:
			counters[i] = *want
		}
	}
	switch {
	case len(counters) > 0:
		return &projections.Mending{Counters: counters}, "counters, "
	case !equal(r.Held, r.History) && equal(undecided(ids(r.History), r.Decided), undecided(r.True, r.Decided)):
		return &projections.Mending{Held: r.History, SetHeld: true}, "badges held, "
	case equal(r.Held, r.History) && r.DueWrong:
		next := r.NextDue
		return &projections.Mending{DueAt: &next}, "due date, "
	}
	return nil, ""
}

func numberOf(list schemas.Numbers, name string) int64 {
	i := slices.IndexFunc(list, func(n schemas.Number) bool { return n.Name == name })
	if i < 0 {
		return 0 // zeros are not written
	}
	return list[i].Value
}

// fixSnapshot has a snapshot written anew from its row.
func (a *audit) fixSnapshot(ctx context.Context, s *suspect) error {
	if slices.ContainsFunc(a.report.Fixes, func(f Fix) bool { return f.User == s.user }) {
		return nil
	}
	a.fixed(s.user, "the snapshot")
	return a.rewrite(ctx, s.user, s.text)
}

// rewrite removes a snapshot, if it still is the one that was looked at, and
// writes it from the row as it is then, unless the engine has done so by now:
// of two, the later stays.
func (a *audit) rewrite(ctx context.Context, user, text string) error {
	if !a.cfg.Apply {
		return nil
	}
	removeSame := redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)
	if err := removeSame.Run(ctx, a.rdb, []string{snapshots.Key(a.cfg.Group, user)}, text).Err(); err != nil {
		return errors.Wrapf(err, "remove the snapshot of %q", user)
	}
	rows, err := a.store.Users(a.in, a.cat).Of(ctx, user)
	if err != nil || len(rows) == 0 {
		return err
	}
	return snapshots.NewWriter(a.rdb, a.cfg.Group, a.cat, a.in).Write(ctx, rows)
}
