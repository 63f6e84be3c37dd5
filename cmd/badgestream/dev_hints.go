package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/settings"
)

// hints say what to try beside a running dev.
type hints struct {
	program string
	// exports is the line that a second terminal needs first, empty if the
	// defaults will do.
	exports string
	example string // an event
	user    string // who has progress to look at
}

// newHints makes the hints for the settings of this dev.
func newHints(ctx context.Context, s *settings.Settings, flags *pflag.FlagSet, cat *catalog.Catalog) hints {
	h := hints{program: os.Args[0], example: exampleEvent(ctx, cat), user: exampleUser}
	if strings.Contains(h.program, "go-build") {
		h.program = "go run ./cmd/badgestream"
	}
	for _, setting := range []struct{ flag, value string }{
		{"brokers", strings.Join(s.Brokers, ",")}, {"postgres", s.Postgres}, {"redis", s.Redis},
		{"catalog", s.Catalog}, {"activity-topic", s.ActivityTopic}, {"award-topic", s.AwardTopic}, {"group", s.Group},
	} {
		if setting.value != flags.Lookup(setting.flag).DefValue {
			h.exports += " " + settings.Variable(setting.flag) + "=" + quoted(setting.value)
		}
	}
	if h.exports != "" {
		h.exports = "export" + h.exports
	}
	return h
}

// quoted makes one word of a shell's command line.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// meet takes the first user who earned something for the example, if a
// command line takes the name as it is.
func (h *hints) meet(user string) {
	plain := strings.Trim(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
	if h.user == exampleUser && plain && !strings.HasPrefix(user, "-") {
		h.user = user
	}
}

func (h *hints) lines() []string {
	var lines []string
	if h.exports != "" {
		lines = append(lines, h.exports)
	}
	width := len(h.program) + len(" badges --from-beginning --json | head -1")
	hint := func(command, what string) {
		lines = append(lines, fmt.Sprintf("%-*s   %s", width, h.program+" "+command, what))
	}
	hint("progress "+h.user, "one user's badges")
	hint("badges --follow", "badge events as they happen")
	hint("badges --from-beginning --json | head -1", "an award with its evidence")
	lines = append(lines, "echo "+quoted(h.example)+" | "+h.program+" produce --file -")
	return lines
}
