package bench

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// readMeasure is how measureRead calls itself.
const readMeasure = "read"

// Whose progress is read: a small community that has been there for a while,
// as a GET costs the same however many users there are.
const (
	readEvents = 20_000
	readUsers  = 400
)

// measureRead reads users' progress through the Go package, as a read service
// does, and by a plain GET of the same bytes with the same client.
func measureRead(ctx context.Context, b *bench, r *Result) error {
	return b.measureReads(ctx, r, blocks{count: 32, size: 1000, warm: 4})
}

func (b *bench) measureReads(ctx context.Context, r *Result, plan blocks) (err error) {
	small := *b
	small.Workload.Events = min(b.Workload.Events, readEvents)
	small.Workload.Users = min(b.Workload.Users, readUsers)
	small.Workload.PlainEvents = 0
	group := b.group(readMeasure, 1)
	defer func() { err = errors.CombineErrors(err, b.Servers.sweep(ctx, group)) }()
	if err := small.fold(ctx, readMeasure); err != nil {
		return err
	}
	options, err := redis.ParseURL(b.Servers.Redis)
	if err != nil {
		return errors.Wrap(err, "read the Redis URL")
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	store, err := projections.Open(ctx, b.Servers.Postgres, group)
	if err != nil {
		return err
	}
	defer store.Close()
	asked := &counted{Fallback: snapshots.NewPostgres(store)}
	users, bytes, err := shown(ctx, rdb, group)
	if err != nil {
		return err
	}
	ways := waysToRead(rdb, group, asked)
	times, err := plan.run(ctx, ways, users)
	if err != nil {
		return err
	}
	get := median(times[0]) * 1e6
	const unit = "µs"
	r.add(Figure{Measure: readMeasure, Name: "size of a snapshot", Value: bytes, Unit: "bytes", Lower: true})
	r.add(Figure{Measure: readMeasure, Name: ways[0].name, Value: get, Unit: unit, Lower: true})
	for i, w := range ways[1:] {
		r.against(Figure{Measure: readMeasure, Name: w.name, Value: median(times[i+1]) * 1e6, Unit: unit, Lower: true}, "a GET of the same bytes", get)
	}
	reads := (plan.warm + plan.count) * plan.size * len(ways[1:])
	r.add(Figure{Measure: readMeasure, Name: "SQL per read", Value: float64(asked.calls.Load()) / float64(reads), Unit: "queries to Postgres", Lower: true})
	return nil
}

// fold has the engine fold the workload as the first round of that name, and
// leaves what it made.
func (b *bench) fold(ctx context.Context, name string) error {
	l, err := b.log(ctx)
	if err != nil {
		return err
	}
	c := b.engine(name, l.whole, 1)
	if _, err := b.execute(ctx, c.setUp); err != nil {
		return err
	}
	_, err = b.execute(ctx, c.args)
	return err
}

// shown gives the users who have a snapshot, by name, and the mean of its
// bytes.
func shown(ctx context.Context, rdb *redis.Client, group string) (users []string, bytes float64, err error) {
	prefix := snapshots.Key(group, "")
	keys := rdb.Scan(ctx, 0, prefix+"*", 1000).Iterator()
	for keys.Next(ctx) {
		users = append(users, strings.TrimPrefix(keys.Val(), prefix))
	}
	if err := keys.Err(); err != nil {
		return nil, 0, errors.Wrapf(err, "list the snapshots of group %s", group)
	}
	if len(users) == 0 {
		return nil, 0, errors.Newf("group %s has no snapshots in Redis to read", group)
	}
	slices.Sort(users)
	users = slices.Compact(users) // SCAN may name a key twice
	for _, user := range users {
		n, err := rdb.StrLen(ctx, snapshots.Key(group, user)).Result()
		if err != nil {
			return nil, 0, errors.Wrapf(err, "ask for the length of %s's snapshot", user)
		}
		bytes += float64(n)
	}
	return users, bytes / float64(len(users)), nil
}

// waysToRead are the ways to read one user's progress: the plain GET first, then
// the package's way to the same bytes. What is decoded is said in the names.
func waysToRead(rdb *redis.Client, group string, fallback snapshots.Fallback) []way {
	reader := snapshots.NewReader(rdb, group, fallback)
	fromRedis := func(user string, origin snapshots.Origin) error {
		if origin != snapshots.FromRedis {
			return errors.Newf("%s's progress came from %s, although Redis has it", user, origin)
		}
		return nil
	}
	whole := func(user string, text []byte) error {
		if len(text) < schemas.OrderOffset+schemas.OrderLength {
			return errors.Newf("%d bytes are no snapshot of %s", len(text), user)
		}
		return nil
	}
	return []way{
		{"GET", func(ctx context.Context, user string) error {
			text, err := rdb.Get(ctx, snapshots.Key(group, user)).Bytes()
			if err != nil {
				return errors.Wrapf(err, "GET %s's snapshot", user)
			}
			return whole(user, text)
		}},
		{"Raw, the same bytes", func(ctx context.Context, user string) error {
			text, origin, err := reader.Raw(ctx, user)
			if err != nil {
				return err
			}
			return errors.CombineErrors(fromRedis(user, origin), whole(user, text))
		}},
		{"Snapshots, decoded", func(ctx context.Context, user string) error {
			answers, err := reader.Snapshots(ctx, user)
			if err != nil {
				return err
			}
			return fromRedis(user, answers[0].Origin)
		}},
		{"Progress, decoded and completed", func(ctx context.Context, user string) error {
			_, origins, err := reader.Progress(ctx, time.Now().UnixMicro(), user)
			if err != nil {
				return err
			}
			return fromRedis(user, origins[0])
		}},
	}
}

// counted is a fallback that counts how often it is asked. It is the reader's
// only way to Postgres, and each call is a query or more.
type counted struct {
	snapshots.Fallback
	calls atomic.Int64
}

func (c *counted) Snapshots(ctx context.Context, users []string) ([]schemas.Snapshot, error) {
	c.calls.Add(1)
	return c.Fallback.Snapshots(ctx, users)
}

func (c *counted) Catalog(ctx context.Context) (*schemas.CatalogView, error) {
	c.calls.Add(1)
	return c.Fallback.Catalog(ctx)
}
