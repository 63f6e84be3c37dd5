package deadletters_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/deadletters"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/internal/operatortest"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// strict takes gifts of up to five coins; what is wrong with it is mended by
// mend. Coins are a total, which counts each event.
const strict = `
name: coins
events:
  c.given: {coins: {int: [1, 5]}}
counters:
  coins:
    total: [{on: c.given, add: coins}]
badges:
  - category: COINS
    criterion: COINS
    counter: coins
    badges:
      - {slug: rich, name: Rich, description: Has 30 coins., tier: 1, at_least: 30}
`

var day = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

func given(id, user string, coins int) *kgo.Record {
	r := operatortest.Event(id, "c.given", user, day, fmt.Sprintf(`{"coins":%d}`, coins))
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: "trace", Value: []byte(id)})
	r.Timestamp = day.Add(time.Duration(coins) * time.Second)
	return r
}

// gifts of 9 coins are sent to two users in turn.
const gifts = 20

// founded is a group that has rejected the gifts, and a record that is no JSON.
func founded(t *testing.T, stack *stacktest.Stack) *operatortest.Group {
	t.Helper()
	file := filepath.Join(t.TempDir(), "coins.yaml")
	if err := os.WriteFile(file, []byte(strict), 0o600); err != nil {
		t.Fatal(err)
	}
	g := operatortest.Found(t, stack, file, 2)
	g.Produce(given("a0", "ada", 2))
	for i := range gifts {
		g.Produce(given(fmt.Sprintf("g%d", i), []string{"ada", "bob"}[i%2], 9))
	}
	g.Produce(&kgo.Record{Key: []byte("ada"), Value: []byte(`{"type":"c.given","id":"x","data":`), Headers: grouptest.Structured(), Timestamp: day})
	g.Drain()
	return g
}

// mend lets gifts be larger, as an operator who has mended the catalogue by a
// rebuild: the engine that is started next folds by it.
func mend(t *testing.T, g *operatortest.Group) {
	t.Helper()
	text := strings.Replace(strict, "[1, 5]", "[1, 20]", 1)
	cat, err := catalog.Parse("coins.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	g.SQL(`UPDATE `+g.Base()+`.catalog SET text = $1, rules_hash = $2`, text, cat.RulesHash)
	g.Catalog = cat
}

func letters(t *testing.T, g *operatortest.Group, f deadletters.Filter) []projections.Letter {
	t.Helper()
	var list []projections.Letter
	err := deadletters.Each(t.Context(), g.Store, f, projections.Place{}, func(l *projections.Letter) (bool, error) {
		list = append(list, *l)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func places(list []projections.Letter) []projections.Place {
	out := make([]projections.Place, len(list))
	for i := range list {
		out[i] = list[i].Place()
	}
	return out
}

func states(list []projections.Letter) map[projections.LetterState]int {
	n := map[projections.LetterState]int{}
	for i := range list {
		n[list[i].State]++
	}
	return n
}

// log reads all records of the activity topic.
func log(t *testing.T, g *operatortest.Group) []*kgo.Record {
	t.Helper()
	r, err := logreader.Open(t.Context(), g.Brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	bounds, err := r.Settled(t.Context(), g.ActivityTopic)
	if err != nil {
		t.Fatal(err)
	}
	var list []*kgo.Record
	if err := r.Read(t.Context(), bounds, func(rec *kgo.Record) error {
		kept := *rec
		list = append(list, &kept)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// copies counts, for each letter, the records of the log that say they are it,
// and wants them to be what was rejected.
func copies(t *testing.T, g *operatortest.Group, list []projections.Letter) map[string]int {
	t.Helper()
	byPlace := map[string]*projections.Letter{}
	for i := range list {
		byPlace[deadletters.FormatPlace(list[i].Place())] = &list[i]
	}
	n := map[string]int{}
	for _, rec := range log(t, g) {
		for _, h := range rec.Headers {
			if h.Key != schemas.RedrivenHeader {
				continue
			}
			n[string(h.Value)]++
			l := byPlace[string(h.Value)]
			if l == nil || rec.Partition != l.Partition || !bytes.Equal(rec.Key, l.Key) || !bytes.Equal(rec.Value, l.Value) || rec.Timestamp.UnixMilli() != l.Timestamp ||
				len(rec.Headers) != len(l.Headers)+2 || !slices.ContainsFunc(rec.Headers, func(h kgo.RecordHeader) bool { return h.Key == schemas.RedrivenByHeader }) {
				t.Errorf("%s is appended as %+v", h.Value, rec)
			}
		}
	}
	return n
}

func TestRealRedrive(t *testing.T) { t.Parallel(); testRedrive(t, stacktest.Real(t)) }
func TestRedrive(t *testing.T)     { t.Parallel(); testRedrive(t, stacktest.Embedded(t)) }

// testRedrive lists, discards and redrives, and wants each gift to count once
// at last.
func testRedrive(t *testing.T, stack *stacktest.Stack) {
	g := founded(t, stack)
	ctx := t.Context()
	all := letters(t, g, deadletters.Filter{})
	if len(all) != gifts+1 || states(all)[projections.LetterOpen] != gifts+1 {
		t.Fatalf("the letters are %+v", all)
	}
	for what, want := range map[*deadletters.Filter]int{
		{Type: "c.given"}: gifts + 1, {Type: "c.taken"}: 0,
		{LetterFilter: projections.LetterFilter{Reason: schemas.ReasonData}}:                                   gifts,
		{LetterFilter: projections.LetterFilter{Reason: schemas.ReasonMalformed}, Type: "c.given"}:             1,
		{LetterFilter: projections.LetterFilter{Since: day.UnixMilli() + 1}}:                                   gifts,
		{LetterFilter: projections.LetterFilter{Until: day.UnixMilli() + 1}}:                                   1,
		{LetterFilter: projections.LetterFilter{Since: day.UnixMilli() + 9000, Until: day.UnixMilli() + 9001}}: gifts,
		{LetterFilter: projections.LetterFilter{State: projections.LetterDiscarded}}:                           0,
		{LetterFilter: projections.LetterFilter{Places: places(all[:3])}}:                                      3,
		{LetterFilter: projections.LetterFilter{Places: places(all[:3]), Reason: schemas.ReasonContentType}}:   0,
	} {
		if got := letters(t, g, *what); len(got) != want {
			t.Errorf("%+v finds %d letters, want %d", *what, len(got), want)
		}
	}
	// While the catalogue is as it was, nothing is appended.
	result, err := deadletters.Redrive(ctx, g.Store, g.Brokers, "ops", places(all))
	if err != nil || result.Redriven != 0 || result.Rejected != gifts+1 {
		t.Fatalf("before it is mended: %+v, %v", result, err)
	}

	mend(t, g)
	gone := all[0]
	if n, err := g.Store.Discard(ctx, []projections.Place{gone.Place()}, "ops", "a test"); n != 1 || err != nil {
		t.Fatalf("%d discarded, %v", n, err)
	}
	if n, err := g.Store.Discard(ctx, []projections.Place{gone.Place()}, "somebody else", "again"); n != 0 || err != nil {
		t.Errorf("%d discarded twice, %v", n, err)
	}
	open := letters(t, g, deadletters.Filter{LetterFilter: projections.LetterFilter{State: projections.LetterOpen}})
	result, err = deadletters.Redrive(ctx, g.Store, g.Brokers, "ops", places(open))
	if err != nil || result.Redriven+result.Rejected != len(open) || result.Rejected > 1 {
		t.Fatalf("redriven: %+v, %v", result, err)
	}
	sum := result.Redriven
	if waiting := states(letters(t, g, deadletters.Filter{})); waiting[projections.LetterWaiting] != sum || waiting[projections.LetterDiscarded] != 1 {
		t.Errorf("before they are folded: %v", waiting)
	}
	g.Drain()
	// A second time, and with a Postgres that has forgotten the first.
	for range 2 {
		if result, err = deadletters.Redrive(ctx, g.Store, g.Brokers, "ops", places(open)); err != nil || result.Redriven != 0 || result.Before != sum {
			t.Errorf("redriven again: %+v, %v", result, err)
		}
		g.SQL(`DELETE FROM ` + g.Base() + `.dead_letter WHERE state = 'redriven'`)
		g.SQL(`DELETE FROM ` + g.Base() + `.redrive_mark`)
	}
	// The discarded one, by name: the log is looked through first once more.
	if result, err = deadletters.Redrive(ctx, g.Store, g.Brokers, "ops", []projections.Place{gone.Place()}); err != nil || result.Found != sum {
		t.Errorf("the discarded one: %+v, %v", result, err)
	}
	sum += result.Redriven
	g.Drain()
	after := letters(t, g, deadletters.Filter{})
	if got := states(after); sum != gifts || got[projections.LetterRedriven] != gifts || got[projections.LetterOpen] != 1 && got[projections.LetterDiscarded] != 1 {
		t.Errorf("at last: %v", got)
	}
	for place, n := range copies(t, g, after) {
		if n != 1 {
			t.Errorf("%s stands in the log %d times again", place, n)
		}
	}
	for user, want := range map[string]int64{"ada": 2 + gifts/2*9, "bob": gifts / 2 * 9} {
		if got := operatortest.One[int64](g, `SELECT coins FROM `+g.Gen()+`.users WHERE id = $1`, user); got != want {
			t.Errorf("%s has %d coins, want %d", user, got, want)
		}
	}
}

func TestRealRejectedAgain(t *testing.T) { t.Parallel(); testRejectedAgain(t, stacktest.Real(t)) }
func TestRejectedAgain(t *testing.T)     { t.Parallel(); testRejectedAgain(t, stacktest.Embedded(t)) }

// testRejectedAgain has an engine that was not mended reject what was redriven:
// it is another letter then, which can be redriven in its turn. And it wants
// nobody to pass off a record as a letter that it is not.
func testRejectedAgain(t *testing.T, stack *stacktest.Stack) {
	g := founded(t, stack)
	old := g.Catalog
	data := deadletters.Filter{LetterFilter: projections.LetterFilter{Reason: schemas.ReasonData}}
	first := letters(t, g, data)
	forged := given("forged", string(first[0].Key), 3)
	forged.Headers = append(forged.Headers, kgo.RecordHeader{Key: schemas.RedrivenHeader, Value: []byte(deadletters.FormatPlace(first[0].Place()))})
	g.Produce(forged)
	mended := func() { mend(t, g) }
	mended()
	if result, err := deadletters.Redrive(t.Context(), g.Store, g.Brokers, "ops", places(first)); err != nil || result.Redriven != gifts {
		t.Fatalf("%+v, %v", result, err)
	}
	g.SQL(`UPDATE `+g.Base()+`.catalog SET text = $1, rules_hash = $2`, string(old.Text), old.RulesHash)
	g.Catalog = old
	g.Drain()
	again := letters(t, g, data)
	if got := states(again); len(again) != 2*gifts || got[projections.LetterRejected] != gifts || got[projections.LetterOpen] != gifts {
		t.Fatalf("an engine that was not mended leaves %v", got)
	}
	mended()
	var fresh []projections.Letter
	for _, l := range again {
		if l.State == projections.LetterOpen {
			fresh = append(fresh, l)
		}
	}
	if result, err := deadletters.Redrive(t.Context(), g.Store, g.Brokers, "ops", places(again)); err != nil || result.Redriven != gifts || result.Before != gifts {
		t.Fatalf("%+v, %v", result, err)
	}
	g.Drain()
	for _, rec := range log(t, g) {
		n := 0
		for _, h := range rec.Headers {
			if h.Key == schemas.RedrivenHeader {
				n++
			}
		}
		if n > 1 {
			t.Errorf("a record says %d times which letter it is", n)
		}
	}
	if got := states(letters(t, g, data)); got[projections.LetterRedriven] != gifts || len(fresh) != gifts {
		t.Errorf("at last: %v", got)
	}
}
