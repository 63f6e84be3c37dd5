package schemas

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func snapshots() []Snapshot {
	return []Snapshot{
		{User: "u", Counters: Numbers{}, Since: Instants{}, Earned: []Earned{}, InProgress: []InProgress{}, Pins: []string{}},
		{
			User: "u1", Epoch: 3, Version: 41, Catalog: 2,
			Counters:   Numbers{{"location_visits", 2}, {"balance", -4}},
			Since:      Instants{{"tenure_days", 1772366401_000_000}},
			Earned:     []Earned{{"first-light", 1772366401_000_000}, {"scout", 1772366401_000_001}},
			InProgress: []InProgress{{"explorer", 2, 5, 40}, {"expert-reviewer", 74, 75, 98}},
			Pins:       []string{"scout", "first-light"},
		},
		{
			User: "\"\\\u0001\n\u2028ユーザー😀<>&", Epoch: 9_999_999_999, Version: 1<<63 - 1, Catalog: 1<<63 - 1,
			Counters: Numbers{{"é\"", 1<<63 - 1}}, Since: Instants{{"\t", MinTime}, {"z", MaxTime}},
			Earned: []Earned{{"\\", -1}}, InProgress: []InProgress{}, Pins: []string{"\""},
		},
	}
}

func TestSnapshotText(t *testing.T) {
	s := snapshots()[1]
	s.Counters = append(Numbers{{"zero", 0}}, append(s.Counters, Number{"none", 0})...)
	const want = `{"order":"0000000003.00000000000000000041","user":"u1","epoch":3,"version":41,"catalog":2,` +
		`"counters":{"location_visits":2,"balance":-4},"since":{"tenure_days":"2026-03-01T12:00:01.000Z"},` +
		`"earned":[{"badge":"first-light","earned_at":"2026-03-01T12:00:01.000Z"},{"badge":"scout","earned_at":"2026-03-01T12:00:01.000001Z"}],` +
		`"in_progress":[{"badge":"explorer","value":2,"threshold":5,"percent":40},{"badge":"expert-reviewer","value":74,"threshold":75,"percent":98}],` +
		`"pins":["scout","first-light"]}`
	if got := string(s.Append(nil)); got != want {
		t.Errorf("written\n%s\nwant\n%s", got, want)
	}
}

// A Redis script compares GETRANGE key 10 40: what is documented to other
// languages must not move.
func TestSnapshotOrderIsAtAFixedPlace(t *testing.T) {
	if OrderOffset != 10 || OrderLength != 31 {
		t.Fatalf("order at %d, %d bytes; documented are 10 and 31", OrderOffset, OrderLength)
	}
	for _, s := range snapshots() {
		text := s.Append(nil)
		if got, want := string(text[OrderOffset:OrderOffset+OrderLength]), string(AppendOrder(nil, s.Epoch, s.Version)); got != want {
			t.Errorf("bytes 10 to 40 are %s; want %s", got, want)
		}
	}
	ascending := [][2]int64{{0, 0}, {0, 1}, {0, 9}, {0, 10}, {0, 1<<63 - 1}, {1, 0}, {9, 5}, {10, 4}, {9_999_999_999, 0}}
	for i := 1; i < len(ascending); i++ {
		a, b := ascending[i-1], ascending[i]
		if string(AppendOrder(nil, a[0], a[1])) >= string(AppendOrder(nil, b[0], b[1])) {
			t.Errorf("%v is not before %v", a, b)
		}
	}
}

func TestSnapshotRoundTrip(t *testing.T) {
	for _, want := range snapshots() {
		got, err := ParseSnapshot(want.Append(nil))
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("read %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestParseSnapshotErrors(t *testing.T) {
	s := snapshots()[1]
	text := string(s.Append(nil))
	for _, bad := range []string{
		"", "null", "{}", "[]", text[:len(text)-1], text + "x",
		strings.Replace(text, `"version":41`, `"version":42`, 1),
		strings.Replace(text, `"epoch":3`, `"epoch":-3`, 1),
		strings.Replace(text, `"user":"u1"`, `"user":""`, 1),
		strings.Replace(text, `"earned_at":"2026`, `"earned_at":"x`, 1),
		strings.Replace(text, `"tenure_days":"2026-03-01T12:00:01.000Z"`, `"tenure_days":1`, 1),
		strings.Replace(text, `"location_visits":2`, `"location_visits":"2"`, 1),
	} {
		if _, err := ParseSnapshot([]byte(bad)); err == nil {
			t.Errorf("read %s", bad)
		}
	}
	if _, err := ParseSnapshot([]byte(strings.Replace(text, `"user"`, `"new":[],"user"`, 1))); err != nil {
		t.Errorf("a member of a later version: %v", err)
	}
}

func FuzzSnapshot(f *testing.F) {
	f.Add("u1", "first-light", "tenure_days", int64(1), int64(41), int64(1772366401_000_000), int64(-4))
	f.Add("\x00\xff", "\"", "\\", int64(0), int64(1<<63-1), int64(-1), int64(0))
	f.Fuzz(func(t *testing.T, user, badge, name string, epoch, version, at, value int64) {
		if epoch < 0 || epoch > 9_999_999_999 || version < 0 || at < MinTime || at > MaxTime {
			return
		}
		want := Snapshot{User: user, Epoch: epoch, Version: version, Catalog: version, Counters: Numbers{{name, value}},
			Since: Instants{{name, at}}, Earned: []Earned{{badge, at}}, InProgress: []InProgress{{badge, 1, 2, 50}}, Pins: []string{badge}}
		text := want.Append(nil)
		if !json.Valid(text) || !utf8.Valid(text) {
			t.Fatalf("not JSON: %q", text)
		}
		if value == 0 {
			want.Counters = Numbers{}
		}
		got, err := ParseSnapshot(text)
		if user != "" && utf8.ValidString(user+"x"+badge+"x"+name) && (err != nil || !reflect.DeepEqual(*got, want)) {
			t.Errorf("read %+v, %v; want %+v", got, err, want)
		}
	})
}

func FuzzParseSnapshot(f *testing.F) {
	for _, s := range snapshots() {
		f.Add(s.Append(nil))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSnapshot(text)
		if err != nil {
			boundedError(t, err)
			return
		}
		if s.Epoch > 9_999_999_999 {
			return // it reads, and is out of what Append promises
		}
		written := s.Append(nil)
		again, err := ParseSnapshot(written)
		if err != nil || again.User != s.User || again.Version != s.Version || !bytes.Equal(again.Append(nil), written) {
			t.Errorf("read %+v; written and read again %+v, %v", s, again, err)
		}
	})
}
