package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/internal/simulation"
	"github.com/badgestream/badgestream/schemas"
)

func TestTheExampleEventEarnsABadgeInEveryCatalogue(t *testing.T) {
	for _, name := range schemas.CatalogNames() {
		t.Run(name, func(t *testing.T) {
			cat, err := catalog.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			// simulate wants a time, which Kafka's record would give.
			line := strings.Replace(exampleEvent(t.Context(), cat), `"data":`, `"time":"2026-03-01T12:00:00Z","data":`, 1)
			var badges bytes.Buffer
			sim := simulation.New(simulation.Config{Catalog: cat, Batch: 1, Group: "g", Topic: "t"}, simulation.Output{
				Badges: &badges,
				Rejected: func(_ int64, why *schemas.Reject) error {
					t.Errorf("%s is rejected: %s", line, why)
					return nil
				},
			})
			if _, err := sim.Run(t.Context(), strings.NewReader(line+"\n")); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(badges.String(), `"subject":"you"`) {
				t.Errorf("%s earns nothing", line)
			}
		})
	}
}

func TestHintsNameWhatASecondTerminalNeeds(t *testing.T) {
	var s settings.Settings
	flags := newRoot(&s).PersistentFlags()
	cat, err := catalog.Load(s.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	h := newHints(t.Context(), &s, flags, cat)
	if h.exports != "" {
		t.Errorf("with the defaults, a second terminal is told to %s", h.exports)
	}
	s.Brokers, s.Group = []string{"127.0.0.1:7"}, "it's"
	h = newHints(t.Context(), &s, flags, cat)
	if want := `export BADGESTREAM_BROKERS='127.0.0.1:7' BADGESTREAM_GROUP='it'\''s'`; h.lines()[0] != want {
		t.Errorf("the first hint is %s, want %s", h.lines()[0], want)
	}
	h.meet("--all; rm")
	h.meet("mira")
	h.meet("vega")
	if all := strings.Join(h.lines(), "\n"); !strings.Contains(all, " progress mira ") {
		t.Errorf("the first user who earned something is not in\n%s", all)
	}
}
