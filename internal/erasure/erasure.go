// Package erasure erases users, and proves that nothing is left of them.
package erasure

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/control"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// lookTime is how often it is looked whether nothing is left.
const lookTime = 100 * time.Millisecond

// Config says where to look.
type Config struct {
	Brokers                     []string
	Redis                       string
	AwardTopic, DeadLetterTopic string
}

// Erase writes a record that erases users, but for those who were erased before,
// and waits for as long as it is told until nothing is left of any. It reports
// where the record stands, and whether that was so.
func Erase(ctx context.Context, store *projections.Store, brokers []string, users []string, by, reason string, patience time.Duration) (at projections.Place, done bool, err error) {
	_, in, err := store.CurrentCatalog(ctx)
	if err != nil {
		return at, false, err
	}
	e, whose := schemas.Erasure{By: by, Reason: reason}, map[schemas.UserHash]string{}
	all := make([]schemas.UserHash, len(users))
	for i, user := range users {
		h := schemas.HashUser(in.Secret, user)
		all[i] = h
		if _, twice := whose[h]; twice || in.Erases(user) {
			continue
		}
		e.Users = append(e.Users, h)
		whose[h] = user
	}
	if len(e.Users) > 0 {
		if at, err = write(ctx, store, brokers, &e, whose); err != nil {
			return at, false, err
		}
	}
	for began := time.Now(); ; {
		if done, err = nothingLeft(ctx, store, all); err != nil || done || time.Since(began) >= patience {
			return at, done, err
		}
		select {
		case <-time.After(lookTime):
		case <-ctx.Done():
			return at, false, errors.Wrapf(ctx.Err(), "the record stands at %s/%d offset %d, and takes effect as soon as an engine comes to it", at.Topic, at.Partition, at.Offset)
		}
	}
}

// write appends a record that erases users, whose ids are needed until they are.
func write(ctx context.Context, store *projections.Store, brokers []string, e *schemas.Erasure, whose map[schemas.UserHash]string) (at projections.Place, err error) {
	data, err := e.Append(nil)
	if err != nil {
		return at, err
	}
	if _, err := schemas.ParseErasure(data); err != nil {
		return at, err
	}
	if err := store.AskErasure(ctx, whose); err != nil {
		return at, err
	}
	return control.Write(ctx, store.Group(), brokers, &control.Record{Type: schemas.EraseType, Of: "erasures", Data: data})
}

func nothingLeft(ctx context.Context, store *projections.Store, users []schemas.UserHash) (bool, error) {
	for _, u := range users {
		e, err := store.ErasureOf(ctx, u)
		if err != nil || e == nil || e.Done == nil {
			return false, err
		}
	}
	return true, nil
}
