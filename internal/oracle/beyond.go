package oracle

import (
	"context"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// beyond looks at what lies behind the last range: in the log nothing, once
// settled; in history and rejects nothing ever.
func (p *pass) beyond(ctx context.Context, sources map[recount.Partition]*source) error {
	for id, at := range p.ps {
		s := sources[id]
		if s == nil {
			var err error
			if s, err = p.open(ctx, len(sources), &schemas.LedgerRow{Topic: id.Topic, Partition: id.Partition, From: at.Offset}); err != nil {
				return err
			}
			sources[id] = s
		}
		if err := p.changed(ctx, s.history, position{Offset: 1 << 62}, nil, nil, at); err != nil {
			return err
		}
		if err := p.decisions(ctx, s.decisions, position{Offset: 1 << 62}, nil); err != nil {
			return err
		}
		rest, err := rowsBelow(ctx, s.rejects, 1<<62)
		if err != nil {
			return err
		}
		p.rejects(id, rest, nil)
		p.undecided(s)
		if !p.cfg.Settled || !p.first() {
			continue
		}
		p.report.Looked(LagZero, 1)
		if k := p.ks[id]; k.compare(at) < 0 {
			p.report.Find(LagZero, "%s/%d is folded up to %s, and published up to %s", id.Topic, id.Partition, at, k)
		}
		r, err := s.log.next(ctx, p.ends[id].Offset)
		if err != nil {
			return err
		}
		if r != nil {
			p.report.Find(LagZero, "%s/%d is folded up to %s, and its log goes on at offset %d", id.Topic, id.Partition, at, r.Offset)
		}
	}
	return nil
}
