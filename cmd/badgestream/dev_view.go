package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/badgestream/badgestream/internal/telemetry"
)

// view is one look at a running dev.
type view struct {
	now    time.Time
	up     time.Duration
	rate   float64 // events a second
	users  int64
	totals telemetry.Totals
	lags   []telemetry.Lag
	health []telemetry.Component // those not ready
	recent []award               // oldest first
	fresh  []award               // those that no plain line has told yet
	hints  []string
}

// mostFresh bounds the awards that are told by name in one second.
const mostFresh = 5

// plain is the view as lines for a file: the awards since the last time, and
// how things stand.
func (v *view) plain() []string {
	var lines []string
	clock := v.now.Format(time.TimeOnly)
	for i, a := range v.fresh {
		if i == mostFresh {
			lines = append(lines, fmt.Sprintf("%s    and %d more badges", clock, len(v.fresh)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("%s    %s earned %s (%s, tier %d)", clock, fitting(a.user, 40), a.badge, a.category, a.tier))
	}
	lines = append(lines, fmt.Sprintf("%s  events %s (%.0f/s)  users %s  awarded %s  revoked %s  rejected %s  lag %s",
		clock, grouped(v.totals.Events), v.rate, grouped(v.users), grouped(v.totals.Awarded),
		grouped(v.totals.Revoked), grouped(v.totals.Rejected), v.lag()))
	for _, c := range v.health {
		lines = append(lines, fmt.Sprintf("%s    waiting for %s: %s", clock, c.Name, fitting(c.Reason, 160)))
	}
	return lines
}

// lag lists the partitions' lags in records, and the worst in seconds.
func (v *view) lag() string {
	if len(v.lags) == 0 {
		return "unknown (no partition is assigned yet)"
	}
	var b strings.Builder
	worst := 0.0
	for _, l := range v.lags {
		fmt.Fprintf(&b, "p%d:%s ", l.Partition, grouped(l.Offsets))
		worst = max(worst, l.Seconds)
	}
	fmt.Fprintf(&b, "(%.1f s)", worst)
	return b.String()
}

// row is one line of the screen.
type row struct {
	text string
	bold bool
	// whole is set for what must not be cut: it runs on in the next line.
	whole bool
}

// rows is the view for a screen of that size.
func (v *view) rows(width, height int) []row {
	top := []row{
		{text: "badgestream dev   up " + v.up.Truncate(time.Second).String() + "   Ctrl-C stops", bold: true},
		{},
		{text: fmt.Sprintf("  events   %10s   %.0f/s", grouped(v.totals.Events), v.rate)},
		{text: fmt.Sprintf("  users    %10s", grouped(v.users))},
		{text: fmt.Sprintf("  awarded  %10s   badges", grouped(v.totals.Awarded))},
		{text: fmt.Sprintf("  revoked  %10s   rejected events %s", grouped(v.totals.Revoked), grouped(v.totals.Rejected))},
		{text: "  lag      " + v.lag()},
	}
	for _, c := range v.health {
		top = append(top, row{text: "  waiting for " + c.Name + ": " + fitting(c.Reason, width)})
	}
	top = append(top, row{}, row{text: "Last badges", bold: true})
	bottom := []row{{}, {text: "Try this in a second terminal", bold: true}}
	for _, h := range v.hints {
		bottom = append(bottom, row{text: "  " + h, whole: true})
	}
	room := height - lineCount(top, width) - lineCount(bottom, width)
	return append(append(top, v.awardRows(max(1, min(room, shownAwards)))...), bottom...)
}

// awardRows has the last awards, the newest first, and always as many rows.
func (v *view) awardRows(n int) []row {
	rows := make([]row, n)
	if len(v.recent) == 0 {
		rows[0].text = "  none yet"
	}
	for i := range min(n, len(v.recent)) {
		a := &v.recent[len(v.recent)-1-i]
		rows[i].text = fmt.Sprintf("  %s  %-16s %-22s %s, tier %d",
			a.at.Format(time.TimeOnly), fitting(a.user, 16), a.badge, a.category, a.tier)
	}
	return rows
}

func lineCount(rows []row, width int) int {
	n := 0
	for _, r := range rows {
		n += r.lines(width)
	}
	return n
}

func (r *row) lines(width int) int {
	if !r.whole {
		return 1
	}
	return max(1, (len([]rune(r.text))+width-1)/width)
}

// fitting is a text of at most that length that a terminal shows and does not
// obey: ids come from anywhere.
func fitting(s string, length int) string {
	length = max(1, length)
	runes := []rune(harmless(s))
	if len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return string(runes)
}

// grouped writes a number with a comma at each thousand.
func grouped(n int64) string {
	if n < 0 {
		return "-" + grouped(-n)
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
