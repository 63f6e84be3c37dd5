package schemas

// Completer fills in what snapshots leave out, by one view of the catalogue. It
// holds what depends on the view alone: finding that anew was most of the work
// for each snapshot. It may be used by several goroutines.
type Completer struct {
	view     *CatalogView
	zero     Numbers        // all counters, at zero
	counters map[string]int // by name, the place in zero
	ages     map[string]int // by name, the place in ageAt
	ageAt    []int          // the place in zero, or -1
	// badges has the place of each: in display order, and after them those that
	// only groups name.
	badges map[string]int
	groups [][]int          // of places
	aged   [][]ageCondition // by place; none unless all conditions are ages
}

// ageCondition wants an age to have reached a number of days.
type ageCondition struct {
	age       int // its place
	threshold int64
}

// NewCompleter prepares for a view, which must not change afterwards.
func NewCompleter(v *CatalogView) *Completer {
	c := &Completer{
		view: v, zero: make(Numbers, len(v.Counters)), counters: make(map[string]int, len(v.Counters)),
		ages: make(map[string]int, len(v.Ages)), ageAt: make([]int, len(v.Ages)),
		badges: make(map[string]int, len(v.Badges)), groups: make([][]int, len(v.Groups)),
	}
	for i, name := range v.Counters {
		c.zero[i].Name = name
		c.counters[name] = i
	}
	for i, name := range v.Ages {
		c.ages[name], c.ageAt[i] = i, -1
		if at, ok := c.counters[name]; ok {
			c.ageAt[i] = at
		}
	}
	for i := range v.Badges {
		c.badges[v.Badges[i].Slug] = i
		c.aged = append(c.aged, c.ageConditions(v.Badges[i].Thresholds))
	}
	for i := range v.Groups {
		c.groups[i] = make([]int, len(v.Groups[i].Badges))
		for k, slug := range v.Groups[i].Badges {
			c.groups[i][k] = c.place(slug)
		}
	}
	return c
}

// place gives a badge's place, a new one if it has none.
func (c *Completer) place(slug string) int {
	at, ok := c.badges[slug]
	if !ok {
		at = len(c.aged)
		c.badges[slug] = at
		c.aged = append(c.aged, nil)
	}
	return at
}

// ageConditions gives a badge's conditions if all are ages.
func (c *Completer) ageConditions(all []Threshold) []ageCondition {
	aged := make([]ageCondition, len(all))
	for i, t := range all {
		age, ok := c.ages[t.Label]
		if !ok {
			return nil
		}
		aged[i] = ageCondition{age, int64(t.AtLeast)}
	}
	return aged
}

// View is what the completer goes by.
func (c *Completer) View() *CatalogView { return c.view }
