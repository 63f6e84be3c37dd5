package crash

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/faults/wire"
)

// Line says in one line what became of the case; of one that failed, in several.
func (r Result) Line() string {
	if r.Err != nil {
		return fmt.Sprintf("FAILED %s\n%s\n%s", r.Case, r.Err, strings.Join(errors.GetAllDetails(r.Err), "\n"))
	}
	return r.Case.String() + ": " + r.outcome()
}

func (r Result) outcome() string {
	if r.Err != nil {
		return "failed"
	}
	text := fmt.Sprintf("healed in %.1f s", r.Healed.Seconds())
	if n := len(r.Endings); n > 0 {
		text += fmt.Sprintf(", the process was started again %d times", n)
	}
	return text
}

// Report gathers results.
type Report struct {
	seed    uint64
	began   time.Time
	results []Result
	seen    map[wire.Protocol]map[string]int
}

// NewReport begins an empty report.
func NewReport(seed uint64) *Report {
	return &Report{seed: seed, began: time.Now(), seen: map[wire.Protocol]map[string]int{}}
}

// Add adds a result.
func (r *Report) Add(one Result) {
	r.results = append(r.results, one)
	for protocol, messages := range one.Seen {
		if r.seen[protocol] == nil {
			r.seen[protocol] = map[string]int{}
		}
		for m, n := range messages {
			r.seen[protocol][m] += n
		}
	}
}

// Len is how many results there are.
func (r *Report) Len() int { return len(r.results) }

// Err names the cases that failed.
func (r *Report) Err() error {
	var failed []string
	for _, one := range r.results {
		if one.Err != nil {
			failed = append(failed, one.Case.String())
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return errors.Newf("%d of %d cases failed (seed %d): %s", len(failed), len(r.results), r.seed, strings.Join(failed, "; "))
}

// Summary counts.
func (r *Report) Summary() string {
	faults, failed, endings := 0, 0, 0
	var healed []time.Duration
	for _, one := range r.results {
		faults += len(one.Case.Steps)
		endings += len(one.Endings)
		if one.Err != nil {
			failed++
			continue
		}
		healed = append(healed, one.Healed)
	}
	slices.Sort(healed)
	text := fmt.Sprintf("seed %d: %d cases with %d faults in %s; %d failed; %d times the process ended by itself and was started again\n",
		r.seed, len(r.results), faults, time.Since(r.began).Round(time.Second), failed, endings)
	if n := len(healed); n > 0 {
		text += fmt.Sprintf("healed within %.1f s (median), %.1f s (99 of 100), %.1f s (all)\n",
			healed[n/2].Seconds(), healed[(n-1)*99/100].Seconds(), healed[n-1].Seconds())
	}
	return text + "messages that no point stands at:" + r.others() + "\n"
}

// others are the messages that were seen and are no places.
func (r *Report) others() (text string) {
	known := append(append(messages(), recoveries()...), settling())
	for _, protocol := range []wire.Protocol{wire.Kafka, wire.Postgres, wire.Redis} {
		var names []string
		for m := range r.seen[protocol] {
			if !slices.ContainsFunc(known, func(p Place) bool { return p.Server == protocol && p.Message == m }) {
				names = append(names, m)
			}
		}
		slices.Sort(names)
		text += fmt.Sprintf("\n  %s: %s", protocol, strings.Join(names, ", "))
	}
	return text
}

// Markdown is the table of all single faults, and counts of the pairs.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n| Point |", strings.ReplaceAll(r.Summary(), "\n", "\n\n"))
	for kind := range kinds {
		fmt.Fprintf(&b, " %s |", kind)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", int(kinds)) + "\n")
	cells := map[string]string{}
	pairs := map[[2]Kind][2]int{}
	for _, one := range r.results {
		if len(one.Case.Steps) == 1 {
			cells[one.Case.String()] = one.outcome()
			continue
		}
		key := [2]Kind{one.Case.Steps[0].Kind, one.Case.Steps[1].Kind}
		n := pairs[key]
		n[0]++
		if one.Err != nil {
			n[1]++
		}
		pairs[key] = n
	}
	for _, place := range sides(messages()) {
		fmt.Fprintf(&b, "| %s |", place)
		for kind := range kinds {
			fmt.Fprintf(&b, " %s |", strings.TrimPrefix(cells[Step{place, kind}.String()], "healed in "))
		}
		b.WriteByte('\n')
	}
	if len(pairs) > 0 {
		b.WriteString("\n| Pairs: first | then | cases | failed |\n|---|---|---|---|\n")
		for a := range kinds {
			for z := range kinds {
				if n := pairs[[2]Kind{a, z}]; n[0] > 0 {
					fmt.Fprintf(&b, "| %s | %s | %d | %d |\n", a, z, n[0], n[1])
				}
			}
		}
	}
	return b.String()
}
