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

// Diff is how the generation beside the live one differs from it, both folded
// up to the same offsets.
type Diff struct {
	// Identical says that all tables are, byte for byte, the history included.
	Identical bool  `json:"identical"`
	Live      int32 `json:"live"`   // the generation that readers see
	Beside    int32 `json:"beside"` // the one that was rebuilt
	// Offsets are what both have folded up to, by TOPIC/PARTITION.
	Offsets map[string]int64 `json:"offsets"`
	// Tables are the tables in brief, by name.
	Tables map[string]TableDiff `json:"tables"`
	// Badges are the badges in which users differ, by slug.
	Badges map[string]*BadgeDiff `json:"badges"`
	// Users is how many users have other counters, of those that both have, and
	// Counters in which; by name.
	Users    int64            `json:"users"`
	Counters map[string]int64 `json:"counters"`
	// UserSamples are some of these users.
	UserSamples []UserSample `json:"user_samples"`
}

// TableDiff is a table of both generations in brief.
type TableDiff struct {
	Identical bool   `json:"identical"`
	Live      string `json:"live"` // hash
	Beside    string `json:"beside"`
	LiveRows  int64  `json:"live_rows"`
	// BesideRows is how many rows the other one has.
	BesideRows int64 `json:"beside_rows"`
}

// BadgeDiff is how many users would gain or lose a badge by a switch, or keep it
// with another time.
type BadgeDiff struct {
	Gained  int64         `json:"gained"`
	Lost    int64         `json:"lost"`
	Changed int64         `json:"changed"`
	Samples []BadgeSample `json:"samples"`
}

// BadgeSample is one user who differs in a badge.
type BadgeSample struct {
	User   string    `json:"user"`
	Live   *Evidence `json:"live"` // nil: nothing is known of him
	Beside *Evidence `json:"beside"`
}

// Evidence is what one generation has on a badge of a user.
type Evidence struct {
	Held     bool   `json:"held"`
	EarnedAt string `json:"earned_at,omitempty"`
	// Counters are the criterion's, as they are now.
	Counters schemas.Numbers `json:"counters"`
	// Last is the last award or revocation in the generation's history.
	Last *schemas.Cause `json:"last,omitempty"`
}

// UserSample is one user whose counters differ, with those that do.
type UserSample struct {
	User   string          `json:"user"`
	Live   schemas.Numbers `json:"live"`
	Beside schemas.Numbers `json:"beside"`
}

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
	for _, part := range []func(context.Context, *Diff) error{c.tables, c.badges, c.counters} {
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
