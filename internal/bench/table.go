package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
)

// unknown stands where a figure could not be known.
const unknown = "unknown"

// row is a line of the table: a label, and the engine's and the plain
// consumer's figure. Factor is how many times better the engine's is.
type row struct{ label, engine, plain, factor string }

// WriteTable writes the result for people.
func (r *Result) WriteTable(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", r.where(), r.what())
	engine, plain := &r.Medians[0], &r.Medians[1]
	rows := []row{
		{"", engine.Contender, plain.Contender, "factor"},
		{"events/s", whole(engine.Rate), whole(plain.Rate), factor(engine.Rate, plain.Rate)},
		{"  slowest to fastest round", whole(engine.RateMin) + "–" + whole(engine.RateMax), whole(plain.RateMin) + "–" + whole(plain.RateMax), ""},
	}
	rows = append(rows, r.cpuRows()...)
	rows = append(rows, batchRows(engine.Batches, plain.Batches)...)
	rows = append(rows, row{"peak memory, MiB", mebibytes(engine.PeakMemory), mebibytes(plain.PeakMemory), ""})
	align(&b, rows)
	for _, note := range r.notes() {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	_, err := io.WriteString(out, b.String())
	return errors.Wrap(err, "write the table")
}

// where says on which servers and which machine, and whether that counts.
func (r *Result) where() string {
	var servers []string
	for _, s := range r.Servers {
		servers = append(servers, fmt.Sprintf("%s %s at %s, %s", s.Name, s.Version, s.Address, s.Origin))
	}
	m := &r.Machine
	machine := []string{plural(int64(m.Cores), "core")}
	if m.Processor != "" {
		machine = append(machine, m.Processor)
	}
	if m.Memory != nil {
		machine = append(machine, fmt.Sprintf("%.1f GiB", float64(*m.Memory)/(1<<30)))
	}
	machine = append(machine, m.OS+"/"+m.Arch, m.Go)
	loud := ""
	if !r.Real() {
		loud = "NOT ON REAL SERVERS, SO THESE FIGURES DO NOT COUNT: "
	}
	return loud + strings.Join(servers, "; ") + "; on " + strings.Join(machine, ", ")
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
		{label: "CPU seconds per million events"},
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
	const much = 0.1
	for _, m := range r.Medians {
		if m.OtherCores != nil && *m.OtherCores > much {
			notes = append(notes, fmt.Sprintf("Other programs kept %.2f of %s busy meanwhile (%s): alone, it would be faster.", *m.OtherCores, plural(int64(r.Machine.Cores), "core"), m.Contender))
		}
	}
	return notes
}

func align(b *strings.Builder, rows []row) {
	var width [4]int
	for _, r := range rows {
		for i, cell := range []string{r.label, r.engine, r.plain, r.factor} {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		line := fmt.Sprintf("%-*s  %*s  %*s  %*s", width[0], r.label, width[1], r.engine, width[2], r.plain, width[3], r.factor)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func whole(v float64) string     { return grouped(int64(v + 0.5)) }
func decimal(v float64) string   { return strconv.FormatFloat(v, 'f', 1, 64) }
func factor(a, b float64) string { return decimal(a/b) + " ×" }

func cpu(times map[string]float64, name string) string {
	if t, known := times[name]; known {
		return decimal(t)
	}
	return unknown
}

func all(times map[string]float64) float64 {
	sum := 0.0
	for _, t := range times {
		sum += t
	}
	return sum
}

func mebibytes(bytes *int64) string {
	if bytes == nil {
		return unknown
	}
	return grouped(*bytes >> 20)
}

// grouped sets commas between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, word string) string {
	if n != 1 {
		word += "s"
	}
	return grouped(n) + " " + word
}
