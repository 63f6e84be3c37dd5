package oracle

import (
	"context"
	"encoding/binary"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// erasure is a user's, as Postgres has it.
type erasure struct {
	recount.Erasure
	done bool // nothing may be left
	met  bool // the log has it
}

// readErasures reads who was erased. It gives nil for tables of before there were
// erasures.
func (s *stored) readErasures(ctx context.Context, q queryer) (map[schemas.UserHash]*erasure, error) {
	var is bool
	if err := q.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, s.base()+`.erasure`).Scan(&is); err != nil || !is {
		return nil, errors.Wrap(err, "look whether anybody can be erased")
	}
	all := map[schemas.UserHash]*erasure{}
	rows, err := q.Query(ctx, `SELECT user_hash, topic, partition, "offset", by, reason, (extract(epoch FROM at) * 1000000)::bigint, done_at IS NOT NULL FROM `+s.base()+`.erasure`)
	if err != nil {
		return nil, errors.Wrap(err, "read who was erased")
	}
	var hash []byte
	var e erasure
	_, err = pgx.ForEachRow(rows, []any{&hash, &e.Cause.Topic, &e.Cause.Partition, &e.Cause.Offset, &e.By, &e.Reason, &e.At, &e.done}, func() error {
		kept := e
		all[schemas.UserHash(hash)] = &kept
		return nil
	})
	return all, errors.Wrap(err, "read who was erased")
}

// erasure is a user's, nil if nobody erased him.
func (s *stored) erasure(user string) *erasure {
	if len(s.erased) == 0 {
		return nil
	}
	return s.erased[schemas.HashUser(s.secret, user)]
}

// byKey are erasures by the keys under which the users' members and things are
// stored.
func byKey(erased map[schemas.UserHash]*erasure) map[int64]*erasure {
	keys := make(map[int64]*erasure, len(erased))
	for h, e := range erased {
		keys[int64(binary.BigEndian.Uint64(h[:8]))] = e
	}
	return keys
}

// erase compares a record that erases users with what Postgres says of them. One
// pass does it.
func (p *pass) erase(e recount.Erasure) {
	if !p.first() {
		return
	}
	p.erasures++
	for _, u := range e.Users {
		p.report.Looked(ErasedAbsent, 1)
		has := p.stored.erased[u]
		switch {
		case has == nil:
			p.report.Find(ErasedAbsent, "the record %s/%d@%d erases a user of whom Postgres does not know it", e.Cause.Topic, e.Cause.Partition, e.Cause.Offset)
		case has.met: // once more, which means nothing
		case has.Cause.Topic != e.Cause.Topic || has.Cause.Partition != e.Cause.Partition || has.Cause.Offset != e.Cause.Offset || has.By != e.By || has.Reason != e.Reason || has.At != e.At:
			p.report.Find(ErasedAbsent, "Postgres has a user erased by %q at %s/%d@%d, and the log by %q at %s/%d@%d, or for another reason or at another time",
				has.By, has.Cause.Topic, has.Cause.Partition, has.Cause.Offset, e.By, e.Cause.Topic, e.Cause.Partition, e.Cause.Offset)
		}
		if has != nil {
			has.met = true
		}
	}
}
