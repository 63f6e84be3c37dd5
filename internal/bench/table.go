package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
)

// unknown stands where a figure could not be known.
const unknown = "unknown"

// row is a line of a table: a label, and what stands to its right, right
// aligned. In the drain's table that is the engine's and the plain consumer's
// figure, and how many times better the engine's is.
type row []string

// WriteTable writes the result for people, and compares it with an earlier one
// if there is one.
func (r *Result) WriteTable(out io.Writer, then *Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", r.where(), r.what())
	if len(r.Medians) > 0 {
		b.WriteString("\n")
		align(&b, r.drainRows())
	}
	if len(r.Figures) > 0 {
		b.WriteString("\n")
		align(&b, r.figureRows())
	}
	for i := range r.Curves {
		c := &r.Curves[i]
		fmt.Fprintf(&b, "\n%s, %s\n", c.Title, c.Y)
		align(&b, c.rows())
	}
	if then != nil {
		b.WriteString("\n" + r.comparison(then))
	}
	for _, note := range r.notes() {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "write the table")
}

// drainRows set the engine's medians beside the plain consumer's.
func (r *Result) drainRows() []row {
	engine, plain := &r.Medians[0], &r.Medians[1]
	rows := []row{
		{"", engine.Contender, plain.Contender, "factor"},
		{"events/s", whole(engine.Rate), whole(plain.Rate), factor(engine.Rate, plain.Rate)},
		{"  slowest to fastest round", whole(engine.RateMin) + "–" + whole(engine.RateMax), whole(plain.RateMin) + "–" + whole(plain.RateMax), ""},
	}
	rows = append(rows, r.cpuRows()...)
	rows = append(rows, batchRows(engine.Batches, plain.Batches)...)
	return append(rows, row{"peak memory, MiB", mebibytes(engine.PeakMemory), mebibytes(plain.PeakMemory), ""})
}

// where says on which servers and which machine, and whether that counts.
func (r *Result) where() string {
	var servers []string
	for _, s := range r.Servers {
		servers = append(servers, fmt.Sprintf("%s %s at %s, %s", s.Name, s.Version, s.Address, s.Origin))
	}
	loud := ""
	if !r.Real() {
		loud = "NOT ON REAL SERVERS, SO THESE FIGURES DO NOT COUNT: "
	}
	return loud + strings.Join(servers, "; ") + "; on " + r.Machine.hardware() + ", " + r.Machine.Go
}

// hardware describes the machine and its system.
func (m *Machine) hardware() string {
	parts := []string{plural(int64(m.Cores), "core")}
	if m.Processor != "" {
		parts = append(parts, m.Processor)
	}
	if m.Memory != nil {
		parts = append(parts, fmt.Sprintf("%.1f GiB", float64(*m.Memory)/(1<<30)))
	}
	return strings.Join(append(parts, m.OS+"/"+m.Arch), ", ")
}

func (r *Result) what() string {
	w := &r.Workload
	return fmt.Sprintf("badgestream %s; %s of %s (skew %g, seed %d) in %s, %s of them, spread evenly, for the plain consumer; catalogue %s; %s",
		r.Version, plural(w.Events, "event"), plural(int64(w.Users), "user"), w.Skew, w.Seed, plural(int64(w.Partitions), "partition"),
		grouped(w.PlainEvents), w.Catalog, medians(w.Rounds))
}

func medians(rounds int) string {
	if rounds == 1 {
		return "one round"
	}
	return fmt.Sprintf("medians of %d rounds", rounds)
}

// cpuRows split the CPU time by process, and add it up if all is known.
func (r *Result) cpuRows() []row {
	engine, plain := &r.Medians[0], &r.Medians[1]
	rows := []row{
		{"CPU seconds per million events"},
		{"  its own process", cpu(engine.CPU, engine.Contender), cpu(plain.CPU, plain.Contender), ""},
	}
	// Servers that share a process are one entry, named after all of them.
	var names []string
	for _, s := range r.Servers {
		name := s.Role
		for joined := range maps.Keys(engine.CPU) {
			if slices.Contains(strings.Split(joined, "+"), s.Role) {
				name = joined
			}
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	complete := true
	for _, name := range names {
		rows = append(rows, row{"  " + name, cpu(engine.CPU, name), cpu(plain.CPU, name), ""})
		_, known := engine.CPU[name]
		complete = complete && known
	}
	total := row{"  all", unknown, unknown, ""}
	if complete {
		e, p := all(engine.CPU), all(plain.CPU)
		total = row{"  all", decimal(e), decimal(p), factor(p, e)}
	}
	return append(rows, total)
}

func batchRows(engine, plain *Spread) []row {
	spread := func(s *Spread, of func(*Spread) string) string {
		if s == nil {
			return unknown
		}
		return of(s)
	}
	both := func(label string, of func(*Spread) string) row {
		return row{label, spread(engine, of), spread(plain, of), ""}
	}
	ms := func(seconds float64) string { return whole(seconds * 1e3) }
	return []row{
		both("batches, of plain: polls", func(s *Spread) string { return grouped(s.Count) }),
		both("  p50, ms", func(s *Spread) string { return ms(s.P50) }),
		both("  p95, ms", func(s *Spread) string { return ms(s.P95) }),
		both("  longest, ms", func(s *Spread) string { return ms(s.Max) }),
	}
}

// notes say what a reader of the figures should know.
func (r *Result) notes() []string {
	var notes []string
	var local []string
	for _, s := range r.Servers {
		if s.PID == 0 {
			local = append(local, s.Role)
		}
	}
	if len(local) > 0 {
		notes = append(notes, "The CPU time of "+strings.Join(local, ", ")+" is unknown: its process is not on this machine or cannot be seen.")
	}
	disturbed := func(by *float64, what string) {
		if by != nil && *by > 0.1 {
			notes = append(notes, fmt.Sprintf("Other programs kept %.2f of %s busy meanwhile (%s): alone, it would be faster.", *by, plural(int64(r.Machine.Cores), "core"), what))
		}
	}
	for _, m := range r.Medians {
		disturbed(m.OtherCores, m.Contender)
	}
	for _, name := range r.Measures {
		if cores, known := r.OtherCores[name]; known {
			disturbed(&cores, name)
		}
	}
	if rest := r.unmeasured(); len(rest) > 0 {
		notes = append(notes, "`--measure all` measures the rest: "+strings.Join(rest, ", ")+".")
	}
	return notes
}

// unmeasured lists the measures that were not asked for.
func (r *Result) unmeasured() []string {
	return slices.DeleteFunc(measureNames(), func(name string) bool { return slices.Contains(r.Measures, name) })
}

// align writes rows in columns: the first is flush left, the others right.
func align(b *strings.Builder, rows []row) {
	var width []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString(cell + pad)
			} else {
				line.WriteString("  " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
