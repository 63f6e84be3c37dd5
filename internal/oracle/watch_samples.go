package oracle

import (
	"context"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/schemas"
)

// snapshots looks at the order of every snapshot, and then at the rows of
// those that moved on, which cannot be behind.
func (w *Watcher) snapshots(ctx context.Context) error {
	orders, err := w.readOrders(ctx)
	if err != nil {
		return err
	}
	back := w.excused()
	var moved []string
	w.look(func(r *Report) {
		back = back.or(w.back)
		r.Looked(SnapshotsNeverBack, int64(len(orders)))
		for user, order := range orders {
			switch before := w.orders[user]; {
			case order > before:
				moved = append(moved, user)
			case order < before && !back.redis:
				r.Find(SnapshotsNeverBack, "the snapshot of %q went from %s back to %s", user, before, order)
			}
			w.orders[user] = order
		}
	})
	return w.compareRows(ctx, moved, orders)
}

func (w *Watcher) readOrders(ctx context.Context) (map[string]string, error) {
	prefix := snapshotKey(w.cfg.Group, "")
	var keys []string
	list := w.rdb.Scan(ctx, 0, globEscaper().Replace(prefix)+"*", 1000).Iterator()
	for list.Next(ctx) {
		keys = append(keys, list.Val())
	}
	if err := list.Err(); err != nil {
		return nil, errors.Wrap(err, "list the snapshots in Redis")
	}
	orders := make(map[string]string, len(keys))
	reads := make([]*redis.StringCmd, len(keys))
	if len(keys) == 0 {
		return orders, nil
	}
	if _, err := w.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, key := range keys {
			reads[i] = pipe.GetRange(ctx, key, int64(schemas.OrderOffset), int64(schemas.OrderOffset+schemas.OrderLength-1))
		}
		return nil
	}); err != nil {
		return nil, errors.Wrap(err, "read the snapshots' orders")
	}
	for i, key := range keys {
		if order := reads[i].Val(); order != "" && !ofErased(order) {
			orders[strings.TrimPrefix(key, prefix)] = order
		}
	}
	return orders, nil
}

// ofErased says whether an order is that of the empty snapshot which stands for a
// day in the place of a user's who was erased.
func ofErased(order string) bool {
	return strings.HasPrefix(order, strconv.Itoa(schemas.ErasedEpoch)+".")
}

// compareRows looks at the rows of users after their snapshots.
func (w *Watcher) compareRows(ctx context.Context, users []string, orders map[string]string) error {
	if len(users) == 0 || w.excused().postgres || w.pg == nil {
		return nil
	}
	s := stored{group: w.cfg.Group}
	if err := w.pg.QueryRow(ctx, `SELECT epoch, generation, turn FROM `+s.base()+`.regime`).Scan(&s.epoch, &s.generation, &s.turn); err != nil {
		return errors.Wrap(err, "read the regime")
	}
	rows, err := w.pg.Query(ctx, `SELECT id, version FROM `+s.gen()+`.users WHERE id = ANY($1)`, users)
	if err != nil {
		return errors.Wrap(err, "read users' rows")
	}
	versions := map[string]int64{}
	var id string
	var version int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error { versions[id] = version; return nil }); err != nil {
		return errors.Wrap(err, "read users' rows")
	}
	w.look(func(r *Report) {
		if w.back.postgres {
			return
		}
		r.Looked(SnapshotsBacked, int64(len(users)))
		for _, user := range users {
			if row := string(schemas.AppendOrder(nil, s.epoch, versions[user]+s.turn*turnVersions)); orders[user] > row {
				r.Find(SnapshotsBacked, "the snapshot of %q was %s, and his row %s", user, orders[user], row)
			}
		}
	})
	return nil
}

// announced is a badge event that was seen on its topic.
type announced struct {
	at    string
	event schemas.BadgeEvent
}

// maxSeen bounds what waits while Postgres or Redis is away.
const maxSeen = 100_000

// take reads what is new on the award topic, committed or not.
func (w *Watcher) take(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sampleTime/30)
	defer cancel()
	fetches := w.tail.PollFetches(ctx) // errors come again, or pass
	fetches.EachRecord(func(r *kgo.Record) {
		var e schemas.BadgeEvent
		if len(w.seen) < maxSeen && schemas.DecodeBadgeEvent(r.Headers, r.Value, &e) == nil && e.Group == w.cfg.Group {
			w.seen = append(w.seen, announced{place(r), e})
		}
	})
}

// lookUp looks for the rows and the snapshots of the badge events seen.
func (w *Watcher) lookUp(ctx context.Context) error {
	const page = 500
	for len(w.seen) > 0 {
		some := w.seen[:min(page, len(w.seen))]
		back := w.excused()
		if w.pg == nil {
			return errors.New("Postgres does not answer")
		}
		missing, err := w.unbacked(ctx, some)
		if err != nil {
			return err
		}
		behind, err := w.unshown(ctx, some)
		if err != nil {
			return err
		}
		w.look(func(r *Report) {
			back = back.or(w.back)
			r.Looked(AwardsBacked, int64(len(some)))
			r.Looked(AwardsShown, int64(len(some)))
			for i := range some {
				a := &some[i]
				if missing[i] && !back.postgres {
					r.Find(AwardsBacked, "%s was at %s before it was in Postgres", shorten(awardKey(&a.event)), a.at)
				}
				if behind[i] && !back.redis && !back.postgres {
					r.Find(AwardsShown, "%s was at %s before a snapshot showed it", shorten(awardKey(&a.event)), a.at)
				}
			}
		})
		w.seen = w.seen[len(some):]
	}
	w.seen = nil
	return nil
}

// unbacked says which badge events have no row.
func (w *Watcher) unbacked(ctx context.Context, some []announced) ([]bool, error) {
	var topics, users []string
	var partitions []int32
	var offsets, ordinals []int64
	for i := range some {
		c := &some[i].event
		topics, partitions, users = append(topics, c.Cause.Topic), append(partitions, c.Cause.Partition), append(users, c.User)
		offsets, ordinals = append(offsets, c.Cause.Offset), append(ordinals, c.Ordinal)
	}
	s := stored{group: w.cfg.Group}
	rows, err := w.pg.Query(ctx, `SELECT h.topic IS NULL AND NOT EXISTS (SELECT FROM `+s.base()+`.erasure e, `+s.base()+`.regime r
  WHERE e.user_hash = substr(sha256(uuid_send(r.secret) || 'u'::bytea || convert_to(x.u, 'UTF8')), 1, 16))
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::text[]) WITH ORDINALITY x (t, p, o, n, u, i)
LEFT JOIN `+s.base()+`.history h ON h.topic = x.t AND h.partition = x.p AND h."offset" = x.o AND h.ordinal = x.n ORDER BY x.i`, topics, partitions, offsets, ordinals, users)
	if err != nil {
		return nil, errors.Wrap(err, "look for rows of the history")
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[bool])
	return list, errors.Wrap(err, "look for rows of the history")
}

// unshown says which badge events no snapshot shows.
func (w *Watcher) unshown(ctx context.Context, some []announced) ([]bool, error) {
	reads := make([]*redis.StringCmd, len(some))
	if _, err := w.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range some {
			reads[i] = pipe.GetRange(ctx, snapshotKey(w.cfg.Group, some[i].event.User), int64(schemas.OrderOffset), int64(schemas.OrderOffset+schemas.OrderLength-1))
		}
		return nil
	}); err != nil {
		return nil, errors.Wrap(err, "read the snapshots' orders")
	}
	list := make([]bool, len(some))
	for i := range some {
		// Of whatever epoch: a later one begins at what the earlier one had.
		_, version, _ := strings.Cut(reads[i].Val(), ".")
		_, least, _ := strings.Cut(string(schemas.AppendOrder(nil, 0, some[i].event.UserVersion)), ".")
		list[i] = version < least && !ofErased(reads[i].Val())
	}
	return list, nil
}
