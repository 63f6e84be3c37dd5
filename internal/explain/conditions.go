package explain

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// now says how a condition stands. feeds asks for what would move it.
func (e *Explanation) now(c catalog.Condition, feeds bool) Condition {
	a := e.account
	out := measure(c, valueOf(a.Catalog, c.Counter, a.Row.Counters, a.Clock), e.whole(c))
	if since := a.Row.Counters[c.Counter]; a.Catalog.Counters[c.Counter].Kind == catalog.Since && since != 0 {
		out.Since = schemas.FormatTime(since)
	}
	if feeds && !out.Met {
		out.Feeds = a.Catalog.Feeds(c.Counter)
		if c.Kind == catalog.Ratio {
			out.Wholes = a.Catalog.Feeds(c.Whole)
		}
	}
	return out
}

func (e *Explanation) whole(c catalog.Condition) int64 {
	if c.Kind != catalog.Ratio {
		return 0
	}
	return e.account.Row.Counters[c.Whole]
}

// then says how the conditions stood, by the counters that the history has. It
// is empty where these are not the counters of the badge as it is now.
func then(cat *catalog.Catalog, slug string, counters schemas.Numbers) []Condition {
	list := []Condition{}
	i := cat.BadgeIndex(slug)
	if i == catalog.None {
		return list
	}
	values := map[string]int64{}
	for _, n := range counters {
		values[n.Name] = n.Value
	}
	for _, c := range cat.CriterionCounters(i) {
		if _, known := values[cat.Counters[c].Name]; !known {
			return list
		}
	}
	for _, c := range cat.Badges[i].All {
		whole := int64(0)
		if c.Kind == catalog.Ratio {
			whole = values[cat.Counters[c.Whole].Name]
		}
		list = append(list, measure(c, values[cat.Counters[c.Counter].Name], whole))
	}
	return list
}

// hundred is what a ratio's percentages and its threshold are multiples of.
const hundred = 100

// measure compares a value with a condition. Products of counters may need
// more than 64 bits.
func measure(c catalog.Condition, value, whole int64) Condition {
	out := Condition{Label: c.Label}
	if c.Kind != catalog.Ratio {
		out.Value, out.AtLeast, out.Met = number(value), number(c.Threshold), value >= c.Threshold
		if !out.Met {
			out.Missing = json.Number(new(big.Int).Sub(big.NewInt(c.Threshold), big.NewInt(value)).String())
		}
		return out
	}
	out.Part, out.Whole = &value, &whole
	out.Value, out.AtLeast = "0", json.Number(strconv.FormatFloat(float64(c.Threshold)/hundred, 'f', -1, 64))
	if whole <= 0 {
		out.Missing = "1"
		return out
	}
	have := new(big.Int).Mul(big.NewInt(value), big.NewInt(hundred*hundred))
	percent := new(big.Int).Quo(have, big.NewInt(whole)).Int64() // cut, as a percentage that is almost reached is not
	out.Value = json.Number(strconv.FormatFloat(float64(percent)/hundred, 'f', -1, 64))
	need := new(big.Int).Mul(big.NewInt(c.Threshold), big.NewInt(whole))
	if out.Met = have.Cmp(need) >= 0; !out.Met {
		up := new(big.Int).Add(need, big.NewInt(hundred*hundred-1))
		up.Quo(up, big.NewInt(hundred*hundred))
		out.Missing = json.Number(up.Sub(up, big.NewInt(value)).String())
	}
	return out
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// never says why a badge cannot be earned, if it cannot be.
func (e *Explanation) never(def *catalog.Badge) string {
	a := e.account
	if e.System {
		return e.User + " is a system account, and those earn nothing"
	}
	for _, c := range def.All {
		for i := range a.Catalog.Collections {
			col := &a.Catalog.Collections[i]
			if col.Kind == catalog.First && col.Counter == c.Counter && a.Row.Counters[c.Counter] == 0 && a.Places[int16(i)] >= col.Places {
				return fmt.Sprintf("all %d places of %s are taken, and a place is never given back", col.Places, c.Label)
			}
		}
		if a.Catalog.Counters[c.Counter].Kind == catalog.Since && a.Clock == 0 {
			return "no tick was folded yet, and ages count up to the latest one: start `badgestream run` with --tick"
		}
	}
	return ""
}
