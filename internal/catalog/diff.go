package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Diff lists what differs in the rules between c and a later catalogue, one
// line each for people, by subject. It is empty if and only if the RulesHash
// of both is equal.
func (c *Catalog) Diff(later *Catalog) []string {
	return diffFacts(c.ruleFacts(), later.ruleFacts())
}

// DisplayDiff lists what differs between c and a later catalogue in what people
// see and rules do not depend on: names, descriptions, tiers, rarity, groups
// and order.
func (c *Catalog) DisplayDiff(later *Catalog) []string {
	out := diffFacts(c.displayFacts(later), later.displayFacts(c))
	out = append(out, diffOrder("badges", c.badgeOrder(), later.badgeOrder())...)
	return append(out, diffOrder("counters", c.counterOrder(), later.counterOrder())...)
}

// displayFacts is about what both catalogues have: Diff tells of the rest.
func (c *Catalog) displayFacts(other *Catalog) []fact {
	f := &facts{}
	f.about("catalogue")
	f.say("name", "%s", c.Name)
	for i := range c.Badges {
		b := &c.Badges[i]
		if other.BadgeIndex(b.Slug) == None {
			continue
		}
		f.about("badge %s", b.Slug)
		f.say("name", "%s", strconv.Quote(b.Name))
		f.say("description", "%s", strconv.Quote(b.Description))
		f.say("category", "%s", b.Category)
		f.say("criterion", "%s", b.Criterion)
		f.say("tier", "%d", b.Tier)
		f.say("rare", "%v", b.Rare)
		for _, cond := range b.All {
			if cond.Kind == Ratio {
				f.say("ratio", "%s", cond.Label)
			}
		}
	}
	return f.sorted()
}

func (c *Catalog) badgeOrder() []string {
	out := make([]string, len(c.Badges))
	for i := range c.Badges {
		out[i] = c.Badges[i].Slug
	}
	return out
}

func (c *Catalog) counterOrder() []string {
	out := make([]string, len(c.Counters))
	for i := range c.Counters {
		out[i] = c.Counters[i].Name
	}
	return out
}

// diffFacts walks two sorted lists of facts, subject by subject.
func diffFacts(before, after []fact) []string {
	var out []string
	for len(before)+len(after) > 0 {
		var subject string
		switch {
		case len(before) == 0:
			subject = after[0].subject
		case len(after) == 0:
			subject = before[0].subject
		default:
			subject = min(before[0].subject, after[0].subject)
		}
		old, rest := cutSubject(before, subject)
		before = rest
		now, rest := cutSubject(after, subject)
		after = rest
		switch {
		case len(old) == 0:
			out = append(out, subject+": new")
		case len(now) == 0:
			out = append(out, subject+": gone")
		default:
			out = append(out, diffSubject(old, now)...)
		}
	}
	return out
}

// cutSubject splits off the facts about one subject.
func cutSubject(list []fact, subject string) (of, rest []fact) {
	n := 0
	for n < len(list) && list[n].subject == subject {
		n++
	}
	return list[:n], list[n:]
}

func diffSubject(old, now []fact) []string {
	var out []string
	for _, o := range old {
		i := slices.IndexFunc(now, func(n fact) bool { return n.property == o.property })
		switch {
		case i < 0:
			out = append(out, fmt.Sprintf("%s: %s: gone (was %s)", o.subject, o.property, o.value))
		case now[i].value != o.value:
			out = append(out, fmt.Sprintf("%s: %s %s → %s", o.subject, o.property, o.value, now[i].value))
		}
	}
	for _, n := range now {
		if !slices.ContainsFunc(old, func(o fact) bool { return o.property == n.property }) {
			out = append(out, fmt.Sprintf("%s: %s: new (%s)", n.subject, n.property, n.value))
		}
	}
	return out
}

// diffOrder tells if what both have stands in another order.
func diffOrder(what string, before, after []string) []string {
	common := func(list, other []string) []string {
		in := make(map[string]bool, len(other))
		for _, s := range other {
			in[s] = true
		}
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !in[s] })
	}
	a, b := common(before, after), common(after, before)
	if slices.Equal(a, b) {
		return nil
	}
	return []string{fmt.Sprintf("order of %s: %s → %s", what, strings.Join(a, ", "), strings.Join(b, ", "))}
}
