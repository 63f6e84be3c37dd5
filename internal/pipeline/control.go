package pipeline

import (
	"context"
	"strings"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// controlKind takes a record of the group's control topic. It is found by the
// event's type; the event has been decoded, and has a time.
type controlKind func(ctx context.Context, in *intake, p *partition, r *record) (processor.Verdict, error)

// controlKinds are the kinds of records that the control topic has beside
// ticks: what people do. On another topic they mean nothing.
func controlKinds() map[string]controlKind {
	kinds := map[string]controlKind{schemas.SwitchType: askSwitch, schemas.EraseType: meetErasure}
	for _, verb := range schemas.Verbs() {
		kinds[verb.Type()] = decide
	}
	return kinds
}

// controlKind is what takes the event at hand, nil if that stands on another
// topic or is of another type.
func (in *intake) controlKind(p *partition) controlKind {
	if p.Topic != in.control {
		return nil
	}
	return in.kinds[in.event.Type]
}

// askSwitch notes a switch of generations: it is not folded with others. One
// that was refused means nothing, as do all of them where it is not for the
// reader to wait for them.
func askSwitch(_ context.Context, in *intake, p *partition, r *record) (processor.Verdict, error) {
	if !in.switches || p.refused == r.offset+1 {
		return processor.Unknown, nil
	}
	ev := &in.event
	ask, err := schemas.ParseSwitch(ev.Data)
	if err != nil {
		return processor.Unknown, err
	}
	in.asked = &projections.Switch{Switch: ask, TopicPartition: p.TopicPartition, Offset: r.offset,
		EventID: strings.Clone(ev.ID), EventSource: strings.Clone(ev.Source), Time: in.time(r)}
	return processor.Unknown, nil
}

// decide takes a person's decision about a badge: it is folded like any event.
func decide(ctx context.Context, in *intake, p *partition, r *record) (processor.Verdict, error) {
	return in.add(ctx, p, r, in.batch.Decide, in.batch.DecideAgain)
}
