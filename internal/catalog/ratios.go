package catalog

// ratio is one counter as a percentage of another.
type ratio struct{ of, to int }

func (c *compiler) ratiosOf(n *node) {
	for _, e := range n.object() {
		if c.taken(e) {
			continue
		}
		of, ok1 := c.counterOf(e.value.get("of"))
		to, ok2 := c.counterOf(e.value.get("to"))
		c.ratios[e.key] = ratio{of, to}
		if !ok1 || !ok2 {
			continue
		}
		if of == to {
			c.at(e.value.get("to").pos, "a counter is always 100 %% of itself: name two counters")
		}
		for key, i := range map[string]int{"of": of, "to": to} {
			if c.cat.Counters[i].Kind == Since {
				c.at(e.value.get(key).pos, "%q is an age: a ratio compares counts", c.cat.Counters[i].Name)
			}
		}
	}
}
