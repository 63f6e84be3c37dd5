package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
)

const (
	eraseWork = "erase"
	// eraseLook is how often it is looked of whom something is left.
	eraseLook = 500 * time.Millisecond
	// eraseTime bounds the sending of one user's tombstones.
	eraseTime = 60 * time.Second
)

// keepErasing removes what is left of users who were erased: rows that nobody
// reads or writes any more, the snapshot, badge events, rejected records. One
// process of the group does it. Each step can be repeated: whoever dies in the
// middle leaves it to the next.
func (e *engine) keepErasing(ctx context.Context) error {
	for ; ctx.Err() == nil; wait(ctx, eraseLook) {
		list, err := e.postgres.Remaining(ctx)
		if err == nil && len(list) > 0 {
			err = e.postgres.Alone(ctx, eraseWork, func() error { return e.eraseRests(ctx) })
		}
		if err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "what is left of erased users could not be removed, trying again", "error", err)
			wait(ctx, time.Second)
		}
	}
	return nil
}

func (e *engine) eraseRests(ctx context.Context) error {
	list, err := e.postgres.Remaining(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	ks, _, err := committed(ctx, e.adm, e.cfg.Group, e.cfg.sources()...)
	if err != nil {
		return err
	}
	published := map[string]int64{}
	for p, k := range ks {
		published[fmt.Sprintf("%s/%d", p.Topic, p.Partition)] = k.Offset
	}
	for i := range list {
		if err := e.eraseRest(ctx, &list[i], published); err != nil {
			return errors.Wrapf(err, "remove what is left of a user erased at %s/%d offset %d", list[i].Topic, list[i].Partition, list[i].Offset)
		}
	}
	return nil
}

// eraseRest removes what it can. While something of the user's may be on its way
// to the award topic or to Redis, it is not the last time.
func (e *engine) eraseRest(ctx context.Context, r *projections.Remains, published map[string]int64) error {
	arrived := true
	for p, until := range r.Until {
		arrived = arrived && published[p] >= until
	}
	erased, err := e.postgres.EraseRows(ctx, r, arrived)
	for _, number := range erased.Bases {
		e.log.WarnContext(ctx, "a base is given up: it has rows of a user who was erased after it was taken", "base", number)
	}
	if err != nil {
		return err
	}
	e.mu.Lock()
	cat, in := e.cat, e.installed
	e.mu.Unlock()
	if r.ID != "" {
		if err := snapshots.NewWriter(e.rdb, e.cfg.Group, cat, in).Erase(ctx, r.ID); err != nil {
			return err
		}
	}
	if !erased.Last {
		return nil
	}
	events, err := e.forget(ctx, r)
	if err != nil {
		return err
	}
	letters, err := e.scrub(ctx, r.ID)
	if err != nil {
		return err
	}
	if err := e.postgres.EraseDone(ctx, r.User, map[string]int64{"rejects": letters}); err != nil {
		return err
	}
	e.log.InfoContext(ctx, "nothing is left of a user who was erased", "topic", r.Topic, "offset", r.Offset, "badge_events", events, "rejects", letters)
	return nil
}

// forget writes tombstones for the user's badge events: compaction of the award
// topic then removes both.
func (e *engine) forget(ctx context.Context, r *projections.Remains) (int, error) {
	list, err := e.postgres.Tombstones(ctx, r.User)
	if err != nil {
		return 0, err
	}
	records := make([]*kgo.Record, len(list))
	for i := range list {
		records[i] = &kgo.Record{Topic: e.cfg.AwardTopic, Partition: list[i].Partition, Key: []byte(list[i].Key)}
	}
	return len(list), e.entomb(ctx, e.cfg.AwardTopic, records)
}

// entomb writes tombstones to a topic.
func (e *engine) entomb(ctx context.Context, topic string, tombstones []*kgo.Record) error {
	if len(tombstones) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, eraseTime)
	defer cancel()
	cl, err := kgo.NewClient(append(append(e.cfg.isolated(), e.Kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	return errors.Wrapf(cl.ProduceSync(ctx, tombstones...).FirstErr(), "write tombstones to topic %s", topic)
}
