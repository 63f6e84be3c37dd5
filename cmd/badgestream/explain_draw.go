package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/explain"
	"github.com/badgestream/badgestream/schemas"
)

// drawExplanation draws it for people; with full, also what would count.
func drawExplanation(out io.Writer, e *explain.Explanation, full bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s · version %d · catalogue %s, version %d", harmless(e.User), e.Version, e.Catalog, e.CatalogVersion)
	if e.Clock != "" {
		fmt.Fprintf(&b, " · ages up to %s", e.Clock)
	}
	b.WriteByte('\n')
	if e.System {
		b.WriteString("a system account: it earns nothing, and has no row\n")
	}
	drawDecisions(&b, e.Decisions)
	for i := range e.Badges {
		drawBadge(&b, &e.Badges[i], full)
	}
	if e.Trace != nil {
		drawTrace(&b, e.Trace)
	}
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing the explanation")
}

func drawBadge(b *strings.Builder, badge *explain.Badge, full bool) {
	fmt.Fprintf(b, "\n%s (%s): ", harmless(badge.Name), badge.Slug)
	switch {
	case badge.Gone:
		b.WriteString("not in the catalogue any more\n")
	case badge.State == explain.Held:
		fmt.Fprintf(b, "held since %s\n", badge.EarnedAt)
	case badge.State == explain.Lost:
		b.WriteString("lost\n")
	default:
		b.WriteString("not yet\n")
	}
	if badge.ByHand != nil {
		fmt.Fprintf(b, "  %sed by %s at %s, because %s\n", strings.TrimSuffix(string(badge.ByHand.Verb), "e"), harmless(badge.ByHand.By), badge.ByHand.Time, harmless(badge.ByHand.Reason))
	}
	if badge.Pinned {
		b.WriteString("  pinned\n")
	}
	if badge.Awarded != nil {
		drawChange(b, "earned", badge.Awarded)
	}
	if badge.Revoked != nil && (badge.State != explain.Held || full) {
		drawChange(b, "lost", badge.Revoked)
	}
	if badge.Awards > 1 {
		fmt.Fprintf(b, "  earned %d times, lost %d times\n", badge.Awards, badge.Revocations)
	}
	if badge.Never != "" {
		fmt.Fprintf(b, "  cannot be earned: %s\n", badge.Never)
	}
	if badge.State == explain.Held && !full {
		return
	}
	for i := range badge.Conditions {
		drawCondition(b, &badge.Conditions[i], full)
	}
}

// drawDecisions lists what people decided.
func drawDecisions(b *strings.Builder, list []explain.Decision) {
	if len(list) > 0 {
		b.WriteString("\nDecided by people\n")
	}
	for _, d := range list {
		fmt.Fprintf(b, "  %s  %-7s %s by %s on %s/%d@%d", d.Time, d.Verb, d.Badge, harmless(d.By), d.Event.Topic, d.Event.Partition, d.Event.Offset)
		if d.Reason != "" {
			fmt.Fprintf(b, ", because %s", harmless(d.Reason))
		}
		b.WriteByte('\n')
	}
}

// drawChange says which event did it, and with what counters.
func drawChange(b *strings.Builder, what string, c *explain.Change) {
	numbers := make([]string, len(c.Counters))
	for i, n := range c.Counters {
		numbers[i] = fmt.Sprintf("%s %d", n.Name, n.Value)
	}
	fmt.Fprintf(b, "  %-6s %s by event %s of %s on %s/%d@%d: %s · user version %d, catalogue version %d", what, c.Time, harmless(c.Event.ID), harmless(c.Event.Source),
		c.Event.Topic, c.Event.Partition, c.Event.Offset, strings.Join(numbers, ", "), c.UserVersion, c.CatalogVersion)
	if c.Reason != schemas.ReasonActivity {
		fmt.Fprintf(b, ", %s", c.Reason)
	}
	b.WriteByte('\n')
	for i := range c.Conditions {
		if what == "lost" && !c.Conditions[i].Met {
			fmt.Fprintf(b, "         %s was %s of %s\n", c.Conditions[i].Label, c.Conditions[i].Value, c.Conditions[i].AtLeast)
		}
	}
}

func drawCondition(b *strings.Builder, c *explain.Condition, full bool) {
	mark := "✗"
	if c.Met {
		mark = "✓"
	}
	fmt.Fprintf(b, "  %s %s: %s of %s", mark, c.Label, c.Value, c.AtLeast)
	if c.Whole != nil {
		fmt.Fprintf(b, " %%, %d of %d", *c.Part, *c.Whole)
	}
	if c.Missing != "" {
		fmt.Fprintf(b, ", %s missing", c.Missing)
	}
	if c.Since != "" {
		fmt.Fprintf(b, ", since %s", c.Since)
	}
	b.WriteByte('\n')
	if !full {
		return
	}
	drawFeeds(b, "", c.Feeds)
	drawFeeds(b, "below the line: ", c.Wholes)
}

func drawFeeds(b *strings.Builder, of string, feeds []catalog.Feed) {
	for _, f := range feeds {
		sign := map[catalog.Move]string{catalog.Up: "+", catalog.Down: "-", catalog.Either: "±"}[f.Moves]
		fmt.Fprintf(b, "      %s %s%s %s", sign, of, f.Event, f.Does)
		if f.Credit != "subject" {
			fmt.Fprintf(b, ", for its %s", f.Credit)
		}
		if f.Where != "" {
			fmt.Fprintf(b, ", where %s", f.Where)
		}
		if len(f.Unless) > 0 {
			fmt.Fprintf(b, ", unless %s", strings.Join(f.Unless, " or "))
		}
		b.WriteByte('\n')
	}
}

func drawTrace(b *strings.Builder, t *explain.Trace) {
	b.WriteString("\nThe log, in the order of the ledger\n")
	others := 0
	for i := range t.Events {
		ev := &t.Events[i]
		if ev.Verdict == explain.ForOthers {
			others++
			continue
		}
		fmt.Fprintf(b, "  %-14s %s/%d@%d  %s  %s %s", ev.Verdict, ev.Topic, ev.Partition, ev.Offset, ev.Time, ev.Type, harmless(ev.ID))
		for _, c := range ev.Counters {
			fmt.Fprintf(b, "  %s %d → %d", c.Counter, c.Before, c.After)
		}
		for _, g := range ev.Badges {
			sign := "+"
			if g.Revoked {
				sign = "-"
			}
			fmt.Fprintf(b, "  %s%s", sign, g.Badge)
		}
		if ev.Late {
			b.WriteString("  (late)")
		}
		if ev.Why != "" {
			fmt.Fprintf(b, "  %s", harmless(ev.Why))
		}
		b.WriteByte('\n')
	}
	if others > 0 {
		fmt.Fprintf(b, "  %d more are acts of the user that credit others\n", others)
	}
	for _, text := range t.Begins {
		fmt.Fprintf(b, "the log of %s: what stood before is not shown\n", text)
	}
	for _, text := range t.Differs {
		fmt.Fprintf(b, "THE ROW IS NOT WHAT THE LOG GIVES: %s\n", harmless(text))
	}
	fmt.Fprintf(b, "%d records looked at in %.1f s\n", t.Records, t.Seconds)
}
