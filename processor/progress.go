package processor

import (
	"math/bits"
	"slices"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// FillSnapshot makes the snapshot of a user's row, but for its epoch and the
// catalogue's version. It reuses the snapshot's slices.
func FillSnapshot(cat *catalog.Catalog, f *Final, s *schemas.Snapshot) {
	s.User, s.Version = f.User, f.Version
	s.Counters, s.Since = s.Counters[:0], s.Since[:0]
	for i := range cat.Counters {
		c, v := &cat.Counters[i], f.Counters[i]
		switch {
		case c.Kind != catalog.Since:
			s.Counters = append(s.Counters, schemas.Number{Name: c.Name, Value: v})
		case v != 0:
			s.Since = append(s.Since, schemas.Instant{Name: c.Name, At: v})
		}
	}
	s.Earned = s.Earned[:0]
	for _, h := range f.Held {
		s.Earned = append(s.Earned, schemas.Earned{Badge: cat.Badges[cat.ByID[h.Badge]].Slug, At: h.At})
	}
	// Rows hold badges by id, readers want them as they are displayed.
	order := make([]int, len(f.Held))
	for i, h := range f.Held {
		order[i] = cat.ByID[h.Badge]
	}
	if !slices.IsSorted(order) {
		slices.Sort(order)
		for i, badge := range order {
			at, _ := held(f, cat.Badges[badge].ID)
			s.Earned[i] = schemas.Earned{Badge: cat.Badges[badge].Slug, At: f.Held[at].At}
		}
	}
	s.Pins = s.Pins[:0]
	if f.ByHand != nil {
		for _, badge := range f.ByHand.Pins {
			if _, has := held(f, badge); has {
				s.Pins = append(s.Pins, cat.Badges[cat.ByID[badge]].Slug)
			}
		}
	}
	s.InProgress = s.InProgress[:0]
	for i := range cat.Groups {
		if step, ok := next(cat, &cat.Groups[i], f); ok {
			s.InProgress = append(s.InProgress, step)
		}
	}
}

func held(f *Final, badge int16) (int, bool) {
	return slices.BinarySearchFunc(f.Held, badge, func(h Held, id int16) int { return int(h.Badge) - int(id) })
}

// next is the first badge of a group that is not held and has been begun: the
// user's next aim. In a ladder all badges up to the counter's value are
// passed over at once.
func next(cat *catalog.Catalog, g *catalog.Group, f *Final) (schemas.InProgress, bool) {
	badges := g.Badges
	if g.Ladder != catalog.None {
		value := f.Counters[g.Ladder]
		if value <= 0 {
			return schemas.InProgress{}, false
		}
		from, _ := slices.BinarySearchFunc(badges, value, func(badge int, v int64) int {
			if cat.Badges[badge].All[0].Threshold <= v {
				return -1
			}
			return 1
		})
		badges = badges[from:]
	}
	for _, badge := range badges {
		def := &cat.Badges[badge]
		if _, has := held(f, def.ID); has || f.ByHand.Withholds(def.ID) {
			continue
		}
		if step, ok := least(cat, def, f); ok {
			return step, true
		}
	}
	return schemas.InProgress{}, false
}

// least is how far a badge is by its least advanced condition, the first on a
// tie. It is false for badges that are not begun, that are reached, or that
// depend on an age: those change with the reader's clock.
func least(cat *catalog.Catalog, def *catalog.Badge, f *Final) (schemas.InProgress, bool) {
	step := schemas.InProgress{Badge: def.Slug}
	for i, c := range def.All {
		if cat.Counters[c.Counter].Kind == catalog.Since {
			return step, false
		}
		value, threshold := f.Counters[c.Counter], c.Threshold
		if c.Kind == catalog.Ratio {
			threshold /= 100
			value = schemas.Percent(value, f.Counters[c.Whole])
		}
		if i == 0 || further(value, threshold, step.Value, step.Threshold) {
			step.Value, step.Threshold = value, threshold
		}
	}
	if step.Value <= 0 || step.Value >= step.Threshold {
		return step, false
	}
	step.Percent = schemas.Percent(step.Value, step.Threshold)
	return step, true
}

// further reports whether value/threshold is less than the other one's, of
// numbers whose products need 128 bits. All that is below 0 counts as 0.
func further(value, threshold, other, its int64) bool {
	hi, lo := bits.Mul64(uint64(max(0, value)), uint64(its))
	high, low := bits.Mul64(uint64(max(0, other)), uint64(threshold))
	return hi < high || hi == high && lo < low
}
