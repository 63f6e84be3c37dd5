package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
	"github.com/jackc/pgx/v5"
)

// TestTickFindsEverybody checks rule 6 from both sides: a tick waits for folds
// that read the clock before, and a fold that comes after it sees the clock.
func TestTickFindsEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "rule6", load(t, "stride"), 3)
	w.gate()
	join := func(user string) act { return act{"stride.runner.joined", user, `{}`, noon} }
	release := w.stop()
	first := w.start("first", 0, 0, join("u1"))
	w.blocks("", "first")
	tick := w.tick("tick", 1, 0, noon+31*day, 10)
	w.blocks("first", "tick")
	release()
	first.wait()
	if h := tick.wait().History; len(h) != 1 || h[0].User != "u1" || h[0].Badge != "one-month" || h[0].EventID != "tick" {
		t.Fatalf("the tick gave %+v", h)
	}
	release = w.stop()
	later := w.tick("tick", 1, 1, noon+400*day, 10)
	w.blocks("", "tick")
	second := w.start("second", 0, 1, join("u2"))
	w.blocks("tick", "second")
	release()
	if h := later.wait().History; len(h) != 1 || h[0].User != "u1" || h[0].Badge != "one-year" {
		t.Fatalf("the second tick gave %+v", h)
	}
	if h := second.wait().History; len(h) != 2 || h[0].User != "u2" || h[1].Badge != "one-year" {
		t.Fatalf("a fold after the tick gave %+v", h)
	}
}

// TestTicksTakeTurns checks that two ticks do not see to the same user twice,
// and that one which was overtaken leaves everybody to the other.
func TestTicksTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "ticks", load(t, "stride"), 3)
	w.gate()
	var acts []act
	for i := range 10 {
		acts = append(acts, act{"stride.runner.joined", fmt.Sprintf("u%d", i), `{}`, noon + int64(i)})
	}
	w.start("setup", 0, 0, acts...).wait()
	release := w.stop()
	a := w.tick("a", 1, 0, noon+31*day, 4)
	w.blocks("", "a")
	b := w.tick("b", 2, 0, noon+32*day, 3)
	w.blocks("a", "b")
	release()
	given := append(a.wait().History, b.wait().History...)
	if len(given) != 10 {
		t.Errorf("%d awards of 10", len(given))
	}
	same(t, "versions", strings.Repeat("2\n", 10), w.text(`SELECT version FROM GEN.users ORDER BY id`))
	// A late tick changes nothing, and the clock stays.
	if out := w.tick("late", 1, 1, noon, 3).wait(); len(out.History) != 0 || out.Ledger[0].Due != 0 {
		t.Errorf("a late tick did %+v", out)
	}
	if at, err := w.Users(w.in, w.cat).Clock(t.Context()); err != nil || at != noon+32*day {
		t.Errorf("the clock stands at %d: %v", at, err)
	}
}

// TestStepsTakeTurns has two ticks of the same time at their second steps at
// once: each user is seen to by one of them.
func TestStepsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "turns", load(t, "stride"), 3)
	w.gate()
	var acts []act
	for i := range 12 {
		acts = append(acts, act{"stride.runner.joined", fmt.Sprintf("u%02d", i), `{}`, noon + int64(i)})
	}
	w.start("setup", 0, 0, acts...).wait()
	at := map[int32]Position{}
	given := 0
	step := func(name string, partition int32) *folding {
		f := w.NewFolder(w.in, w.cat, name)
		t.Cleanup(func() { _ = f.Close(context.Background()) })
		running := &folding{t: t, done: make(chan struct{})}
		from := at[partition]
		go func() {
			defer close(running.done)
			src := processor.Source{Topic: "activity", Partition: partition, ID: name, Origin: "/test", Time: noon + 31*day}
			running.out, _, running.to, running.err = f.FoldTick(t.Context(), &TickWork{Batch: processor.New(w.cat), Source: src, From: from, Limit: 3, Reason: schemas.ReasonActivity})
		}()
		return running
	}
	finish := func(f *folding, partition int32) {
		t.Helper()
		given += len(f.wait().History)
		at[partition] = f.to
	}
	for p := int32(1); p < 3; p++ {
		finish(step("first", p), p)
	}
	release := w.stop()
	a := step("a", 1)
	w.blocks("", "a")
	b := step("b", 2)
	w.blocks("a", "b")
	release()
	finish(a, 1)
	finish(b, 2)
	if given != 12 || at[1] != (Position{0, 2, 6}) || at[2] != (Position{0, 2, 6}) {
		t.Errorf("%d awards; the ticks stand at %v", given, at)
	}
	same(t, "versions", "2 12\n", w.text(`SELECT version, count(*) FROM GEN.users GROUP BY version`))
}

// TestNobodyOvertakesATick has a fold come while a tick waits for another one:
// it waits behind the tick. Workers that fold without a pause would otherwise
// keep a tick waiting for ever.
func TestNobodyOvertakesATick(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "fair", load(t, "stride"), 3)
	w.gate()
	join := func(user string) act { return act{"stride.runner.joined", user, `{}`, noon} }
	release := w.stop()
	first := w.start("first", 0, 0, join("u1"))
	w.blocks("", "first")
	tick := w.tick("tick", 1, 0, noon+31*day, 10)
	w.blocks("first", "tick")
	second := w.start("second", 2, 0, join("u2"))
	w.blocks("tick", "second")
	release()
	first.wait()
	if h := tick.wait().History; len(h) != 1 || h[0].User != "u1" {
		t.Errorf("the tick gave %+v", h)
	}
	if h := second.wait().History; len(h) != 1 || h[0].User != "u2" {
		t.Errorf("the fold after it gave %+v", h)
	}
}

// TestStepKeepsNewDates has an age begin while a later step of a tick is about
// to write the dates of those whom it found: the new date is not lost.
func TestStepKeepsNewDates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "dates", parse(t, twoAges(t)), 3)
	join := func(user string) act { return act{"stride.runner.joined", user, `{}`, noon} }
	w.start("setup", 0, 0, join("u1"), join("u2"), join("u3")).wait()
	src := processor.Source{Topic: "activity", Partition: 1, ID: "tick", Origin: "/test", Time: noon + 366*day}
	step := func(from Position, limit int) (*Outcome, Position, error) {
		f := w.NewFolder(w.in, w.cat, "tick")
		defer func() { _ = f.Close(context.Background()) }()
		out, _, to, err := f.FoldTick(t.Context(), &TickWork{Batch: processor.New(w.cat), Source: src, From: from, Limit: limit, Reason: schemas.ReasonActivity})
		return out, to, err
	}
	_, at, err := step(Position{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := pgx.Connect(t.Context(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeQuietly(holder) })
	if _, err := holder.Exec(t.Context(), w.sql(`BEGIN; SELECT FROM GEN.users WHERE id = 'u2' FOR UPDATE`)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := step(at, 10)
		done <- err
	}()
	w.blocks("", "tick")
	upgraded := w.start("upgraded", 0, 3, act{"stride.runner.upgraded", "u3", `{}`, noon + 360*day})
	w.blocks("tick", "upgraded")
	if _, err := holder.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	upgraded.wait()
	same(t, "next", "370\n", w.text(`SELECT ((extract(epoch FROM due_at) * 1000000 - $1) / $2)::int FROM GEN.users WHERE id = 'u3'`, noon, day))
}

// twoAges is stride with a second age.
func twoAges(t *testing.T) string {
	t.Helper()
	return strings.Replace(string(load(t, "stride").Text), "\nratios:\n", "\n  supporter_days:\n    age:\n      - {on: stride.runner.upgraded}\n\nratios:\n", 1) + `
  - category: LOYALTY
    criterion: SUPPORT
    counter: supporter_days
    badges:
      - {slug: supporter, name: Supporter, description: A supporter for 10 days., tier: 1, at_least: 10}
`
}

// TestNearestDateStays has two ages begin in either order: the user is due at
// the first date, and after it at the next.
func TestNearestDateStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "nearest", parse(t, twoAges(t)), 2)
	for offset, a := range []act{
		{"stride.runner.joined", "u1", `{}`, noon}, {"stride.runner.upgraded", "u1", `{}`, noon + day},
		{"stride.runner.upgraded", "u2", `{}`, noon + day}, {"stride.runner.joined", "u2", `{}`, noon},
	} {
		w.start("setup", 0, int64(offset), a).wait()
	}
	var got strings.Builder
	for offset, days := range []int64{5, 12, 20, 31, 40} {
		for _, h := range w.tick("tick", 1, int64(offset), noon+days*day, 10).wait().History {
			fmt.Fprintln(&got, days, h.User, h.Badge, h.Counters[0].Value)
		}
	}
	same(t, "awards", "12 u1 supporter 11\n12 u2 supporter 11\n31 u1 one-month 31\n31 u2 one-month 31\n", got.String())
	same(t, "next", "365\n365\n", w.text(`SELECT ((extract(epoch FROM due_at) * 1000000 - $1) / $2)::int FROM GEN.users`, noon, day))
}

// TestTickSteps checks that a tick's steps are bounded, and number their
// changes on.
func TestTickSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "steps", load(t, "stride"), 2)
	var acts []act
	for i := range 10 {
		acts = append(acts, act{"stride.runner.joined", fmt.Sprintf("u%d", 9-i), `{}`, noon + int64(i)})
	}
	w.start("setup", 0, 0, acts...).wait()
	out := w.tick("tick", 1, 0, noon+366*day, 4).wait()
	var got strings.Builder
	for _, l := range out.Ledger {
		fmt.Fprintln(&got, l.From, l.To, l.Due)
	}
	same(t, "steps", "{0 0 0} {0 1 8} 4\n{0 1 8} {0 2 16} 4\n{0 2 16} {1 0 0} 2\n", got.String())
	for i, h := range out.History {
		if h.Ordinal != int64(i) {
			t.Errorf("change %d has ordinal %d", i, h.Ordinal)
		}
	}
	if len(out.History) != 20 || out.History[0].User != "u6" || out.History[19].User != "u1" {
		t.Errorf("%d changes, from %q to %q", len(out.History), out.History[0].User, out.History[19].User)
	}
}

// TestStaleStepChangesNothing comes to a tick at a step that is done, at one that
// is not there yet, and as if it had not begun: the offset is the same in all
// three.
func TestStaleStepChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "stalestep", load(t, "stride"), 2)
	var acts []act
	for i := range 10 {
		acts = append(acts, act{"stride.runner.joined", fmt.Sprintf("u%d", i), `{}`, noon})
	}
	w.start("setup", 0, 0, acts...).wait()
	f := w.folder()
	step := func(from Position) (Position, error) {
		src := processor.Source{Topic: "activity", Partition: 1, ID: "tick", Time: noon + 31*day}
		_, _, to, err := f.FoldTick(t.Context(), &TickWork{Batch: processor.New(w.cat), Source: src, From: from, Limit: 2, Reason: schemas.ReasonActivity})
		return to, err
	}
	at := Position{}
	for range 2 {
		var err error
		if at, err = step(at); err != nil {
			t.Fatal(err)
		}
	}
	before := w.state()
	for _, from := range []Position{{}, {Step: 1, Ordinal: 2}, {Step: 3, Ordinal: 6}} {
		if _, err := step(from); !errors.Is(err, ErrStale) {
			t.Errorf("step %d: %v", from.Step, err)
		}
		work := w.works(1, 0, points)
		work.Ranges[0].From = from
		if _, err := f.Fold(t.Context(), work); !errors.Is(err, ErrStale) {
			t.Errorf("a batch in the place of step %d: %v", from.Step, err)
		}
	}
	same(t, "after stale steps", before, w.state())
	if _, err := step(at); err != nil {
		t.Errorf("the next step: %v", err)
	}
}
