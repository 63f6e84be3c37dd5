package bench

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
)

// ReadResult reads what an earlier run wrote with --json.
func ReadResult(path string) (*Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.Wrap(err, "read the earlier run")
	}
	var r Result
	err = json.Unmarshal(text, &r)
	if err == nil && (r.Version == "" || r.Started.IsZero() || r.Machine.Cores == 0 || len(r.Medians)+len(r.Figures) == 0) {
		err = errors.New("it has no version, machine or figures")
	}
	if err != nil {
		return nil, errors.Newf("%s is no result of `badgestream bench --json`: %s", path, err)
	}
	return &r, nil
}

// much is by how many percent a figure is worse when it is marked.
const much = 5

// change is a figure then and now.
type change struct {
	label     string
	then, now series
	// lower is set where less is better; judged if it is marked when it is worse.
	lower, judged bool
	// apart says why the two cannot be compared; empty if they can.
	apart string
}

// series is a figure, and what it was in each round if there were several.
type series struct {
	value  float64
	rounds []float64
}

// percent is how much more it is now.
func (c *change) percent() float64 { return (c.now.value/c.then.value - 1) * 100 }

// verdict says what the change is worth.
func (c *change) verdict() string {
	if c.apart != "" {
		return c.apart
	}
	var said []string
	loss := -c.percent()
	if c.lower {
		loss = -loss
	}
	if c.judged && loss > much {
		said = append(said, "WORSE")
	}
	if c.then.spans(c.now.value) || c.now.spans(c.then.value) {
		said = append(said, "within the noise")
	}
	return strings.Join(said, ", but ")
}

// spans says whether a value lies between the least and the greatest round.
func (s *series) spans(v float64) bool {
	return len(s.rounds) > 1 && slices.Min(s.rounds) <= v && v <= slices.Max(s.rounds)
}

// comparison sets this run beside an earlier one.
func (r *Result) comparison(then *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Compared with badgestream %s of %s:\n", then.Version, then.Started.Format("2006-01-02 15:04:05 MST"))
	for _, d := range r.differences(then) {
		fmt.Fprintf(&b, "NO FAIR COMPARISON: %s\n", d)
	}
	changes := append(r.drainChanges(then), r.figureChanges(then)...)
	if len(changes) == 0 {
		b.WriteString("The two have no figure in common.\n")
		return b.String()
	}
	rows, verdicts := []row{{"", "then", "now", "change"}}, []string{""}
	for _, c := range changes {
		rows = append(rows, row{c.label, significant(c.then.value), significant(c.now.value), fmt.Sprintf("%+.1f %%", c.percent())})
		verdicts = append(verdicts, c.verdict())
	}
	var figures strings.Builder
	align(&figures, rows)
	for i, line := range strings.Split(strings.TrimSuffix(figures.String(), "\n"), "\n") {
		b.WriteString(strings.TrimRight(line+"  "+verdicts[i], " ") + "\n")
	}
	return b.String()
}

// drainChanges compares the medians of the contenders that both runs have. Of
// the plain consumer, which is the yardstick, nothing is judged.
func (r *Result) drainChanges(then *Result) []change {
	var changes []change
	for i := range r.Medians {
		name := r.Medians[i].Contender
		at := slices.IndexFunc(then.Medians, func(m Median) bool { return m.Contender == name })
		if at < 0 {
			continue
		}
		changes = append(changes, change{label: name + ", " + unitRate, then: then.rates(name), now: r.rates(name)})
		if c, ok := cpuChange(name, then, r); ok {
			changes = append(changes, c)
		}
	}
	if then.Ratio > 0 && r.Ratio > 0 {
		changes = append(changes, change{label: Engine + " / " + Plain + ", " + unitRate, then: then.ratios(), now: r.ratios(), judged: true})
	}
	return changes
}

// cpuChange compares a contender's CPU time, if it is known of the same
// processes.
func cpuChange(contender string, then, now *Result) (c change, ok bool) {
	a, b := then.median(contender).CPU, now.median(contender).CPU
	if len(a) == 0 || !maps.EqualFunc(a, b, func(float64, float64) bool { return true }) {
		return c, false
	}
	cpu := func(t Turn) float64 { return all(t.CPU) }
	return change{
		label: contender + ", " + unitCPU, lower: true, judged: contender == Engine,
		then: series{all(a), then.each(contender, cpu)}, now: series{all(b), now.each(contender, cpu)},
	}, true
}

// figureChanges compares the figures that both runs have, each by itself and
// by its ratio to its base.
func (r *Result) figureChanges(then *Result) []change {
	var changes []change
	for i := range r.Figures {
		now := &r.Figures[i]
		at := slices.IndexFunc(then.Figures, func(f Figure) bool { return f.Measure == now.Measure && f.Name == now.Name && f.Unit == now.Unit })
		if at < 0 {
			continue
		}
		was, apart := &then.Figures[at], ""
		if was.With != now.With {
			apart = fmt.Sprintf("NO FAIR COMPARISON: then with %s, now with %s", was.With, now.With)
		}
		c := change{
			label: now.Measure + ": " + now.label(), lower: now.Lower, apart: apart,
			then: series{was.Value, was.Rounds}, now: series{now.Value, now.Rounds}, judged: now.Unit == unitCPU,
		}
		changes = append(changes, c)
		before, known := was.ratio()
		if after, ok := now.ratio(); ok && known && was.Of == now.Of {
			c.label, c.judged = "  its ratio to "+now.Of, true
			c.then, c.now = series{before, quotients(was.Rounds, was.BaseRounds)}, series{after, quotients(now.Rounds, now.BaseRounds)}
			changes = append(changes, c)
		}
	}
	return changes
}

func (r *Result) median(contender string) *Median {
	at := slices.IndexFunc(r.Medians, func(m Median) bool { return m.Contender == contender })
	return &r.Medians[at]
}

// each is a contender's figure in each round.
func (r *Result) each(contender string, of func(Turn) float64) []float64 {
	return eachOf(r.Turns, contender, of)
}

func eachOf(turns []Turn, contender string, of func(Turn) float64) []float64 {
	var values []float64
	for _, t := range turns {
		if t.Contender == contender {
			values = append(values, of(t))
		}
	}
	return values
}

func (r *Result) rates(contender string) series {
	return series{r.median(contender).Rate, r.each(contender, func(t Turn) float64 { return t.Rate })}
}

// ratios are the engine's rate over the plain consumer's.
func (r *Result) ratios() series {
	return series{r.Ratio, quotients(r.rates(Engine).rounds, r.rates(Plain).rounds)}
}

// quotients divides round by round; nothing if the rounds are not the same.
func quotients(a, b []float64) []float64 {
	if len(a) != len(b) {
		return nil
	}
	q := make([]float64, len(a))
	for i := range a {
		q[i] = a[i] / b[i]
	}
	return q
}
