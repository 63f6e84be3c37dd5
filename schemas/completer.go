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
	groups [][]int           // of places
	aged   [][]agedCondition // by place; none unless a condition is an age
}

// agedCondition is one condition of a badge that depends on an age: an age, a
// counter or, with a whole, a ratio wants to reach a threshold.
type agedCondition struct {
	age, counter, whole int // their places, or -1
	threshold           int64
}

func (c *agedCondition) value(counters Numbers, days []int64) int64 {
	switch {
	case c.age >= 0:
		return days[c.age]
	case c.whole >= 0:
		return Percent(counters[c.counter].Value, counters[c.whole].Value)
	}
	return counters[c.counter].Value
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
		c.aged = append(c.aged, c.agedConditions(v.Badges[i].Thresholds))
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

// agedConditions gives a badge's conditions if any is an age. Views of before
// ratios were told apart lack what they compare: a badge with such a one beside
// an age is shown as locked.
func (c *Completer) agedConditions(all []Threshold) []agedCondition {
	aged, ages := make([]agedCondition, len(all)), false
	for i, t := range all {
		condition := agedCondition{age: -1, counter: -1, whole: -1, threshold: int64(t.AtLeast)}
		var ok, known bool
		if condition.age, ok = c.ages[t.Label]; ok {
			ages = true
		} else if condition.age = -1; t.Of != "" {
			condition.counter, ok = c.counters[t.Of]
			condition.whole, known = c.counters[t.To]
			ok = ok && known
		} else {
			condition.counter, ok = c.counters[t.Label]
		}
		if !ok {
			return nil
		}
		aged[i] = condition
	}
	if !ages {
		return nil
	}
	return aged
}

// View is what the completer goes by.
func (c *Completer) View() *CatalogView { return c.view }
