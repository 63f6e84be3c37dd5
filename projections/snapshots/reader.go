package snapshots

import (
	"context"
	"sync/atomic"

	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// Origin says where an answer came from.
type Origin string

// The origins.
const (
	FromRedis    Origin = "redis"
	FromPostgres Origin = "postgres"
	// FromNobody: the user has no snapshot and no row. All is zero and locked.
	FromNobody Origin = "nobody"
)

// Answer is what a reader says of one user.
type Answer struct {
	Snapshot schemas.Snapshot
	Origin   Origin
}

// Fallback answers for what Redis does not have.
type Fallback interface {
	// Snapshots returns those of the users that have a row, in any order.
	Snapshots(ctx context.Context, users []string) ([]schemas.Snapshot, error)
	// Catalog returns the view of the catalogue that holds.
	Catalog(ctx context.Context) (*schemas.CatalogView, error)
}

// Reader reads users' progress. It may be used by several goroutines.
type Reader struct {
	rdb      redis.UniversalClient
	group    string
	fallback Fallback
	view     atomic.Pointer[schemas.CatalogView]
}

// NewReader makes a reader. fallback may be nil: then who is not in Redis has
// nothing, and an unreachable Redis is an error.
func NewReader(rdb redis.UniversalClient, group string, fallback Fallback) *Reader {
	return &Reader{rdb: rdb, group: group, fallback: fallback}
}

// Snapshots reads the users' snapshots, in the order given, in one round trip;
// what Redis lacks costs one query more.
func (r *Reader) Snapshots(ctx context.Context, users ...string) ([]Answer, error) {
	answers, _, err := r.read(ctx, users)
	return answers, err
}

// Progress reads the users' progress at now (in Unix microseconds, for ages),
// in the order given, with where each came from. Once the catalogue's view is
// known, it costs what Snapshots costs; before, the view comes in the same
// round trip.
func (r *Reader) Progress(ctx context.Context, now int64, users ...string) ([]schemas.Progress, []Origin, error) {
	answers, view, err := r.read(ctx, users)
	if err != nil {
		return nil, nil, err
	}
	progress, origins := make([]schemas.Progress, len(users)), make([]Origin, len(users))
	for i := range answers {
		progress[i], origins[i] = answers[i].Snapshot.Progress(view, now), answers[i].Origin
	}
	return progress, origins, nil
}

// Catalog returns the catalogue's view: the one that is known, or else the one
// that Redis or the fallback has.
func (r *Reader) Catalog(ctx context.Context) (*schemas.CatalogView, error) {
	if v := r.view.Load(); v != nil {
		return v, nil
	}
	_, view, err := r.read(ctx, nil)
	return view, err
}

// read asks Redis, then the fallback for the rest, and sees to it that the
// view is not older than any of the snapshots.
func (r *Reader) read(ctx context.Context, users []string) ([]Answer, *schemas.CatalogView, error) {
	view := r.view.Load()
	texts, viewText, err := r.ask(ctx, users, view == nil)
	if err != nil && r.fallback == nil {
		return nil, nil, errors.Wrapf(err, "read %d snapshots from Redis", len(users))
	}
	answers := make([]Answer, len(users))
	for i, user := range users {
		answers[i] = Answer{Snapshot: schemas.Snapshot{User: user}, Origin: FromNobody}
		if texts == nil || texts[i] == "" {
			continue
		}
		s, err := schemas.ParseSnapshot([]byte(texts[i]))
		if err != nil {
			return nil, nil, errors.Wrapf(err, "key %s", Key(r.group, user))
		}
		answers[i] = Answer{Snapshot: *s, Origin: FromRedis}
	}
	if err := r.complete(ctx, answers); err != nil {
		return nil, nil, err
	}
	if view == nil {
		if view, err = r.learn(ctx, viewText); err != nil {
			return nil, nil, err
		}
	}
	for i := range answers {
		if answers[i].Snapshot.Catalog > view.Version {
			view, err = r.relearn(ctx)
			return answers, view, err
		}
	}
	return answers, view, nil
}

// ask gets snapshots, and the view if wanted, in one round trip. What is not
// there is "".
func (r *Reader) ask(ctx context.Context, users []string, wantView bool) (texts []string, view string, err error) {
	keys := make([]string, len(users), len(users)+1)
	for i, user := range users {
		keys[i] = Key(r.group, user)
	}
	if wantView {
		keys = append(keys, CatalogKey(r.group))
	}
	texts, err = r.get(ctx, keys)
	if err != nil {
		return nil, "", err
	}
	if wantView {
		view = texts[len(users)]
	}
	return texts[:len(users)], view, nil
}

func (r *Reader) get(ctx context.Context, keys []string) ([]string, error) {
	texts := make([]string, len(keys))
	if _, cluster := r.rdb.(*redis.ClusterClient); cluster || len(keys) == 1 {
		cmds, err := r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.Get(ctx, key)
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		for i, c := range cmds {
			if texts[i], err = c.(*redis.StringCmd).Result(); err != nil && !errors.Is(err, redis.Nil) {
				return nil, err
			}
		}
		return texts, nil
	}
	if len(keys) == 0 {
		return texts, nil
	}
	values, err := r.rdb.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		texts[i], _ = v.(string)
	}
	return texts, nil
}

// complete asks the fallback for the users whom Redis does not know.
func (r *Reader) complete(ctx context.Context, answers []Answer) error {
	if r.fallback == nil {
		return nil
	}
	at := map[string][]int{}
	var users []string
	for i := range answers {
		if answers[i].Origin != FromNobody {
			continue
		}
		user := answers[i].Snapshot.User
		if at[user] == nil {
			users = append(users, user)
		}
		at[user] = append(at[user], i)
	}
	if len(users) == 0 {
		return nil
	}
	found, err := r.fallback.Snapshots(ctx, users)
	if err != nil {
		return errors.Wrapf(err, "read %d snapshots from Postgres", len(users))
	}
	for i := range found {
		for _, k := range at[found[i].User] {
			answers[k] = Answer{Snapshot: found[i], Origin: FromPostgres}
		}
	}
	return nil
}
