package oracle

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/schemas"
)

// erasedAbsent looks for what should not be there of users who were erased, as
// far as no other check comes across it, and for erasures that the log has not.
func (p *pass) erasedAbsent(ctx context.Context) error {
	if !p.first() || p.stored.erased == nil {
		return nil
	}
	for _, e := range p.stored.erased {
		if !e.met {
			p.report.Find(ErasedAbsent, "Postgres has a user erased by the record %s/%d@%d, and the log has no such record there", e.Cause.Topic, e.Cause.Partition, e.Cause.Offset)
		}
	}
	base := p.stored.base()
	var folded int64
	if err := p.tx.QueryRow(ctx, `SELECT erasures FROM `+base+`.regime`).Scan(&folded); err != nil {
		return errors.Wrap(err, "read how many records erased users")
	}
	if folded != p.erasures {
		p.report.Find(ErasedAbsent, "by the regime %d records erased users, and by the log %d: who folds goes by that", folded, p.erasures)
	}
	if len(p.stored.erased) == 0 {
		return nil
	}
	his := ` WHERE substr(sha256($1::bytea || 'u'::bytea || convert_to(user_id, 'UTF8')), 1, 16) IN (SELECT user_hash FROM ` + base + `.erasure)`
	for _, table := range []string{"history", "decision", "kept"} {
		if err := p.nothingIn(ctx, table, base+`.`+table+his, p.stored.secret[:]); err != nil {
			return err
		}
	}
	for _, table := range []string{"erasing", "tombstone"} { // they go last
		if err := p.nothingIn(ctx, table, base+`.`+table+` JOIN `+base+`.erasure e USING (user_hash) WHERE e.done_at IS NOT NULL`); err != nil {
			return err
		}
	}
	return nil
}

// nobodyLeft says that of all who were erased nothing was left before the topics
// were looked at.
func (p *pass) nobodyLeft() bool {
	for h := range p.stored.erased {
		if e := p.before[h]; e == nil || !e.done {
			return false
		}
	}
	return true
}

// nothingIn wants no rows of users who were erased in a table.
func (p *pass) nothingIn(ctx context.Context, table, from string, args ...any) error {
	var n int64
	if err := p.tx.QueryRow(ctx, `SELECT count(*) FROM `+from, args...).Scan(&n); err != nil {
		return errors.Wrapf(err, "look for users who were erased in the table %s", table)
	}
	if n > 0 {
		p.report.Find(ErasedAbsent, "the table %s has %d rows of users who were erased", table, n)
	}
	return nil
}

// forgotten looks at badge events of users who were erased: each is followed by a
// tombstone, if nothing of them was left before the topic was looked at. No other
// has one.
func (p *pass) forgotten() {
	for key, r := range p.awards.committed {
		if p.stored.erased[r.user] == nil {
			if _, strayed := p.awards.strays[r.event]; r.dead || strayed {
				p.report.Find(ErasedAbsent, "%s at %s has a tombstone, and its user was not erased", shorten(key), r.at)
			}
			continue
		}
		r.backed = true // by nothing, as it should be
		p.report.Looked(ErasedAbsent, 1)
		if e := p.before[r.user]; e != nil && e.done && !r.dead {
			p.report.Find(ErasedAbsent, "%s at %s is followed by no tombstone in its partition, and its user was erased", shorten(key), r.at)
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
