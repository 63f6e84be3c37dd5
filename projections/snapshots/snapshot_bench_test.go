package snapshots_test

import (
	"context"
	"encoding/json"
	"net"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

const benchGroup = "bench"

// community folds a Starview history in memory and gives all its users.
func community(b *testing.B) (*catalog.Catalog, []processor.Final) {
	b.Helper()
	cat, err := catalog.Load("starview")
	if err != nil {
		b.Fatal(err)
	}
	world, err := traffic.New(traffic.Config{Seed: 1, Users: 200})
	if err != nil {
		b.Fatal(err)
	}
	memory, batch, window := processor.NewMemory(cat), processor.New(cat), processor.NewWindow(1)
	for i := range int64(20_000) {
		e := world.Next(1_767_225_600_000_000 + i*20_000)
		var ev schemas.Event
		if err := schemas.Decode(e.Headers(), e.Data, &ev); err != nil {
			b.Fatal(err)
		}
		if _, err := batch.Add(&ev, processor.Source{Offset: i, ID: ev.ID, Origin: ev.Source, Time: ev.Time}, window); err != nil {
			b.Fatal(err)
		}
	}
	if err := memory.Fold(batch); err != nil {
		b.Fatal(err)
	}
	return cat, batch.Finals()
}

// BenchmarkSnapshot makes the value that Redis gets from a user's row. One
// operation is one user.
func BenchmarkSnapshot(b *testing.B) {
	cat, finals := community(b)
	var s schemas.Snapshot
	var buf []byte
	size := 0
	for i := range finals {
		processor.FillSnapshot(cat, &finals[i], &s)
		buf = s.Append(buf[:0])
		size += len(buf)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 1) % len(finals) {
		processor.FillSnapshot(cat, &finals[i], &s)
		buf = s.Append(buf[:0])
	}
	b.ReportMetric(float64(size)/float64(len(finals)), "bytes/snapshot")
}

// BenchmarkRead reads one user's progress where Redis costs nothing: it is what
// the client and the package cost by themselves. get is the client's own GET of
// the same bytes; json is that with encoding/json behind it, which is what a
// service would do without the package.
func BenchmarkRead(b *testing.B) {
	cat, finals := community(b)
	values := instant{}
	users := make([]string, len(finals))
	for i := range finals {
		s := schemas.Snapshot{Epoch: 1, Catalog: 1}
		processor.FillSnapshot(cat, &finals[i], &s)
		users[i] = s.User
		values[snapshots.Key(benchGroup, s.User)] = string(s.Append(nil))
	}
	view := cat.View(1)
	text, err := json.Marshal(&view)
	if err != nil {
		b.Fatal(err)
	}
	values[snapshots.CatalogKey(benchGroup)] = string(text)
	rdb := redis.NewClient(&redis.Options{})
	defer rdb.Close()
	rdb.AddHook(values)
	reader := snapshots.NewReader(rdb, benchGroup, nil)
	if _, err := reader.Catalog(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct {
		name string
		read func(ctx context.Context, user string) error
	}{
		{"get", func(ctx context.Context, user string) error {
			return rdb.Get(ctx, snapshots.Key(benchGroup, user)).Err()
		}},
		{"json", func(ctx context.Context, user string) error {
			text, err := rdb.Get(ctx, snapshots.Key(benchGroup, user)).Bytes()
			if err != nil {
				return err
			}
			var v map[string]any
			return json.Unmarshal(text, &v)
		}},
		{"snapshot", func(ctx context.Context, user string) error {
			answers, err := reader.Snapshots(ctx, user)
			if err == nil && answers[0].Origin != snapshots.FromRedis {
				err = errors.Newf("%s is from %s", user, answers[0].Origin)
			}
			return err
		}},
		{"progress", func(ctx context.Context, user string) error {
			_, origins, err := reader.Progress(ctx, 1_770_000_000_000_000, user)
			if err == nil && origins[0] != snapshots.FromRedis {
				err = errors.Newf("%s is from %s", user, origins[0])
			}
			return err
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for i := 0; b.Loop(); i = (i + 1) % len(users) {
				if err := way.read(ctx, users[i]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// instant answers a client's reads from memory, before anything is sent.
type instant map[string]string

func (instant) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("nothing is dialled here")
	}
}

func (v instant) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error { return v.answer(cmd) }
}

func (v instant) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if err := v.answer(cmd); err != nil {
				return err
			}
		}
		return nil
	}
}

// answer knows GET.
func (v instant) answer(cmd redis.Cmder) error {
	get, ok := cmd.(*redis.StringCmd)
	if !ok {
		return errors.Newf("%s is not known here", cmd.Name())
	}
	value, there := v[get.Args()[1].(string)]
	if !there {
		get.SetErr(redis.Nil)
		return redis.Nil
	}
	get.SetVal(value)
	return nil
}
