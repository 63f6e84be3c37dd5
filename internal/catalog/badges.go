package catalog

import (
	"cmp"
	"maps"
	"slices"
	"sort"
)

// maxBadges leaves room in an int16, which a badge's number is stored as.
const maxBadges = 32_000

// maxAgeDays bounds an age's threshold: a hundred years.
const maxAgeDays = 36_500

// badges compiles the groups in the file's order, each group's badges by tier
// and then in the file's order, and sorts what they compare with into tables.
func (c *compiler) badges(n *node) {
	type label struct{ category, criterion string }
	groups := map[label]pos{}
	slugs := map[string]pos{}
	for _, g := range n.list() {
		group := Group{Ladder: None}
		group.Category, _ = g.get("category").text()
		group.Criterion, _ = g.get("criterion").text()
		key := label{group.Category, group.Criterion}
		if first, again := groups[key]; again {
			c.at(g.pos, "category %q and criterion %q stand here a second time, after line %d: put their badges into one group",
				group.Category, group.Criterion, first.line)
		}
		groups[key] = g.pos
		shared := None
		if n := g.get("counter"); n != nil {
			shared, _ = c.counterOf(n)
		}
		var badges []Badge
		places := map[string]pos{}
		for _, b := range g.get("badges").list() {
			badge := c.badge(b, g, shared)
			at := b.get("slug")
			if at == nil {
				continue
			}
			if first, again := slugs[badge.Slug]; again {
				c.at(at.pos, "the slug %q is taken on line %d: every badge needs its own", badge.Slug, first.line)
				continue
			}
			slugs[badge.Slug], places[badge.Slug] = at.pos, b.pos
			badge.Category, badge.Criterion, badge.Group = group.Category, group.Criterion, len(c.cat.Groups)
			badges = append(badges, badge)
		}
		slices.SortStableFunc(badges, func(a, b Badge) int { return cmp.Compare(a.Tier, b.Tier) })
		c.ladder(&group, badges, places)
		for i := range badges {
			group.Badges = append(group.Badges, len(c.cat.Badges)+i)
		}
		c.cat.Badges = append(c.cat.Badges, badges...)
		c.cat.Groups = append(c.cat.Groups, group)
	}
	if len(c.cat.Badges) > maxBadges {
		c.at(n.pos, "these are %d badges: %d is the most", len(c.cat.Badges), maxBadges)
		return
	}
	c.number()
	c.tables()
}

func (c *compiler) badge(n, group *node, shared int) Badge {
	b := Badge{Tier: 1}
	b.Slug, _ = n.get("slug").text()
	b.Name, _ = n.get("name").text()
	b.Description, _ = n.get("description").text()
	if tier, ok := n.get("tier").integer(); ok {
		b.Tier = int(tier)
	}
	b.Rare, b.Sticky = n.get("rare").yes(), n.get("sticky").yes()
	if all := n.get("all"); all != nil {
		if group.get("counter") != nil {
			c.at(n.keyPos("all"), "the group's counter is for badges with at_least: leave it out of the group, and name it in each badge that needs it")
		}
		if n.get("counter") != nil {
			c.at(n.keyPos("counter"), "counter goes with at_least: name it in a condition of all instead")
		}
		b.All = c.conditions(all)
		return b
	}
	at := n.get("at_least")
	if at == nil {
		return b
	}
	counter := shared
	switch own := n.get("counter"); {
	case own != nil && group.get("counter") != nil:
		c.at(own.pos, "the group names a counter already: leave it out here, or out of the group")
		return b
	case own != nil:
		counter, _ = c.counterOf(own)
	case group.get("counter") == nil:
		c.at(at.pos, "at_least of which counter? Add counter to the badge or to its group")
	}
	if cond, ok := c.atLeast(counter, at); ok {
		b.All = []Condition{cond}
	}
	return b
}

func (c *compiler) conditions(all *node) []Condition {
	var out []Condition
	for _, n := range all.list() {
		var cond Condition
		var ok bool
		if name, isRatio := n.get("ratio").text(); isRatio {
			cond, ok = c.ratioCondition(name, n)
		} else if counter, found := c.counterOf(n.get("counter")); found {
			cond, ok = c.atLeast(counter, n.get("at_least"))
		}
		if !ok {
			continue
		}
		for _, earlier := range out {
			if earlier.Label == cond.Label {
				c.at(n.pos, "%s stands here a second time: keep the condition that asks for more", cond.Label)
			}
		}
		out = append(out, cond)
	}
	return out
}

func (c *compiler) atLeast(counter int, n *node) (Condition, bool) {
	at, ok := n.integer()
	if !ok || counter == None {
		return Condition{}, false
	}
	def := &c.cat.Counters[counter]
	if most := c.ceilings[counter]; most > 0 && at > most {
		c.at(n.pos, "%s never reaches %d: it is at most %d", def.Name, at, most)
	}
	if def.Kind == Since {
		c.cat.HasAgeBadges = true
		if at > maxAgeDays {
			c.at(n.pos, "%d days is too long: %d is the most", at, maxAgeDays)
		}
	}
	return Condition{Kind: AtLeast, Counter: counter, Whole: None, Threshold: at, Label: def.Name}, true
}

func (c *compiler) ratioCondition(name string, n *node) (Condition, bool) {
	r, ok := c.ratios[name]
	if !ok {
		c.at(n.get("ratio").pos, "there is no ratio %q: %s", name, didYouMean(name, slices.Sorted(maps.Keys(c.ratios))))
		return Condition{}, false
	}
	percent, ok := n.get("percent").integer()
	if !ok || r.of == None || r.to == None {
		return Condition{}, false
	}
	return Condition{Kind: Ratio, Counter: r.of, Whole: r.to, Threshold: percent * 100, Label: name}, true
}

// ladder finds out whether a group is one counter's ladder, and reports rungs
// in the wrong order.
func (c *compiler) ladder(g *Group, badges []Badge, places map[string]pos) {
	straight := len(badges) > 0
	for i := range badges {
		b := &badges[i]
		if len(b.All) != 1 || b.All[0].Kind != AtLeast || b.All[0].Counter != badges[0].All[0].Counter {
			return
		}
		cond := b.All[0]
		if b.Sticky || c.cat.Counters[cond.Counter].Kind != Number {
			straight = false
		}
		if i == 0 {
			continue
		}
		below := &badges[i-1]
		if cond.Threshold <= below.All[0].Threshold {
			straight = false
		}
		if cond.Threshold < below.All[0].Threshold && b.Tier > below.Tier {
			c.at(places[b.Slug], "%s (tier %d) needs %d, less than %s (tier %d) with %d: a higher tier must not be easier",
				b.Slug, b.Tier, cond.Threshold, below.Slug, below.Tier, below.All[0].Threshold)
		}
	}
	if straight {
		g.Ladder = badges[0].All[0].Counter
	}
}

// number gives each badge the rank of its slug.
func (c *compiler) number() {
	byID := make([]int, len(c.cat.Badges))
	for i := range byID {
		byID[i] = i
	}
	slices.SortFunc(byID, func(a, b int) int { return cmp.Compare(c.cat.Badges[a].Slug, c.cat.Badges[b].Slug) })
	for id, i := range byID {
		c.cat.Badges[i].ID = int16(id)
	}
	c.cat.ByID = byID
}

// tables sorts every counter's thresholds, so that the fold finds those in the
// range that a batch touched by binary search.
func (c *compiler) tables() {
	for i := range c.cat.Badges {
		for _, cond := range c.cat.Badges[i].All {
			if cond.Kind == Ratio {
				c.ratioOn(cond.Counter, i)
				c.ratioOn(cond.Whole, i)
				continue
			}
			counter := &c.cat.Counters[cond.Counter]
			at := sort.Search(len(counter.Steps), func(k int) bool { return counter.Steps[k].At >= cond.Threshold })
			if at == len(counter.Steps) || counter.Steps[at].At != cond.Threshold {
				counter.Steps = slices.Insert(counter.Steps, at, Step{At: cond.Threshold})
			}
			counter.Steps[at].Badges = append(counter.Steps[at].Badges, i)
		}
	}
}

// ratioOn notes a badge with a ratio on a counter, once.
func (c *compiler) ratioOn(counter, badge int) {
	list := &c.cat.Counters[counter].Ratios
	if n := len(*list); n == 0 || (*list)[n-1] != badge {
		*list = append(*list, badge)
	}
}
