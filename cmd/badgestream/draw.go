package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/schemas"
)

// drawProgress draws a user's progress for people.
func drawProgress(out io.Writer, p *schemas.Progress, view *schemas.CatalogView) error {
	badges := make(map[string]*schemas.BadgeView, len(view.Badges))
	for i := range view.Badges {
		badges[view.Badges[i].Slug] = &view.Badges[i]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s · %d of %d badges\n", harmless(p.User), len(p.Earned), len(view.Badges))
	if len(p.Earned) > 0 {
		b.WriteString("\nEarned\n")
	}
	for _, e := range p.Earned {
		name, tier, text := e.Badge, 0, ""
		if def := badges[e.Badge]; def != nil {
			name, tier, text = def.Name, def.Tier, def.Description
		}
		fmt.Fprintf(&b, "  %-5s  %-22s  %s  %s\n", strings.Repeat("★", min(tier, 5)), name, time.UnixMicro(e.At).UTC().Format(time.DateOnly), text)
	}
	if len(p.InProgress) > 0 {
		b.WriteString("\nIn progress\n")
	}
	for _, step := range p.InProgress {
		name := step.Badge
		if def := badges[step.Badge]; def != nil {
			name = def.Name
		}
		const width = 20
		full := int(step.Percent * width / 100)
		fmt.Fprintf(&b, "  %s%s  %3d %%  %-22s  %d of %d\n", strings.Repeat("█", full), strings.Repeat("░", width-full), step.Percent, name, step.Value, step.Threshold)
	}
	heading := "\nCounters\n"
	for _, c := range p.Counters {
		if c.Value != 0 {
			fmt.Fprintf(&b, "%s  %-22s %d\n", heading, c.Name, c.Value)
			heading = ""
		}
	}
	fmt.Fprintf(&b, "\n%d locked\n", len(p.Locked))
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "writing progress")
}

// nextAim names the badge that a user is closest to.
func nextAim(p *schemas.Progress, view *schemas.CatalogView) string {
	if len(p.InProgress) == 0 {
		return ""
	}
	best := p.InProgress[0]
	for _, step := range p.InProgress {
		if step.Percent > best.Percent {
			best = step
		}
	}
	name := best.Badge
	for i := range view.Badges {
		if view.Badges[i].Slug == best.Badge {
			name = view.Badges[i].Name
		}
	}
	return fmt.Sprintf("next %s %d/%d", name, best.Value, best.Threshold)
}
