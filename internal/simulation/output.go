package simulation

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// version is the catalogue's, as it would be in a group that begins with it.
const version = 1

// write gives out the badge events of the batch and empties it.
func (s *Simulation) write() error {
	changes := s.batch.Changes()
	for i := range changes {
		e := s.badgeEvent(&changes[i])
		if e.Revoked {
			s.sum.Revoked++
		} else {
			s.sum.Awarded++
		}
		s.badge = append(e.AppendStructured(s.badge[:0]), '\n')
		if _, err := s.out.Badges.Write(s.badge); err != nil {
			return errors.Wrap(err, "writing badge events")
		}
	}
	s.batch.Reset()
	s.events, s.bytes = 0, 0
	return nil
}

func (s *Simulation) badgeEvent(c *processor.Change) schemas.BadgeEvent {
	cat := s.cfg.Catalog
	def := &cat.Badges[c.Badge]
	counters := make(schemas.Numbers, len(c.Counters))
	for i, n := range cat.CriterionCounters(c.Badge) {
		counters[i] = schemas.Number{Name: cat.Counters[n].Name, Value: c.Counters[i]}
	}
	return schemas.BadgeEvent{
		Revoked: c.Revoked, Group: s.cfg.Group, User: c.User, Time: c.Source.Time,
		Badge: def.Slug, Tier: def.Tier, Category: def.Category, Criterion: def.Criterion,
		EarnedAt: c.EarnedAt, Counters: counters,
		Cause: schemas.Cause{Topic: c.Source.Topic, Partition: c.Source.Partition, Offset: c.Source.Offset,
			ID: c.Source.ID, Source: c.Source.Origin},
		Ordinal: c.Ordinal, CatalogVersion: version, UserVersion: c.Version, Reason: schemas.ReasonActivity,
	}
}

// WriteProgress writes every user's progress, one JSON a line, by user id.
// Ages are as of the latest tick, and before the first one nobody has any.
func (s *Simulation) WriteProgress(out io.Writer) error {
	var finals []processor.Final
	s.memory.Users(func(f processor.Final) { finals = append(finals, f) })
	slices.SortFunc(finals, func(a, b processor.Final) int { return cmp.Compare(a.User, b.User) })
	view := s.cfg.Catalog.View(version)
	known := schemas.NewCompleter(&view)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	now := s.memory.Clock()
	if now == 0 {
		now = schemas.MinTime
	}
	var snapshot schemas.Snapshot
	for i := range finals {
		processor.FillSnapshot(s.cfg.Catalog, &finals[i], &snapshot)
		if err := lines.Encode(known.Progress(&snapshot, now)); err != nil {
			return errors.Wrap(err, "writing progress")
		}
	}
	return nil
}
