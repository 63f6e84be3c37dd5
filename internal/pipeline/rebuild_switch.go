package pipeline

import (
	"context"

	"github.com/badgestream/badgestream/internal/control"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
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
	at, err := control.Write(ctx, r.cfg.Group, r.cfg.Brokers, &control.Record{Type: schemas.SwitchType, Of: "switches", Data: data}, r.kafka...)
	if err != nil {
		return nil, err
	}
	return &projections.Switch{Switch: s, TopicPartition: at.TopicPartition, Offset: at.Offset}, nil
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
