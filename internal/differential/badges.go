package differential

import (
	"fmt"
	"slices"
	"strings"
)

func (d *drawing) drawRatios() {
	var plain []string
	for _, c := range d.counters {
		if !slices.Contains(d.ages, c) {
			plain = append(plain, c)
		}
	}
	if len(plain) < 2 || d.odds(30) {
		return
	}
	d.printf("ratios:\n")
	for i := range 1 + d.IntN(2) {
		of := d.IntN(len(plain))
		to := (of + 1 + d.IntN(len(plain)-1)) % len(plain)
		name := fmt.Sprintf("r%d", i)
		d.printf("  ratio_%s: {of: %s, to: %s}\n", name, plain[of], plain[to])
		d.ratios = append(d.ratios, "ratio_"+name)
	}
}

func (d *drawing) drawBadges() {
	d.printf("badges:\n")
	for i := range 2 + d.IntN(5) {
		d.printf("  - category: C%d\n    criterion: K%d\n", i%2, i)
		switch d.IntN(3) {
		case 0:
			counter := one(d.Rand, d.counters)
			d.printf("    counter: %s\n    badges:\n", counter)
			for tier, at := range d.ladder(counter) {
				d.badge(tier+1, fmt.Sprintf("at_least: %d", at))
			}
		case 1:
			d.printf("    badges:\n")
			for range 1 + d.IntN(3) {
				counter := one(d.Rand, d.counters)
				d.badge(1, fmt.Sprintf("counter: %s, at_least: %d", counter, d.threshold(counter)))
			}
		default:
			d.printf("    badges:\n")
			for range 1 + d.IntN(3) {
				d.badge(1, "all: ["+strings.Join(d.conditions(), ", ")+"]")
			}
		}
	}
}

func (d *drawing) badge(tier int, criterion string) {
	d.slugs++
	// Slugs are not in the order in which badges are shown.
	text := fmt.Sprintf("slug: %c-%d, name: B", 'z'-byte(d.slugs*11%26), d.slugs)
	if tier > 1 || d.odds(50) {
		text += fmt.Sprintf(", tier: %d", tier)
	}
	if d.odds(20) {
		text += ", sticky: true"
	}
	if d.odds(20) {
		text += ", rare: true"
	}
	d.printf("      - {%s, %s}\n", text, criterion)
}

// ladder is thresholds that rise, or stay.
func (d *drawing) ladder(counter string) []int64 {
	var list []int64
	for range 1 + d.IntN(4) {
		list = append(list, d.threshold(counter))
	}
	slices.Sort(list)
	return list
}

func (d *drawing) threshold(counter string) int64 {
	switch most := d.ceilings[counter]; {
	case most > 0:
		return 1 + d.Int64N(min(most, 5))
	case slices.Contains(d.ages, counter):
		return one(d.Rand, []int64{1, 1, 2, 3, 7, 30, 36_500})
	case d.odds(5):
		return one(d.Rand, []int64{2147483647, 9007199254740991})
	}
	return 1 + d.Int64N(6)
}

// conditions are up to four, each about another thing.
func (d *drawing) conditions() (list []string) {
	left := slices.Concat(d.counters, d.ratios)
	for range 1 + d.IntN(4) {
		if len(left) == 0 {
			break
		}
		i := d.IntN(len(left))
		name := left[i]
		left = slices.Delete(left, i, i+1)
		if slices.Contains(d.ratios, name) {
			list = append(list, fmt.Sprintf("{ratio: %s, percent: %d}", name, one(d.Rand, []int{1, 33, 50, 67, 100})))
		} else {
			list = append(list, fmt.Sprintf("{counter: %s, at_least: %d}", name, d.threshold(name)))
		}
	}
	return list
}
