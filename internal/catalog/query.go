package catalog

import (
	"slices"

	"github.com/badgestream/badgestream/schemas"
)

// CriterionCounters lists the counters (indexes) that a badge's criterion
// reads, in its order, without repeats.
func (c *Catalog) CriterionCounters(badge int) []int {
	var out []int
	add := func(counter int) {
		if counter != None && !slices.Contains(out, counter) {
			out = append(out, counter)
		}
	}
	for _, cond := range c.Badges[badge].All {
		add(cond.Counter)
		add(cond.Whole)
	}
	return out
}

// CounterIndex returns a counter's index by its name, or None.
func (c *Catalog) CounterIndex(name string) int {
	return slices.IndexFunc(c.Counters, func(k Counter) bool { return k.Name == name })
}

// BadgeIndex returns a badge's index by its slug, or None.
func (c *Catalog) BadgeIndex(slug string) int {
	id, ok := slices.BinarySearchFunc(c.ByID, slug, func(i int, s string) int {
		switch {
		case c.Badges[i].Slug < s:
			return -1
		case c.Badges[i].Slug > s:
			return 1
		}
		return 0
	})
	if !ok {
		return None
	}
	return c.ByID[id]
}

// View returns what readers of snapshots must know of the catalogue, as the
// given version of it.
func (c *Catalog) View(version int) schemas.CatalogView {
	v := schemas.CatalogView{
		Name:     c.Name,
		Version:  int64(version),
		Counters: make([]string, len(c.Counters)),
		Ages:     []string{},
		Badges:   make([]schemas.BadgeView, len(c.Badges)),
		Groups:   make([]schemas.GroupView, len(c.Groups)),
	}
	for i := range c.Counters {
		v.Counters[i] = c.Counters[i].Name
		if c.Counters[i].Kind == Since {
			v.Ages = append(v.Ages, c.Counters[i].Name)
		}
	}
	for i := range c.Badges {
		v.Badges[i] = c.badgeView(&c.Badges[i])
	}
	for i, g := range c.Groups {
		v.Groups[i] = schemas.GroupView{Category: g.Category, Criterion: g.Criterion, Badges: make([]string, len(g.Badges))}
		for k, b := range g.Badges {
			v.Groups[i].Badges[k] = c.Badges[b].Slug
		}
	}
	return v
}

func (c *Catalog) badgeView(b *Badge) schemas.BadgeView {
	v := schemas.BadgeView{
		Slug: b.Slug, Name: b.Name, Description: b.Description,
		Category: b.Category, Criterion: b.Criterion,
		Tier: b.Tier, Rare: b.Rare, Sticky: b.Sticky,
		Thresholds: make([]schemas.Threshold, len(b.All)),
	}
	for i, cond := range b.All {
		v.Thresholds[i] = schemas.Threshold{Label: cond.Label, AtLeast: float64(cond.Threshold)}
		if cond.Kind == Ratio {
			v.Thresholds[i].AtLeast /= 100
			v.Thresholds[i].Of, v.Thresholds[i].To = c.Counters[cond.Counter].Name, c.Counters[cond.Whole].Name
		}
	}
	return v
}
