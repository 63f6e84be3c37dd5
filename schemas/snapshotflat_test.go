package schemas

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// shownOften is a snapshot of the usual size, of somebody who has been there
// for a while.
func shownOften() Snapshot {
	s := Snapshot{User: "u00042", Epoch: 1, Version: 217, Catalog: 3, Pins: []string{},
		Since: Instants{{"tenure_days", 1767225600_000_000}, {"streak_days", 1767312000_123_456}}}
	for i := range int64(14) {
		s.Counters = append(s.Counters, Number{fmt.Sprintf("counter_number_%d", i), 3*i*i*i + 1})
	}
	for i := range int64(7) {
		s.Earned = append(s.Earned, Earned{fmt.Sprintf("badge-of-level-%d", i), 1767225600_000_000 + 86_399_000_000*i})
		s.InProgress = append(s.InProgress, InProgress{fmt.Sprintf("next-badge-%d", i), i + 1, 10, 10 * (i + 1)})
	}
	return s
}

// many has so many counters and ages.
func many(n int) Snapshot {
	s := shownOften()
	s.Counters, s.Since = nil, nil
	for i := range int64(n) {
		s.Counters = append(s.Counters, Number{fmt.Sprint("c", i), i + 1})
		s.Since = append(s.Since, Instant{fmt.Sprint("a", i), 1_000_000 * i})
	}
	return s
}

// TestUsualSnapshotsAreFlat: what Append writes is read the fast way, unless
// it needs escapes, a 19th digit, or very many counters.
func TestUsualSnapshotsAreFlat(t *testing.T) {
	for name, c := range map[string]struct {
		s    Snapshot
		flat bool
	}{
		"nothing yet": {snapshots()[0], true},
		"some":        {snapshots()[1], true},
		"odd names":   {snapshots()[2], false},
		"usual":       {shownOften(), true},
		"not ASCII":   {Snapshot{User: "ユーザー😀", Counters: Numbers{{"é", 999_999_999_999_999_999}}, Since: Instants{}, Earned: []Earned{{"星", -1}}, InProgress: []InProgress{}, Pins: []string{"é", ""}}, true},
		"19 digits":   {Snapshot{User: "u", Version: 1_000_000_000_000_000_000, Counters: Numbers{}, Since: Instants{}, Earned: []Earned{}, InProgress: []InProgress{}, Pins: []string{}}, false},
		"64 counters": {many(64), true},
		"65 counters": {many(65), false},
		"1000 badges": {Snapshot{User: "u", Counters: Numbers{}, Since: Instants{}, Earned: make([]Earned, 1000), InProgress: make([]InProgress, 1000), Pins: make([]string, 1000)}, true},
		"all of time": {Snapshot{User: "u", Counters: Numbers{}, Since: Instants{{"a", MinTime}, {"z", MaxTime}}, Earned: []Earned{}, InProgress: []InProgress{}, Pins: []string{}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			text := c.s.Append(nil)
			var got Snapshot
			if flat := got.parseFlat(text); flat != c.flat || flat && !reflect.DeepEqual(got, c.s) {
				t.Errorf("the fast way: %t, %+v", flat, got)
			}
			if got, err := ParseSnapshot(text); err != nil || !reflect.DeepEqual(*got, c.s) {
				t.Errorf("read %+v, %v", got, err)
			}
		})
	}
}

// TestUsualSnapshotsAreReadFlat counts allocations: the general way has ten
// times as many.
func TestUsualSnapshotsAreReadFlat(t *testing.T) {
	s := shownOften()
	text := s.Append(nil)
	n := testing.AllocsPerRun(10, func() {
		if _, err := ParseSnapshot(text); err != nil {
			t.Error(err)
		}
	})
	if n > 20 {
		t.Errorf("reading a snapshot of the usual size took %g allocations", n)
	}
}

// TestSnapshotKeepsNothingOfTheText reads from a buffer that is used again.
func TestSnapshotKeepsNothingOfTheText(t *testing.T) {
	want := shownOften()
	text := want.Append(nil)
	got, err := ParseSnapshot(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = 'x'
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("the buffer was written to, and the snapshot is %+v", got)
	}
}

// Any text: the fast way takes nothing that the general one refuses, and the
// two read the same.
func FuzzSnapshotFlat(f *testing.F) {
	for _, s := range append(snapshots(), shownOften(), many(3), many(65)) {
		f.Add(s.Append(nil))
	}
	s := snapshots()[1]
	text := string(s.Append(nil))
	f.Add([]byte(" " + text + " \n"))
	for _, change := range [][2]string{
		{`"user":"u1"`, `"user":"\u0075\n\ud83d\ude00"`}, {`"user":"u1"`, `"user":""`}, {`"user":"u1"`, "\"user\":\"\xff\""}, {`"user":"u1"`, "\"user\":\"\x00\""},
		{`"user":"u1"`, `"user":"u1","user":"u2"`}, {`"user":"u1"`, `"User":"u1"`}, {`"user":"u1",`, ``}, {`"user":"u1"`, `"user":null`},
		{`"user":"u1","epoch":3`, `"epoch":3,"user":"u1"`}, {`"epoch":3`, `"epoch":-3`}, {`"epoch":3`, `"epoch":03`}, {`"epoch":3`, `"epoch":3.0`},
		{`"catalog":2`, `"catalog":2,"new":{"a":[1]}`}, {`"catalog":2`, `"catalog":9223372036854775807`}, {`"catalog":2`, `"catalog":9223372036854775808`},
		{`"catalog":2`, `"catalog":999999999999999999`}, {`"catalog":2`, `"catalog":-0`}, {`"catalog":2`, `"catalog":2e0`}, {`"catalog":2`, `"catalog": 2`},
		{`"version":41`, `"version":42`}, {`"version":41`, `"version" :41`}, {`"balance":-4`, `"location_visits":-4`}, {`"balance":-4`, `"balance":-0`},
		{`"balance":-4`, `"balance":-`}, {`"balance":-4`, `"\u0062":1`}, {`"balance":-4`, `"balance":"-4"`}, {`"balance":-4}`, `"balance":-4,}`},
		{`12:00:01.000Z"}`, `12:00:01+01:00"}`}, {`12:00:01.000Z"}`, `12:00:60Z"}`}, {`12:00:01.000Z"}`, `12:00:01.000Z","tenure_days":"2026-03-01T12:00:01Z"}`},
		{`12:00:01.000Z"}`, `12:00:01.000\u005a"}`}, {`"since":{"tenure_days":"2026-03-01T12:00:01.000Z"}`, `"since":null`},
		{`[{"badge":"first-light"`, `[null,{"badge":"first-light"`}, {`[{"badge":"first-light"`, `[{"badge":"first-light","more":1`}, {`},{"badge":"scout"`, `}{"badge":"scout"`},
		{`},{"badge":"scout"`, `} , {"badge":"scout"`}, {`},{"badge":"scout"`, `},,{"badge":"scout"`}, {`"percent":98}]`, `"percent":98},]`}, {`"percent":98`, `"percent":98.5`},
		{`["scout","first-light"]`, `[]`}, {`["scout","first-light"]`, `["scout",]`}, {`["scout","first-light"]`, `[,"scout"]`}, {`["scout","first-light"]`, `["scout" ,"é"]`},
		{`["scout","first-light"]`, `[1]`}, {`["scout","first-light"]`, `["scout"`}, {`"]}`, `"],"later":0}`}, {`"]}`, `"]}{}`}, {`"]}`, `"]`},
	} {
		if !strings.Contains(text, change[0]) {
			f.Fatalf("%s is not in %s", change[0], text)
		}
		f.Add([]byte(strings.Replace(text, change[0], change[1], 1)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		var flat Snapshot
		ok := flat.parseFlat(text)
		if !bytes.Equal(before, text) {
			t.Fatal("reading wrote to the text")
		}
		if !ok {
			return
		}
		if plain, err := parseSnapshotPlain(text); err != nil || !reflect.DeepEqual(flat, *plain) {
			t.Errorf("the fast way: %+v; the general one: %+v, %v", flat, plain, err)
		}
	})
}

func BenchmarkParseSnapshot(b *testing.B) {
	s := shownOften()
	text := s.Append(nil)
	for name, parse := range map[string]func([]byte) (*Snapshot, error){"flat": ParseSnapshot, "json": parseSnapshotPlain} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkProgress completes a snapshot: kept has the Completer of many
// snapshots, once makes one for each.
func BenchmarkProgress(b *testing.B) {
	const now = 1_800_000_000_000_000
	s, v := shownOften(), &CatalogView{Ages: []string{"tenure_days", "streak_days"}}
	for i := range s.Counters {
		v.Counters = append(v.Counters, s.Counters[i].Name)
	}
	v.Counters = append(v.Counters, v.Ages...)
	for i := range s.Earned {
		ladder := GroupView{Category: "C", Criterion: fmt.Sprint(i)}
		for _, slug := range []string{s.Earned[i].Badge, s.InProgress[i].Badge, fmt.Sprint("last-badge-", i), fmt.Sprint("very-last-badge-", i)} {
			v.Badges = append(v.Badges, badge(slug, ladder.Criterion, Threshold{Label: s.Counters[i].Name, AtLeast: 10}))
			ladder.Badges = append(ladder.Badges, slug)
		}
		v.Groups = append(v.Groups, ladder)
	}
	b.Run("kept", func(b *testing.B) {
		c := NewCompleter(v)
		b.ReportAllocs()
		for b.Loop() {
			c.Progress(&s, now)
		}
	})
	b.Run("once", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Progress(v, now)
		}
	})
}
