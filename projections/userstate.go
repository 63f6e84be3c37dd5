package projections

import (
	"context"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
)

// UserState is all that a generation has of one user: his row, his members and
// his things.
type UserState struct {
	processor.Final
	// Found says that there is a row.
	Found bool
	DueAt int64 // Unix microseconds, 0 for none
	// Members and Things are by the second half of their keys.
	Members, Things map[int64]StoredRow
}

// StoredRow is a member or a thing as a table has it.
type StoredRow struct {
	Collection int16
	State      int32
	// At is the time of a member that goes by time, in Unix microseconds, 0 where
	// there is none.
	At   int64
	Sums [catalog.MaxSums]int64 // of a thing
	// Name says what it is, where that is known: keys are hashes.
	Name string
}

func (r StoredRow) same(o StoredRow) bool { r.Name, o.Name = "", ""; return r == o }

// StateOf is what a fold in memory has of a user.
func StateOf(m *processor.Memory, in Installed, cat *catalog.Catalog, user string) *UserState {
	s := &UserState{Final: m.User(user), DueAt: m.DueAt(user), Members: map[int64]StoredRow{}, Things: map[int64]StoredRow{}}
	s.Found = s.Version > 0 || len(s.Held) > 0
	named := func(collection int16, parts ...string) string {
		parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
		return strings.Join(append([]string{cat.Collections[collection].Name}, parts...), " ")
	}
	m.Rows(func(k processor.MemberKey, p processor.MemberPrior) {
		if k.User != user {
			return
		}
		key, _ := in.Secret.rowKey(nil, k.Collection, k.Entity, k.Member)
		row := StoredRow{Collection: k.Collection, State: p.State, Name: named(k.Collection, k.Entity, k.Member)}
		if p.At != processor.NoTime {
			row.At = p.At
		}
		s.Members[key] = row
	}, func(k processor.EntityKey, e processor.EntityRow) {
		if k.User == user {
			key, _ := in.Secret.rowKey(nil, k.Collection, k.Entity, "")
			s.Things[key] = StoredRow{Collection: k.Collection, State: e.Prior, Sums: e.Sums, Name: named(k.Collection, k.Entity)}
		}
	})
	return s
}

// UserMoment is where the live generation stood, and what it had of a user there.
type UserMoment struct {
	Standing []Standing
	State    *UserState
	// Told are the badges that the history says the user has, by slug, with when
	// each was earned in Unix microseconds.
	Told map[string]int64
}

// UserAt reads a user's rows of the live generation at one moment. It returns
// a *RegimeChanged if another regime holds than the one given.
func (s *Store) UserAt(ctx context.Context, in Installed, cat *catalog.Catalog, user string) (m *UserMoment, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		m, err = s.UserIn(ctx, tx, in, cat, user)
		return err
	})
	return m, errors.Wrapf(err, "read what there is of user %q", user)
}

// UserIn is UserAt within the transaction of a Standstill.
func (s *Store) UserIn(ctx context.Context, tx pgx.Tx, in Installed, cat *catalog.Catalog, user string) (*UserMoment, error) {
	now, err := readRegime(ctx, tx, s.group)
	if err != nil {
		return nil, err
	}
	if now != in.Regime {
		return nil, &RegimeChanged{Expected: in.Regime, Found: now}
	}
	m := &UserMoment{Told: map[string]int64{}}
	if m.Standing, err = positions(ctx, tx, s.group, nil); err != nil {
		return nil, err
	}
	if m.State, err = readUser(ctx, tx, generationSchema(s.group, in.Generation), in.Secret, cat, user); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT ON (badge) badge, revoked, (extract(epoch FROM earned_at) * 1000000)::bigint FROM `+schema(s.group)+`.history
WHERE user_id = $1 ORDER BY badge, user_version DESC, ordinal DESC`, user)
	if err != nil {
		return nil, errors.Wrap(err, "read the history")
	}
	var badge string
	var revoked bool
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&badge, &revoked, &at}, func() error {
		if !revoked {
			m.Told[badge] = at
		}
		return nil
	})
	return m, errors.Wrap(err, "read the history")
}

// readUser reads all rows of a user in a generation.
func readUser(ctx context.Context, tx pgx.Tx, gen string, secret Secret, cat *catalog.Catalog, user string) (*UserState, error) {
	s := &UserState{Final: processor.Final{User: user, Counters: make([]int64, len(cat.Counters))}, Members: map[int64]StoredRow{}, Things: map[int64]StoredRow{}}
	rows, err := tx.Query(ctx, `SELECT id, `+strings.Join(slices.Concat(rowColumns(), counterColumns(cat), []string{`coalesce((extract(epoch FROM due_at) * 1000000)::bigint, 0)`}), ", ")+` FROM `+gen+`.users WHERE id = $1`, inBinary(), user)
	if err != nil {
		return nil, errors.Wrap(err, "read the user's row")
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var a answers
		raw := row.RawValues()
		err := a.readFinal(&s.Final, raw[1:])
		if n := len(s.Counters) - 1; err == nil {
			s.Found, s.DueAt, s.Counters = true, s.Counters[n], s.Counters[:n]
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, errors.Wrap(err, "read the user's row")
	}
	key := secret.UserKey(user)
	for into, sql := range map[*map[int64]StoredRow]string{
		&s.Members: `SELECT row_key, collection, state, coalesce((extract(epoch FROM at) * 1000000)::bigint, 0), 0::bigint, 0::bigint, 0::bigint, 0::bigint FROM ` + gen + `.member WHERE user_key = $1`,
		&s.Things:  `SELECT row_key, collection, state, 0::bigint, s0, s1, s2, s3 FROM ` + gen + `.entity WHERE user_key = $1`,
	} {
		rows, err := tx.Query(ctx, sql, key)
		if err != nil {
			return nil, errors.Wrap(err, "read the user's members and things")
		}
		var k int64
		var r StoredRow
		_, err = pgx.ForEachRow(rows, []any{&k, &r.Collection, &r.State, &r.At, &r.Sums[0], &r.Sums[1], &r.Sums[2], &r.Sums[3]}, func() error {
			(*into)[k] = r
			return nil
		})
		if err != nil {
			return nil, errors.Wrap(err, "read the user's members and things")
		}
	}
	return s, nil
}
