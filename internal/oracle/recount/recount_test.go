package recount_test

import (
	"fmt"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

const small = `
name: small
dedupe: {window: 3}
events:
  paid: {cents: {int: [1, 100]}}
  joined: {}
  rated: {what: id, by: id, mark: {int: [-3, 5]}}
things:
  work:
    members:
      marks: {rules: [{on: rated, credit: by, thing: what, member: subject, set: mark}]}
counters:
  spent: {total: [{on: paid, add: cents}]}
  days: {age: [{on: joined}]}
  early: {first: [{on: joined}], places: 2}
  liked: {things: work, mean: marks, at_least: 1, decimals: 0}
badges:
  - {category: A, criterion: A, counter: spent, badges: [{slug: spender, name: Spender, at_least: 10}]}
  - {category: B, criterion: B, counter: days, badges: [{slug: day, name: Day, at_least: 1}, {slug: week, name: Week, tier: 2, at_least: 7}]}
  - {category: C, criterion: C, counter: early, badges: [{slug: early, name: Early, at_least: 1, sticky: true}]}
  - {category: D, criterion: D, counter: liked, badges: [{slug: liked, name: Liked, at_least: 1}]}
`

// book is a recount that is told of events by their parts.
type book struct {
	*recount.Recount
	t *testing.T
	p recount.Partition
}

func newBook(t *testing.T) *book {
	t.Helper()
	cat, err := catalog.Parse("small", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	return &book{recount.New("g", cat, 1, nil), t, recount.Partition{Topic: "activity"}}
}

func (b *book) event(offset int64, id, kind, subject, time, data string) recount.Verdict {
	b.t.Helper()
	value := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/s","type":%q,"subject":%q,"time":%q,"data":%s}`, id, kind, subject, time, data)
	verdict, _, why := b.Record(&recount.Record{Partition: b.p, Offset: offset, Timestamp: 1_800_000_000_000, Value: []byte(value)})
	if why != nil {
		b.t.Fatal(why)
	}
	return verdict
}

// tick is a record that says what time it is, and was written then.
func (b *book) tick(p recount.Partition, offset int64, at string) {
	b.t.Helper()
	micros, err := schemas.ParseTime(at)
	if err != nil {
		b.t.Fatal(err)
	}
	value := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/t","type":"badgestream.tick","time":%q,"data":{}}`, at, at)
	if verdict, _, why := b.Record(&recount.Record{Partition: p, Offset: offset, Timestamp: micros / 1000, Value: []byte(value)}); verdict != recount.Tick {
		b.t.Fatalf("a tick is %d: %v", verdict, why)
	}
}

func (b *book) counter(user, name string) int64 {
	b.t.Helper()
	u := b.Users()[user]
	if u == nil {
		return 0
	}
	return u.Counters[b.Catalog().CounterIndex(name)]
}

// TestWindow: a duplicate is what stands at one of three offsets before, also
// where it was a duplicate there.
func TestWindow(t *testing.T) {
	b := newBook(t)
	for _, tc := range []struct {
		offset int64
		id     string
		want   recount.Verdict
	}{
		{0, "a", recount.Counted}, {3, "a", recount.Duplicate}, {6, "a", recount.Duplicate}, {10, "a", recount.Counted},
		{11, "b", recount.Counted}, {13, "a", recount.Duplicate}, {15, "b", recount.Counted},
	} {
		if got := b.event(tc.offset, tc.id, "paid", "u", "2026-01-01T00:00:00Z", `{"cents":1}`); got != tc.want {
			t.Errorf("%s at %d: verdict %d, want %d", tc.id, tc.offset, got, tc.want)
		}
	}
	if n := b.counter("u", "spent"); n != 4 {
		t.Errorf("4 events count, and the counter is %d", n)
	}
}

// TestPlaces: two users are first, however often and whoever else comes.
func TestPlaces(t *testing.T) {
	b := newBook(t)
	for i, user := range []string{"x", "x", "y", "z", "y", "z"} {
		b.event(int64(i)*10, fmt.Sprint(i), "joined", user, "2026-01-01T00:00:00Z", `{}`)
	}
	for user, want := range map[string]int64{"x": 1, "y": 1, "z": 0} {
		if got := b.counter(user, "early"); got != want {
			t.Errorf("%s has %d, want %d", user, got, want)
		}
	}
}

// TestMeansRoundHalfUp: marks of 0 and 1 have a mean of a half, which is 1; of 0,
// 1 and 0, of a third, which is 0.
func TestMeansRoundHalfUp(t *testing.T) {
	b := newBook(t)
	for i, want := range []int64{0, 1, 0} {
		b.event(int64(i)*10, fmt.Sprint(i), "rated", fmt.Sprint("r", i), "2026-01-01T00:00:00Z", fmt.Sprintf(`{"what":"w","by":"u","mark":%d}`, i%2))
		if got := b.counter("u", "liked"); got != want {
			t.Errorf("after %d marks, %d works are liked, want %d", i+1, got, want)
		}
	}
}

// TestSteps: the two who are due earliest are seen to first, then by name; who
// acts in between is not, and a tick of before has nothing to do.
func TestSteps(t *testing.T) {
	b := newBook(t)
	for i, user := range []string{"d", "c", "b", "a"} {
		b.event(int64(i), user, "joined", user, fmt.Sprintf("2026-01-01T00:00:%02dZ", i/3), `{}`)
	}
	step := func(first bool, limit, ordinal int64) (text string) {
		due, changes := b.Step(b.p, first, limit, ordinal)
		for _, c := range changes {
			text += fmt.Sprintf("%d:%s %s v%d ", c.Ordinal, c.User, c.Badge, c.UserVersion)
		}
		return fmt.Sprintf("%d due %s", due, text)
	}
	b.tick(b.p, 10, "2026-01-02T12:00:00Z")
	for i, want := range []string{"2 due 0:b day v2 1:c day v2 ", "1 due 2:d day v3 ", "1 due 3:a day v2 ", "0 due "} {
		limit, ordinal := []int64{2, 1, 2, 2}[i], []int64{0, 2, 3, 4}[i]
		if i == 1 {
			b.event(11, "paid", "paid", "d", "2026-01-02T12:00:00Z", `{"cents":1}`)
		}
		if got := step(i == 0, limit, ordinal); got != want {
			t.Errorf("step %d: %q, want %q", i, got, want)
		}
	}
	b.tick(b.p, 12, "2026-01-01T12:00:00Z")
	if got := step(true, 10, 0); got != "0 due " {
		t.Errorf("an earlier tick: %q", got)
	}
	b.tick(b.p, 13, "2026-01-08T00:00:00Z")
	if got := step(true, 10, 0); got != "3 due 0:b week v3 1:c week v3 2:d week v4 " || b.Left(b.p) {
		t.Errorf("a week later: %q", got)
	}
}

// TestOvertaken: a tick that a later one of another partition overtakes
// between its steps leaves the rest to that one.
func TestOvertaken(t *testing.T) {
	b := newBook(t)
	b.event(0, "x", "joined", "x", "2026-01-01T00:00:00Z", `{}`)
	b.event(1, "y", "joined", "y", "2026-01-01T00:00:00Z", `{}`)
	control := recount.Partition{Topic: "control"}
	b.tick(b.p, 5, "2026-01-02T00:00:00Z")
	b.tick(control, 5, "2026-01-03T00:00:00Z")
	for i, tc := range []struct {
		p     recount.Partition
		first bool
		limit int64
		want  int64
	}{{b.p, true, 1, 1}, {control, true, 0, 0}, {b.p, false, 1, 0}, {control, false, 5, 1}} {
		if due, _ := b.Step(tc.p, tc.first, tc.limit, 0); due != tc.want {
			t.Errorf("step %d sees to %d users, want %d", i, due, tc.want)
		}
	}
}

// TestNoEffectIsNoVersion: what changes no counter leaves the version alone.
func TestNoEffectIsNoVersion(t *testing.T) {
	b := newBook(t)
	for i := range 3 {
		b.event(int64(i)*10, fmt.Sprint(i), "joined", "u", "2026-01-01T00:00:00Z", `{}`)
	}
	if v := b.Users()["u"].Version; v != 1 {
		t.Errorf("of three registrations one has an effect, and the version is %d", v)
	}
}

// TestRedriven: a record that was appended again counts where the one for which
// it stands was rejected, and nowhere else, however far behind it is.
func TestRedriven(t *testing.T) {
	b := newBook(t)
	paid := func(offset int64, id, cents string, refused bool, stands ...string) recount.Verdict {
		rec := &recount.Record{Partition: b.p, Offset: offset, Refused: refused,
			Value: fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/s","type":"paid","subject":"u","time":"2026-01-01T00:00:00Z","data":{"cents":%s}}`, id, cents)}
		for _, s := range stands {
			rec.Headers = append(rec.Headers, schemas.Header{Key: schemas.RedrivenHeader, Value: []byte(s)})
		}
		verdict, _, _ := b.Record(rec)
		return verdict
	}
	for i, tc := range []struct{ got, want recount.Verdict }{
		{paid(0, "a", "1", false), recount.Counted},
		{paid(10, "a", "1", false, "activity/0@0"), recount.Duplicate}, // the window reaches 3 offsets
		{paid(20, "b", "500", false), recount.Rejected},
		{paid(30, "b", "5", false, "activity/0@20"), recount.Counted},
		{paid(40, "c", "7", true), recount.Rejected}, // as an older program had it
		{paid(50, "c", "7", false, "activity/0@40"), recount.Counted},
		{paid(60, "c", "7", false, "activity/0@50"), recount.Duplicate},
		{paid(70, "c", "7", false, "activity/1@0"), recount.Counted}, // of another partition
	} {
		if tc.got != tc.want {
			t.Errorf("record %d is %d, want %d", i, tc.got, tc.want)
		}
	}
	if n := b.counter("u", "spent"); n != 1+5+7+7 {
		t.Errorf("%d were spent", n)
	}
}

// TestErase: of who is erased nothing is left and nothing comes back, nothing of
// his is ever due, and the place that he had stays empty.
func TestErase(t *testing.T) {
	b := newBook(t)
	b.HashBy(func(user string) schemas.UserHash { return schemas.HashUser([16]byte{}, user) })
	day := "2026-01-0%dT00:00:00Z"
	b.event(0, "e1", "joined", "u1", fmt.Sprintf(day, 1), `{}`)
	b.event(1, "e2", "paid", "u1", fmt.Sprintf(day, 1), `{"cents":10}`)
	hash, _ := schemas.HashUser([16]byte{}, "u1").MarshalText()
	b.p.Topic = "g.control"
	if verdict := b.event(0, "c1", schemas.EraseType, "", fmt.Sprintf(day, 1), fmt.Sprintf(`{"users":[%q],"by":"anna"}`, hash)); verdict != recount.Erased {
		t.Fatalf("verdict %d", verdict)
	}
	b.p.Topic = "activity"
	if b.Users()["u1"] != nil || b.Due("u1") != 0 {
		t.Errorf("erased: %+v", b.Users()["u1"])
	}
	b.event(2, "e3", "paid", "u1", fmt.Sprintf(day, 1), `{"cents":10}`)
	b.event(3, "e4", "joined", "u1", fmt.Sprintf(day, 1), `{}`)
	b.event(4, "e5", "joined", "u2", fmt.Sprintf(day, 1), `{}`)
	b.event(5, "e6", "joined", "u3", fmt.Sprintf(day, 1), `{}`)
	b.event(6, "e7", "rated", "u1", fmt.Sprintf(day, 1), `{"what":"w","by":"u2","mark":5}`)
	if b.Users()["u1"] != nil {
		t.Errorf("who came back: %+v", b.Users()["u1"])
	}
	_, second := b.Users()["u2"].Held["early"]
	_, third := b.Users()["u3"].Held["early"]
	if !second || third {
		t.Errorf("the second is early: %v, the third: %v", second, third)
	}
	if _, liked := b.Users()["u2"].Held["liked"]; !liked {
		t.Error("what he did for another does not count")
	}
	b.event(7, "t1", schemas.TickType, "", fmt.Sprintf(day, 9), `{}`)
	if due, _ := b.Step(b.p, true, 100, 0); due != 2 {
		t.Errorf("%d users are due", due)
	}
}
