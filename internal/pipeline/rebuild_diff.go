package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Diff compares the generation beside the live one with it, at one moment at
// which both are folded up to the same offsets. Folds wait for that moment, and
// go on while it is looked at. samples is how many users are shown of each kind
// of difference.
func (r *Rebuilder) Diff(ctx context.Context, samples int) (d *Diff, err error) {
	err = r.takeOver(ctx, func(b *beside) error {
		m, err := b.moment(ctx)
		if err != nil {
			return err
		}
		if unswept, err := b.store.Unswept(ctx); err != nil || unswept {
			m.Close(ctx)
			return errors.CombineErrors(err, errUnswept)
		}
		defer m.Close(ctx)
		c := comparison{Moment: m, samples: samples, beside: b.gen.Number, besideCat: b.rules}
		d, err = c.diff(ctx)
		return err
	})
	return d, err
}

// errUnswept says that the generations may differ in what will soon be gone.
var errUnswept = errors.New("users are being erased, and not everything of theirs is removed yet: engines do it within seconds (`badgestream run`); compare again then")

// moment is one moment of the tables at which both generations are folded up to
// the same offsets.
func (b *beside) moment(ctx context.Context) (m *projections.Moment, err error) {
	err = b.standstill(ctx, func(context.Context, pgx.Tx) error {
		m, err = b.store.Moment(ctx)
		return err
	})
	return m, err
}

// standstill calls f while nothing is folded and both generations stand at the
// same offsets. The transaction is what keeps folds out.
func (b *beside) standstill(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	hurried := b.pace.hurry
	b.pace.hurry = true
	defer func() { b.pace.hurry = hurried }()
	// Most is folded before, so that nobody waits long.
	if err := b.catchUp(ctx); err != nil {
		return err
	}
	return b.store.Standstill(ctx, func(ctx context.Context, tx pgx.Tx) error {
		b.still = time.Now()
		if err := b.catchUp(ctx); err != nil {
			return err
		}
		standings, err := b.store.Positions(ctx)
		if err != nil {
			return err
		}
		for _, s := range standings {
			if p := b.parts[s.TopicPartition]; p == nil || compare(p.folded, s.Position) != 0 {
				return errors.AssertionFailedf("%s/%d is folded up to %d, and generation %d not", s.Topic, s.Partition, s.Offset, b.gen.Number)
			}
		}
		return f(ctx, tx)
	})
}

// catchUp folds until the ledger shows no more.
func (b *beside) catchUp(ctx context.Context) error {
	for {
		folded, err := b.advance(ctx)
		if err != nil {
			return err
		}
		if folded == 0 {
			return b.caughtUp(ctx)
		}
	}
}

// comparison compares two generations at one moment.
type comparison struct {
	*projections.Moment
	samples            int
	live, beside       int32
	liveCat, besideCat *catalog.Catalog
}

func (c *comparison) diff(ctx context.Context) (*Diff, error) {
	in, stored, err := c.Regime(ctx)
	if err != nil {
		return nil, err
	}
	if c.liveCat, err = stored.Parse(); err != nil {
		return nil, err
	}
	c.live = in.Generation
	d := &Diff{Live: c.live, Beside: c.beside, Identical: true, Offsets: map[string]int64{}, Tables: map[string]TableDiff{}, Badges: map[string]*BadgeDiff{}, Counters: map[string]int64{}}
	standings, err := c.Positions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range standings {
		d.Offsets[fmt.Sprintf("%s/%d", s.Topic, s.Partition)] = s.Offset
	}
	for _, part := range []func(context.Context, *Diff) error{c.tables, c.badges, c.counters, c.decisions} {
		if err := part(ctx, d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (c *comparison) tables(ctx context.Context, d *Diff) error {
	live, err := c.Hashes(ctx, c.live, c.liveCat)
	if err != nil {
		return err
	}
	beside, err := c.Hashes(ctx, c.beside, c.besideCat)
	if err != nil {
		return err
	}
	for i := range live {
		t := TableDiff{Identical: live[i].Hash == beside[i].Hash, Live: live[i].Hash, Beside: beside[i].Hash, LiveRows: live[i].Rows, BesideRows: beside[i].Rows}
		d.Tables[live[i].Table] = t
		d.Identical = d.Identical && t.Identical
	}
	return nil
}

func (c *comparison) counters(ctx context.Context, d *Diff) error {
	users, names, differ, list, err := c.CounterDiffs(ctx, c.live, c.beside, c.liveCat, c.besideCat, c.samples)
	if err != nil {
		return err
	}
	d.Users = users
	for i, n := range differ {
		if n > 0 {
			d.Counters[names[i]] = n
		}
	}
	for _, u := range list {
		s := UserSample{User: u.User}
		for i, name := range names {
			if u.Live != nil && u.Beside != nil && u.Live[i] == u.Beside[i] {
				continue
			}
			if u.Live != nil {
				s.Live = append(s.Live, schemas.Number{Name: name, Value: u.Live[i]})
			}
			if u.Beside != nil {
				s.Beside = append(s.Beside, schemas.Number{Name: name, Value: u.Beside[i]})
			}
		}
		d.UserSamples = append(d.UserSamples, s)
	}
	return nil
}

func (c *comparison) decisions(ctx context.Context, d *Diff) error {
	count, list, err := c.DecisionsBeside(ctx, c.besideCat, c.samples)
	if err != nil {
		return err
	}
	d.Decisions = count
	for i := range list {
		x := &list[i]
		d.DecisionSamples = append(d.DecisionSamples, DecisionSample{x.Verb, x.User, x.Badge, x.By, fmt.Sprintf("%s/%d@%d", x.Cause.Topic, x.Cause.Partition, x.Cause.Offset)})
	}
	return nil
}

func (c *comparison) badges(ctx context.Context, d *Diff) error {
	list, err := c.HeldDiffs(ctx, c.live, c.beside, c.liveCat, c.besideCat, c.samples)
	if err != nil {
		return err
	}
	live, err := c.Evidence(ctx, c.live, c.liveCat, list)
	if err != nil {
		return err
	}
	beside, err := c.Evidence(ctx, c.beside, c.besideCat, list)
	if err != nil {
		return err
	}
	for i := range list {
		h := &list[i]
		b := d.Badges[h.Badge]
		if b == nil {
			b = &BadgeDiff{}
			d.Badges[h.Badge] = b
		}
		switch {
		case h.Live == nil:
			b.Gained = h.Alike
		case h.Beside == nil:
			b.Lost = h.Alike
		default:
			b.Changed = h.Alike
		}
		if c.samples > 0 {
			b.Samples = append(b.Samples, BadgeSample{User: h.User, Live: evidence(h.Live, live[i]), Beside: evidence(h.Beside, beside[i])})
		}
	}
	return nil
}

func evidence(at *int64, e *projections.Evidence) *Evidence {
	if e == nil {
		return nil
	}
	out := &Evidence{Held: at != nil, Counters: e.Counters, Last: e.Last}
	if at != nil {
		out.EarnedAt = schemas.FormatTime(*at)
	}
	return out
}
