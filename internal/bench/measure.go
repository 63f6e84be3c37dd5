package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/settings"
)

// measure is one question that a benchmark answers.
type measure struct {
	name  string // as --measure has it
	about string // one line for --help
	run   func(context.Context, *bench, *Result) error
	draws bool // curves
}

// measures lists all of them in the order in which they run.
func measures() []measure {
	return []measure{
		{name: "drain", about: "events per second and CPU time beside the plain consumer", run: measureDrain},
		{name: "skew", about: "the same where few users do most, by Zipf's law with 1.1", run: measureSkew},
		{name: "members", about: "the drain with many rows in the member table, against an empty one", run: measureMembers},
		{name: "badges", about: "the drain with a large catalogue, against the usual one", run: measureBadges},
		{name: "rebuild", about: "a rebuild of what was drained, against the drain", run: measureRebuild},
		{name: "latency", about: "time from an event to its badge event and its snapshot", run: measureLatency},
		{name: "beside", about: "the same while a rebuild goes on beside it, against undisturbed", run: measureBeside},
		{name: "start", about: "time from the start of run to the first fold, also after a kill", run: measureStart},
		{name: "history", about: "one more event of a user with a long history, against one with a short one", run: measureHistory},
		{name: "read", about: "reading progress with the Go package, against a raw GET", run: measureRead},
		{name: "memory", about: "the engine's peak memory", run: measureMemory, draws: true},
		{name: "curves", about: "how speed changes with users, badges, members, partitions, workers, batch", run: measureCurves, draws: true},
	}
}

// The names that stand for a single measure and for every one.
const (
	drainMeasure = "drain"
	allMeasures  = "all"
)

// Units that more than one measure uses.
const (
	unitRate = "events/s"
	unitCPU  = "CPU s per million events" // of all processes
)

func measureNames() []string {
	var names []string
	for _, m := range measures() {
		names = append(names, m.name)
	}
	return names
}

// ParseMeasures reads the names of measures, separated by commas; all stands
// for every one.
func ParseMeasures(text string) ([]string, error) {
	known, found := measureNames(), []string(nil)
	for name := range strings.SplitSeq(text, ",") {
		switch name = strings.TrimSpace(name); {
		case name == allMeasures:
			found = append(found, known...)
		case slices.Contains(known, name):
			found = append(found, name)
		default:
			return nil, errors.Newf("%q is no measure: %s", name, settings.DidYouMean(name, append(known, allMeasures)))
		}
	}
	return found, nil
}

// Draws says whether any of the measures draws curves.
func Draws(names []string) bool {
	return slices.ContainsFunc(measures(), func(m measure) bool { return m.draws && slices.Contains(names, m.name) })
}

// DescribeMeasures lists the measures, a line each.
func DescribeMeasures() string {
	var b strings.Builder
	for _, m := range measures() {
		fmt.Fprintf(&b, "  %-8s  %s\n", m.name, m.about)
	}
	return b.String()
}

// choose gives the measures of these names, each once and in their own order.
func choose(names []string) ([]measure, error) {
	if len(names) == 0 {
		names = []string{drainMeasure}
	}
	if _, err := ParseMeasures(strings.Join(names, ",")); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(measures(), func(m measure) bool { return !slices.Contains(names, m.name) }), nil
}

// Figure is one number that a measure found, beside what it is held against.
// Measure and Name together are what a saved run is compared by, so they stay
// what they are from one version to the next.
type Figure struct {
	Measure string  `json:"measure"`
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	// Lower is set where less is better.
	Lower bool `json:"lower_is_better,omitempty"`
	// With is the size that it was measured with where the workload does not say
	// it, such as 1,000,000 rows.
	With string `json:"with,omitempty"`
	// Base is what Value is held against, measured in the same run, and Of says
	// what that is. Both are left out where a figure stands for itself.
	Of   string   `json:"of,omitempty"`
	Base *float64 `json:"base,omitempty"`
	// Rounds and BaseRounds are what Value and Base were in each round, where
	// they are medians: they tell the noise.
	Rounds     []float64 `json:"rounds,omitempty"`
	BaseRounds []float64 `json:"base_rounds,omitempty"`
}

// Curve is how a figure changes with something, drawn as one SVG.
type Curve struct {
	Measure string `json:"measure"`
	// Name is the file's name without .svg; Title says what is seen.
	Name  string `json:"name"`
	Title string `json:"title"`
	// X and Y name the axes with their units.
	X     string `json:"x"`
	Y     string `json:"y"`
	Lines []Line `json:"lines"`
}

// Line is one line of a curve: its points by ascending x.
type Line struct {
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"`
}

// add notes a figure that stands for itself.
func (r *Result) add(f Figure) { r.Figures = append(r.Figures, f) }

// against notes a figure beside its base.
func (r *Result) against(f Figure, of string, base float64) {
	f.Of, f.Base = of, &base
	r.Figures = append(r.Figures, f)
}
