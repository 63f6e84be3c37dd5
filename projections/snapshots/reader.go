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

// Reader reads users' progress, in one of three forms, each of which takes one
// round trip:
//
//   - Raw gives the snapshot's JSON as it stands in Redis. A service that hands
//     it on, to a front end that has the catalogue's view, pays for nothing but
//     the GET.
//   - Snapshots decodes it: for a program that looks at some counter, or at what
//     is earned.
//   - Progress also completes it by the catalogue's view: all counters, ages in
//     days, and what is locked.
//
// It may be used by several goroutines. Keep it: it remembers the view.
type Reader struct {
	rdb      redis.UniversalClient
	group    string
	fallback Fallback
	known    atomic.Pointer[schemas.Completer] // of the catalogue's view
}

// NewReader makes a reader. fallback may be nil: then who is not in Redis has
// nothing, and an unreachable Redis is an error.
func NewReader(rdb redis.UniversalClient, group string, fallback Fallback) *Reader {
	return &Reader{rdb: rdb, group: group, fallback: fallback}
}

// Raw reads one user's snapshot as JSON (snapshot.schema.json). The bytes are
// the ones that Redis has, not looked at; schemas.ParseSnapshot reads them. What
// the fallback answers is written as the writer would. Of a user who has
// nothing the JSON is nil, which is no error.
func (r *Reader) Raw(ctx context.Context, user string) (json []byte, origin Origin, err error) {
	json, err = r.getOne(ctx, Key(r.group, user))
	if len(json) > 0 && !schemas.IsErased(json) {
		return json, FromRedis, nil
	}
	if err != nil && r.fallback == nil {
		return nil, "", errors.Wrapf(err, "read %q's snapshot from Redis", user)
	}
	answers := []Answer{nobody(user)}
	if err := r.complete(ctx, answers); err != nil {
		return nil, "", err
	}
	if answers[0].Origin == FromNobody {
		return nil, FromNobody, nil
	}
	return answers[0].Snapshot.Append(nil), answers[0].Origin, nil
}

// Snapshots reads the users' snapshots, in the order given, in one round trip;
// what Redis lacks costs one query more.
func (r *Reader) Snapshots(ctx context.Context, users ...string) ([]Answer, error) {
	answers, _, err := r.read(ctx, users, false)
	return answers, err
}

// Progress reads the users' progress at now (in Unix microseconds, for ages),
// in the order given, with where each came from. Once the catalogue's view is
// known, it costs the round trip that Snapshots costs; before, the view comes
// in the same one. The view is read again when a snapshot is of a later one.
func (r *Reader) Progress(ctx context.Context, now int64, users ...string) ([]schemas.Progress, []Origin, error) {
	known := r.known.Load()
	answers, viewText, err := r.read(ctx, users, known == nil)
	if err != nil {
		return nil, nil, err
	}
	if known == nil {
		if known, err = r.learn(ctx, viewText); err != nil {
			return nil, nil, err
		}
	}
	if newest(answers) > known.View().Version {
		if known, err = r.relearn(ctx); err != nil {
			return nil, nil, err
		}
	}
	progress, origins := make([]schemas.Progress, len(users)), make([]Origin, len(users))
	for i := range answers {
		progress[i], origins[i] = known.Progress(&answers[i].Snapshot, now), answers[i].Origin
	}
	return progress, origins, nil
}

// newest is the latest version of the catalogue that any of the snapshots has.
func newest(answers []Answer) int64 {
	var version int64
	for i := range answers {
		version = max(version, answers[i].Snapshot.Catalog)
	}
	return version
}

// read asks Redis, then the fallback for the rest. The view is empty unless
// it is wanted and Redis has it.
func (r *Reader) read(ctx context.Context, users []string, wantView bool) (answers []Answer, view []byte, err error) {
	texts, view, err := r.ask(ctx, users, wantView)
	if err != nil && r.fallback == nil {
		return nil, nil, errors.Wrapf(err, "read %d snapshots from Redis", len(users))
	}
	answers = make([]Answer, len(users))
	for i, user := range users {
		if texts == nil || len(texts[i]) == 0 || schemas.IsErased(texts[i]) {
			answers[i] = nobody(user)
			continue
		}
		s, err := schemas.ParseSnapshot(texts[i])
		if err != nil {
			return nil, nil, errors.Wrapf(err, "key %s", Key(r.group, user))
		}
		answers[i] = Answer{Snapshot: *s, Origin: FromRedis}
	}
	return answers, view, r.complete(ctx, answers)
}

func nobody(user string) Answer {
	return Answer{Snapshot: schemas.Snapshot{User: user}, Origin: FromNobody}
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
