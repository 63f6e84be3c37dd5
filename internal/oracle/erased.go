package oracle

import (
	"context"
	"encoding/binary"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// erasure is a user's, as Postgres has it.
type erasure struct {
	recount.Erasure
	done bool // nothing may be left
	met  bool // the log has it
}

// readErasures reads who was erased. Tables of before there were erasures have
// none.
func (s *stored) readErasures(ctx context.Context, q queryer) (map[schemas.UserHash]*erasure, error) {
	all := map[schemas.UserHash]*erasure{}
	var is bool
	if err := q.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, s.base()+`.erasure`).Scan(&is); err != nil || !is {
		return all, errors.Wrap(err, "look whether anybody can be erased")
	}
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

// removing says whether the rows under a user's key are being removed.
func (s *stored) removing(userKey int64) bool {
	for h, e := range s.erased {
		if int64(binary.BigEndian.Uint64(h[:8])) == userKey {
			return !e.done
		}
	}
	return false
}

// erase compares a record that erases users with what Postgres says of them. One
// pass does it.
func (p *pass) erase(e recount.Erasure) {
	if !p.first() {
		return
	}
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

// erasedAbsent looks for what should not be there of users who were erased, as
// far as no other check comes across it.
func (p *pass) erasedAbsent(ctx context.Context) error {
	if !p.first() || len(p.stored.erased) == 0 {
		return nil
	}
	for _, e := range p.stored.erased {
		if !e.met {
			p.report.Find(ErasedAbsent, "Postgres has a user erased by the record %s/%d@%d, and the log has no such record there", e.Cause.Topic, e.Cause.Partition, e.Cause.Offset)
		}
	}
	hash := `substr(sha256($1::bytea || 'u'::bytea || convert_to(user_id, 'UTF8')), 1, 16)`
	for _, table := range []string{"history", "decision", "kept"} {
		var n int64
		if err := p.tx.QueryRow(ctx, `SELECT count(*) FROM `+p.stored.base()+`.`+table+` WHERE `+hash+` IN (SELECT user_hash FROM `+p.stored.base()+`.erasure)`, p.stored.secret[:]).Scan(&n); err != nil {
			return errors.Wrap(err, "look for users who were erased")
		}
		if n > 0 {
			p.report.Find(ErasedAbsent, "the table %s has %d rows of users who were erased", table, n)
		}
	}
	var n int64
	if err := p.tx.QueryRow(ctx, `SELECT count(*) FROM `+p.stored.base()+`.erasing x JOIN `+p.stored.base()+`.erasure e USING (user_hash) WHERE e.done_at IS NOT NULL`).Scan(&n); err != nil {
		return errors.Wrap(err, "look for users who were erased")
	}
	if n > 0 {
		p.report.Find(ErasedAbsent, "the ids of %d users who were erased are still there", n)
	}
	return nil
}

// forgotten looks at badge events of users who were erased: each is followed by a
// tombstone, once nothing of them may be left, and no other is.
func (p *pass) forgotten() {
	for key, r := range p.awards.committed {
		e := p.stored.erased[r.user]
		_, dead := p.awards.tombs[r.event]
		if e == nil {
			if dead {
				p.report.Find(ErasedAbsent, "%s at %s has a tombstone, and its user was not erased", shorten(key), r.at)
			}
			continue
		}
		r.backed = true // by nothing, as it should be
		p.report.Looked(ErasedAbsent, 1)
		if e.done && !dead {
			p.report.Find(ErasedAbsent, "%s at %s has no tombstone, and its user was erased", shorten(key), r.at)
		}
	}
	for _, r := range p.awards.torn {
		r.backed = r.backed || p.stored.erased[r.user] != nil
	}
}

// emptied says what is wrong with the snapshot of a user who was erased.
func (p *pass) emptied(ctx context.Context, user string) (string, error) {
	text, err := p.rdb.Get(ctx, snapshotKey(p.cfg.Group, user)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", errors.Wrapf(err, "read the snapshot of %q", user)
	}
	s, err := schemas.ParseSnapshot([]byte(text))
	if err != nil {
		return err.Error(), nil //nolint:nilerr // that it is none is what is found
	}
	if s.Version != 0 || len(s.Counters)+len(s.Since)+len(s.Earned)+len(s.InProgress)+len(s.Pins) > 0 {
		return "the snapshot shows something: " + shorten(text), nil
	}
	return "", nil
}
