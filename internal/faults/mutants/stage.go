package mutants

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Stage is tests of one package.
type Stage struct {
	Package string // from the root of the module: ./processor
	Tests   []string
	Flags   []string // of the package's tests
}

// tests are tests that need no servers, or start embedded ones.
func tests(pkg string, names ...string) Stage { return Stage{Package: pkg, Tests: names} }

// simulated plays seeds of the simulation, from the first on.
func simulated(seeds int) Stage {
	return Stage{Package: "./internal/simtest", Tests: []string{"TestSimulation"}, Flags: []string{"-sim.seeds", fmt.Sprint(seeds)}}
}

// command runs the tests, for so long at most.
func (s Stage) command(limit time.Duration) []string {
	command := []string{"go", "test", "-count=1", "-failfast", "-vet=off", "-ldflags=-s -w", "-timeout", limit.String(), "-run", "^(" + strings.Join(s.Tests, "|") + ")$", s.Package}
	return append(command, s.Flags...)
}

func (s Stage) String() string {
	text := s.Package + " " + strings.Join(s.Tests, ", ")
	if len(s.Flags) > 0 {
		text += " " + strings.Join(s.Flags, " ")
	}
	return text
}

// together makes one stage of those that one command can run, so that the
// tests of all mutants are run once, as they are.
func together(list []Mutant) []Stage {
	var all []Stage
	for i := range list {
		for _, s := range list[i].Caught {
			at := slices.IndexFunc(all, func(o Stage) bool {
				return o.Package == s.Package && slices.Equal(o.Flags, s.Flags)
			})
			if at < 0 {
				s.Tests = slices.Clone(s.Tests)
				all = append(all, s)
				continue
			}
			all[at].Tests = append(all[at].Tests, s.Tests...)
		}
	}
	for i := range all {
		slices.Sort(all[i].Tests)
		all[i].Tests = slices.Compact(all[i].Tests)
	}
	slices.SortStableFunc(all, func(a, b Stage) int { return cmp.Compare(a.Package, b.Package) })
	return all
}

// verdict is what tests said.
type verdict struct {
	failed    string // the first test that failed, or what else went wrong
	said      string // its first complaint
	unbuilt   bool   // the tests do not compile
	ranOut    bool   // they did not end in time
	untouched bool   // there are no such tests
}

// judge reads what `go test` printed; status is whether it ended well.
func judge(s Stage, output string, ended bool) verdict {
	v := verdict{
		unbuilt:   strings.Contains(output, "[build failed]") || strings.Contains(output, "[setup failed]"),
		ranOut:    strings.Contains(output, "panic: test timed out after"),
		untouched: strings.Contains(output, "[no tests to run]") || strings.Contains(output, "[no test files]"),
	}
	if ended {
		return v
	}
	v.failed = s.Package + " ended badly"
	rest := output
	if m := regexp.MustCompile(`(?m)^--- FAIL: (\w+)`).FindStringSubmatchIndex(output); m != nil {
		v.failed, rest = output[m[2]:m[3]], output[m[0]:]
	}
	complaint := regexp.MustCompile(`(?m)^\s*(?:\w+_test\.go:\d+: (?:seed \d+: )?|panic: )([^{\n].*)$`)
	if m := complaint.FindStringSubmatch(rest); m != nil {
		v.said = m[1]
	}
	return v
}
