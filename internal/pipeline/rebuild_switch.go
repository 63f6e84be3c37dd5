package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Switch asks for the generation beside the live one to be the live one, and
// waits until an engine has done it. back says that it must be one that was live
// before, else it must be one that never was. What it returns says what became
// of it; the error of a context that ended leaves that open, as the record
// stands.
func (r *Rebuilder) Switch(ctx context.Context, revoke, back bool) (*projections.Switch, error) {
	g, err := r.store.Beside(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case back && !g.Lived:
		return nil, errors.Newf("generation %d was never live: `badgestream rebuild switch` makes it so", g.Number)
	case !back && g.Lived:
		return nil, errors.Newf("generation %d was live before: `badgestream rebuild rollback` goes back to it, and `badgestream rebuild retire` gives it up", g.Number)
	case g.State != projections.Following:
		return nil, errors.Newf("generation %d has not caught up yet: `badgestream rebuild status` shows how far it is", g.Number)
	case g.Trouble != "":
		return nil, errors.Newf("generation %d cannot be folded on: %s", g.Number, g.Trouble)
	}
	at, err := r.ask(ctx, schemas.Switch{Generation: g.Number, Revoke: revoke})
	if err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		s, err := r.store.SwitchAt(ctx, at.TopicPartition, at.Offset)
		if err != nil {
			return nil, err
		}
		switch {
		case s != nil && s.State == projections.SwitchRefused:
			return nil, errors.Newf("the switch to generation %d was refused: %s", g.Number, s.Refusal)
		case s != nil && s.State == projections.SwitchDone:
			return s, nil
		}
		wait(ctx, switchLook)
	}
	return nil, errors.Wrapf(ctx.Err(), "the switch stands at %s/%d offset %d, and is done as soon as an engine comes to it", at.Topic, at.Partition, at.Offset)
}

// ask writes a switch to the control topic.
func (r *Rebuilder) ask(ctx context.Context, s schemas.Switch) (*projections.Switch, error) {
	data, err := s.Append(nil)
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(r.cfg.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, r.kafka...)...)
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	now := time.Now()
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	rec := &kgo.Record{Topic: r.cfg.controlTopic(), Partition: 0, Value: data, Headers: []kgo.RecordHeader{
		header("ce_specversion", "1.0"), header("ce_id", fmt.Sprintf("switch-%d-%d", s.Generation, now.UnixMicro())),
		header("ce_source", "/badgestream/"+r.cfg.Group), header("ce_type", schemas.SwitchType),
		header("ce_time", schemas.FormatTime(now.UnixMicro())), header("content-type", "application/json"),
	}}
	if err := cl.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return nil, errors.Wrapf(err, "write the switch to %s", rec.Topic)
	}
	return &projections.Switch{Switch: s, TopicPartition: projections.TopicPartition{Topic: rec.Topic, Partition: rec.Partition}, Offset: rec.Offset}, nil
}

// Retire gives up the generation that was live before a switch: there is no way
// back to it then.
func (r *Rebuilder) Retire(ctx context.Context) (generation int32, err error) {
	g, err := r.store.Beside(ctx)
	if err != nil {
		return 0, err
	}
	if !g.Lived {
		return 0, errors.Newf("generation %d was never live: `badgestream rebuild cancel` gives it up", g.Number)
	}
	return g.Number, r.store.Drop(ctx, g.Number, projections.Retired)
}
