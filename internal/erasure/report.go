package erasure

import (
	"context"
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// Report is what there is of a user, looked for everywhere.
type Report struct {
	Group string `json:"group"`
	User  string `json:"user"`
	Hash  string `json:"hash"`
	// Erased is when it was written that he shall be erased, Record where, By and
	// Reason who decided it and why, and Done when nothing was left; empty before.
	Erased string `json:"erased,omitempty"`
	Record string `json:"record,omitempty"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	Done   string `json:"done,omitempty"`
	// Rows are what Postgres has, by table; those of a generation bear its name.
	Rows map[string]int64 `json:"rows"`
	// Snapshot says that Redis shows something of him.
	Snapshot bool `json:"snapshot"`
	// Events are his badge events on the award topic; of Forgotten ones a
	// tombstone follows, so that compaction removes them.
	Events    int64 `json:"badge_events"`
	Forgotten int64 `json:"badge_events_forgotten"`
	// Letters are the records of the dead-letter topic that name him and that no
	// tombstone follows; LettersForgotten counts those that one follows.
	Letters          []string `json:"dead_letters"`
	LettersForgotten int64    `json:"dead_letters_forgotten"`
	// NotCompacted are the topics that have tombstones for him and are not compacted:
	// what they stand for stays.
	NotCompacted []string `json:"not_compacted,omitempty"`
	// old counts those of Letters that an earlier badgestream wrote under the
	// rejected record's key: no tombstone can be meant for one of them alone.
	old int64
}

// Left reports whether anything is there that an erasure removes.
func (r *Report) Left() bool {
	n := r.Events - r.Forgotten + int64(len(r.Letters)) - r.old
	for _, rows := range r.Rows {
		n += rows
	}
	return n > 0 || r.Snapshot || len(r.NotCompacted) > 0
}

// Look looks everywhere for what there is of users, in their order. The topics
// are read once.
func Look(ctx context.Context, store *projections.Store, cfg *Config, users ...string) ([]*Report, error) {
	_, in, err := store.CurrentCatalog(ctx)
	if err != nil {
		return nil, err
	}
	opts, err := redis.ParseURL(cfg.Redis)
	if err != nil {
		return nil, errors.New("the Redis URL cannot be read: it should look like redis://user:password@host:6379/0")
	}
	rdb := redis.NewClient(opts)
	defer func() { _ = rdb.Close() }() // it writes nothing
	reports, whose := make([]*Report, len(users)), map[string]*Report{}
	for i, user := range users {
		if reports[i] = whose[user]; reports[i] != nil {
			continue
		}
		if reports[i], err = lookUp(ctx, store, rdb, in.Secret, user); err != nil {
			return nil, err
		}
		whose[user] = reports[i]
	}
	return reports, readTopics(ctx, cfg, whose)
}

// lookUp looks in Postgres and in Redis.
func lookUp(ctx context.Context, store *projections.Store, rdb *redis.Client, secret projections.Secret, user string) (*Report, error) {
	h := schemas.HashUser(secret, user)
	text, err := h.MarshalText()
	if err != nil {
		return nil, err
	}
	r := &Report{Group: store.Group(), User: user, Hash: string(text), Letters: []string{}}
	e, err := store.ErasureOf(ctx, h)
	if err != nil {
		return nil, err
	}
	if e != nil {
		r.Erased, r.By, r.Reason = schemas.FormatTime(e.At.UnixMicro()), e.By, e.Reason
		r.Record = fmt.Sprintf("%s/%d@%d", e.Topic, e.Partition, e.Offset)
		if e.Done != nil {
			r.Done = schemas.FormatTime(e.Done.UnixMicro())
		}
	}
	if r.Rows, err = store.RowsOf(ctx, h, user); err != nil {
		return nil, err
	}
	r.Snapshot, err = shows(ctx, rdb, store.Group(), user)
	return r, err
}

// shows reports whether Redis has anything of a user but the empty snapshot that
// stands in the place of an erased one's.
func shows(ctx context.Context, rdb *redis.Client, group, user string) (bool, error) {
	text, err := rdb.Get(ctx, snapshots.Key(group, user)).Bytes()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil && !schemas.IsErased(text), errors.Wrap(err, "read the snapshot")
}
