package differential

import (
	"fmt"
	"strings"
)

// drawThings draws what users make, and returns the counters that count it.
func (d *drawing) drawThings() (counters []string) {
	n := d.IntN(3)
	if n == 0 {
		return nil
	}
	d.printf("things:\n")
	for i := range n {
		thing := fmt.Sprintf("thing%d", i)
		d.printf("  %s:\n", thing)
		creates, members := d.odds(85), d.IntN(3)
		if members == 0 {
			creates = true
		}
		if creates {
			ev := d.event(anyEvent)
			rules := []string{d.head(ev) + ", create: " + d.ref(ev) + "}"}
			for range d.IntN(3) {
				ev := d.event(anyEvent)
				rules = append(rules, d.head(ev)+", "+one(d.Rand, []string{"create", "delete", "delete"})+": "+d.ref(ev)+"}")
			}
			d.printf("    rules: [%s]\n", strings.Join(rules, ", "))
			counters = append(counters, fmt.Sprintf("{things: %s}", thing))
		}
		if members > 0 {
			d.printf("    members:\n")
		}
		for k := range members {
			name := fmt.Sprintf("m%d", k)
			rules, r := d.rowRules([]string{"set", "set", "insert", "update", "unset", "delete"}, func(ev *event) string {
				return ", thing: " + d.ref(ev) + ", member: " + d.ref(ev)
			})
			d.printf("      %s: {rules: %s}\n", name, rules)
			counters = append(counters, d.memberCounters(thing, name, r, members == 1)...)
		}
	}
	return counters
}

// memberCounters draws how members of a thing are counted: at most 4 sums of
// all that a thing has.
func (d *drawing) memberCounters(thing, member string, r *rows, alone bool) []string {
	of := func(more string) string { return fmt.Sprintf("{things: %s, %s}", thing, more) }
	list := []string{of("count: " + member)}
	if alone && r.kind != present {
		list = append(list, of("count: "+member+", value: "+d.value(r)))
	}
	if r.kind != number {
		return list
	}
	if d.odds(70) {
		list = append(list, of("sum: "+member))
	}
	if r.max > 0 && d.odds(80) {
		decimals := d.IntN(4)
		at := fmt.Sprint(1 + d.Int64N(min(r.max, 4)))
		if decimals > 0 && r.max > 5 || decimals > 0 && at != fmt.Sprint(r.max) {
			at += one(d.Rand, []string{".0", ".5", ".3", ".7"})
		}
		list = append(list, of(fmt.Sprintf("mean: %s, at_least: %s, decimals: %d", member, at, decimals)))
	}
	return list
}

func (d *drawing) drawCounters(things []string) {
	d.printf("counters:\n")
	for _, text := range things {
		d.counter(text, 0)
	}
	var maps []string
	shared := map[string]*rows{}
	for range 2 + d.IntN(6) {
		switch d.IntN(8) {
		case 0:
			d.counter("{set: "+d.setRules()+"}", 0)
		case 1, 2:
			ops, order := []string{"set", "set", "insert", "update", "unset", "delete"}, ""
			switch d.IntN(3) {
			case 0:
				ops, order = []string{"set", "set", "unset"}, ", order: time"
			case 1:
				order = ", order: fold"
			}
			rules, r := d.rowRules(ops, func(ev *event) string { return ", member: " + d.ref(ev) })
			name := d.counter("{map: "+rules+order+d.adds(r)+"}", 0)
			maps = append(maps, name)
			shared[name] = r
		case 3:
			d.gauge()
		case 4:
			d.counter("{total: "+d.totalRules()+"}", 0)
		case 5:
			d.counter(fmt.Sprintf("{first: %s, places: %d}", d.startRules(), 1+d.IntN(5)), 1)
		case 6:
			name := d.counter("{age: "+d.startRules()+"}", 0)
			d.ages = append(d.ages, name)
		case 7:
			if len(maps) > 0 {
				of := one(d.Rand, maps)
				d.counter("{map: "+of+d.adds(shared[of])+"}", 0)
			}
		}
	}
	if len(d.counters) == 0 {
		d.counter("{total: "+d.totalRules()+"}", 0)
	}
	d.drawRatios()
}

// counter declares a counter, which is never more than the ceiling if there is
// one, and gives its name.
func (d *drawing) counter(text string, ceiling int64) string {
	// Names are not in the order in which counters are drawn.
	name := fmt.Sprintf("%c%d", 'z'-byte(len(d.counters)*7%26), len(d.counters))
	d.printf("  %s: %s\n", name, text)
	d.counters = append(d.counters, name)
	d.ceilings[name] = ceiling
	return name
}

// adds is how a map's rows are counted.
func (d *drawing) adds(r *rows) string {
	switch d.IntN(4) {
	case 0:
		return ", adds: members"
	case 1:
		if r.kind == number {
			return ", adds: values"
		}
	case 2:
		if r.kind != present {
			return ", value: " + d.value(r)
		}
	}
	return ""
}

func (d *drawing) gauge() {
	byTime := !d.odds(40)
	order := ", order: fold"
	if byTime {
		order = one(d.Rand, []string{"", ", order: time"})
	}
	rules, r := d.rowRules([]string{"set", "set", "unset"}, func(*event) string { return "" })
	switch {
	case r.kind == present:
		d.counter("{gauge: "+strings.ReplaceAll(rules, "insert: ", "set: ")+order+"}", 1)
	case r.kind != number, d.odds(40):
		d.counter("{gauge: "+rules+order+", value: "+d.value(r)+"}", 1)
	default:
		d.counter("{gauge: "+rules+order+"}", max(r.max, 0))
	}
}

func (d *drawing) setRules() string {
	ev := d.event(anyEvent)
	list := []string{d.head(ev) + ", add: " + d.ref(ev) + "}"}
	for range d.IntN(3) {
		ev := d.event(anyEvent)
		list = append(list, d.head(ev)+", "+one(d.Rand, []string{"add", "remove"})+": "+d.ref(ev)+"}")
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (d *drawing) totalRules() string {
	var list []string
	for range 1 + d.IntN(3) {
		ev := d.event(anyEvent)
		amount := fmt.Sprint(1 + d.IntN(3))
		if len(ev.amounts) > 0 && d.odds(60) {
			amount = one(d.Rand, ev.amounts)
		}
		list = append(list, d.head(ev)+", "+one(d.Rand, []string{"add", "add", "subtract"})+": "+amount+"}")
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (d *drawing) startRules() string {
	var list []string
	for range 1 + d.IntN(2) {
		list = append(list, d.head(d.event(anyEvent))+"}")
	}
	return "[" + strings.Join(list, ", ") + "]"
}
