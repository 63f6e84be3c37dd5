package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/schemas"
)

// award is what is compared of one badge event.
type award struct {
	Type  string
	Badge string
	Cause string
	At    time.Time
}

// CheckAwards compares badge events, one JSON a line, with the expected ones:
// each user's must be the same in the same order. It returns the differences.
func (c *Case) CheckAwards(got []byte) []string {
	want, err := readAwards(c.awards)
	if err != nil {
		return []string{"expected awards: " + err.Error()}
	}
	have, err := readAwards(got)
	if err != nil {
		return []string{"awards: " + err.Error()}
	}
	var diffs []string
	for _, user := range eitherHas(want, have) {
		w, h := want[user], have[user]
		for i := range max(len(w), len(h)) {
			if i >= len(w) || i >= len(h) || w[i] != h[i] {
				diffs = append(diffs, fmt.Sprintf("awards of %q differ at number %d: expected %v, got %v", user, i+1, from(w, i), from(h, i)))
				break
			}
		}
	}
	return diffs
}

func from(all []award, i int) string {
	if i >= len(all) {
		return "nothing more"
	}
	a := all[i]
	return fmt.Sprintf("%s %s by %s at %s", a.Type, a.Badge, a.Cause, a.At.Format(time.RFC3339Nano))
}

func readAwards(text []byte) (map[string][]award, error) {
	users := map[string][]award{}
	err := eachLine(text, func(line []byte) error {
		var e struct {
			Type, Subject, Time string
			Data                struct {
				Badge string
				Cause struct{ ID string }
			}
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if e.Type != schemas.AwardedType && e.Type != schemas.RevokedType {
			return nil
		}
		at, err := instant(e.Time)
		if err == nil && (e.Subject == "" || e.Data.Badge == "" || e.Data.Cause.ID == "") {
			err = errors.New("it lacks subject, badge or cause")
		}
		users[e.Subject] = append(users[e.Subject], award{e.Type, e.Data.Badge, e.Data.Cause.ID, at})
		return err
	})
	return users, err
}

// progress is what is compared of one user's progress.
type progress struct {
	User     string
	Counters map[string]int64
	Earned   []struct {
		Badge    string
		EarnedAt string `json:"earned_at"`
	}
	InProgress []schemas.InProgress `json:"in_progress"`
	Locked     []string
}

// CheckProgress compares progress, one user a line, with the expected one.
// Counters that the case does not name do not matter. A user who is absent is
// equal to one who has nothing; of system accounts, no more is asked than that
// they earned nothing.
func (c *Case) CheckProgress(got []byte, system map[string]struct{}) []string {
	want, err := readProgress(c.progress)
	if err != nil {
		return []string{"expected progress: " + err.Error()}
	}
	have, err := readProgress(got)
	if err != nil {
		return []string{"progress: " + err.Error()}
	}
	forgetCounters(want, have)
	var diffs []string
	for _, user := range eitherHas(want, have) {
		w, h := want[user], have[user]
		_, isSystem := system[user]
		switch {
		case isSystem:
			if h != nil && len(h.Earned) > 0 {
				diffs = append(diffs, fmt.Sprintf("system account %q earned %v", user, h.Earned))
			}
		case w.nothing() && h.nothing():
		case w == nil || h == nil:
			diffs = append(diffs, fmt.Sprintf("progress of %q: expected %+v, got %+v", user, w, h))
		default:
			diffs = append(diffs, differences(w, h)...)
		}
	}
	return diffs
}

// forgetCounters drops the counters that nobody in want has.
func forgetCounters(want, have map[string]*progress) {
	named := map[string]bool{}
	for _, p := range want {
		for name := range p.Counters {
			named[name] = true
		}
	}
	for _, p := range have {
		maps.DeleteFunc(p.Counters, func(name string, _ int64) bool { return !named[name] })
	}
}

func (p *progress) nothing() bool {
	if p == nil {
		return true
	}
	for _, n := range p.Counters {
		if n != 0 {
			return false
		}
	}
	return len(p.Earned) == 0 && len(p.InProgress) == 0
}

func differences(want, have *progress) []string {
	var diffs []string
	differ := func(what string, w, h any) {
		if !reflect.DeepEqual(w, h) {
			diffs = append(diffs, fmt.Sprintf("%s of %q: expected %v, got %v", what, want.User, w, h))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want.Counters)) {
		n, ok := have.Counters[name]
		if !ok {
			n = -1 << 62
		}
		differ(name, want.Counters[name], n)
	}
	differ("earned", want.earned(), have.earned())
	differ("in_progress", append([]schemas.InProgress{}, want.InProgress...), append([]schemas.InProgress{}, have.InProgress...))
	differ("locked", append([]string{}, want.Locked...), append([]string{}, have.Locked...))
	return diffs
}

func (p *progress) earned() []string {
	list := []string{}
	for _, e := range p.Earned {
		at, err := instant(e.EarnedAt)
		list = append(list, fmt.Sprint(e.Badge, " ", at, err))
	}
	return list
}

func readProgress(text []byte) (map[string]*progress, error) {
	users := map[string]*progress{}
	err := eachLine(text, func(line []byte) error {
		var p progress
		if err := json.Unmarshal(line, &p); err != nil {
			return err
		}
		if p.User == "" || p.Counters == nil || users[p.User] != nil {
			return errors.Newf("user %q has no name or counters, or is there twice", p.User)
		}
		users[p.User] = &p
		return nil
	})
	return users, err
}

// CheckRejects compares the numbers of rejected lines with the expected ones.
// A case that has no rejects.txt wants none.
func (c *Case) CheckRejects(got []int64) []string {
	must, may := map[int64]bool{}, map[int64]bool{}
	for line := range strings.Lines(string(c.rejects)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return []string{"rejects.txt: " + err.Error()}
		}
		if len(fields) > 1 && fields[1] == "?" {
			may[n] = true
		} else {
			must[n] = true
		}
	}
	var diffs []string
	for _, n := range got {
		if !must[n] && !may[n] {
			diffs = append(diffs, fmt.Sprintf("line %d must not be rejected", n))
		}
		delete(must, n)
	}
	for _, n := range slices.Sorted(maps.Keys(must)) {
		diffs = append(diffs, fmt.Sprintf("line %d must be rejected", n))
	}
	return diffs
}

func eitherHas[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// instant reads an RFC 3339 time; equal instants are equal values.
func instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s))
	return t.UTC(), err
}

func eachLine(text []byte, do func([]byte) error) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := do(line); err != nil {
			return errors.Wrapf(err, "line %d", n)
		}
	}
	return nil
}
