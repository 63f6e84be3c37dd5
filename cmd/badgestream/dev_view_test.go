package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/telemetry"
)

func exampleView() view {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	v := view{
		now: at, up: 92 * time.Second, rate: 301.4, users: 1234,
		totals: telemetry.Totals{Events: 1_234_567, Awarded: 890, Revoked: 3, Rejected: 1},
		lags:   []telemetry.Lag{{Partition: 0}, {Partition: 1, Offsets: 1500, Seconds: 2.25}},
		hints:  []string{"badgestream progress mira"},
	}
	for i := range shownAwards {
		v.recent = append(v.recent, award{at: at.Add(time.Duration(i) * time.Second), user: fmt.Sprintf("user-%d", i), badge: "First Light", category: "exploration", tier: 1})
	}
	return v
}

func TestPlainLinesTellAwardsAndState(t *testing.T) {
	v := exampleView()
	v.fresh = v.recent[:7]
	v.health = []telemetry.Component{{Name: "redis", Reason: "connection refused"}}
	want := []string{
		"12:00:00    user-0 earned First Light (exploration, tier 1)",
		"12:00:00    user-1 earned First Light (exploration, tier 1)",
		"12:00:00    user-2 earned First Light (exploration, tier 1)",
		"12:00:00    user-3 earned First Light (exploration, tier 1)",
		"12:00:00    user-4 earned First Light (exploration, tier 1)",
		"12:00:00    and 2 more badges",
		"12:00:00  events 1,234,567 (301/s)  users 1,234  awarded 890  revoked 3  rejected 1  lag p0:0 p1:1,500 (2.2 s)",
		"12:00:00    waiting for redis: connection refused",
	}
	if got := strings.Join(v.plain(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("lines are\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestTheScreenIsNeverLeft(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 10}, {20, 3}, {5, 1}, {1, 1}} {
		v := exampleView()
		v.hints = append(v.hints, "echo '"+strings.Repeat("x", 170)+"' | badgestream produce --file -")
		v.recent[3].user = "evil\x1b[2J\r\nuser"
		screen := paint(v.rows(size[0], size[1]), size[0], size[1])
		lines := 0
		for text := range strings.SplitSeq(screen, "\r\n") {
			for _, code := range []string{toTop, clearRest, clearBelow, bold, normal} {
				text = strings.ReplaceAll(text, code, "")
			}
			if strings.ContainsAny(text, "\x1b\r\n") {
				t.Errorf("at %v the terminal is told what a user's id says: %q", size, text)
			}
			lines += max(1, (len([]rune(text))+size[0]-1)/size[0])
		}
		if lines > size[1] {
			t.Errorf("at %v the view has %d lines", size, lines)
		}
	}
}

func TestTheNewestAwardComesFirst(t *testing.T) {
	v := exampleView()
	screen := paint(v.rows(100, 40), 100, 40)
	newest, oldest := strings.Index(screen, "user-9"), strings.Index(screen, "user-0")
	if newest < 0 || oldest < newest {
		t.Errorf("the newest is at %d, the oldest at %d:\n%s", newest, oldest, screen)
	}
	for _, want := range []string{"1,234,567   301/s", "1,234", "up 1m32s", "p1:1,500 (2.2 s)", "badgestream progress mira"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 100: "100"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}
