package oracle_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/schemas"
)

// event makes a record of an event.
func event(id int, kind, subject string, at time.Time, data string) *kgo.Record {
	text := fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/s","type":%q,"subject":%q,"time":%q,"data":%s}`, id, kind, subject, at.UTC().Format(time.RFC3339Nano), data)
	return &kgo.Record{Key: []byte(subject), Value: []byte(text), Headers: grouptest.Structured()}
}

// tick makes a record that says what time it is.
func tick(topic string, at time.Time) *kgo.Record {
	text := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/ticks","type":"badgestream.tick","time":%q,"data":{}}`, at.String(), at.UTC().Format(time.RFC3339Nano))
	return &kgo.Record{Topic: topic, Value: []byte(text), Headers: grouptest.Structured()}
}

// anything makes events of every type of a catalogue, with ids from a small
// pool that is the users' too, so that everybody credits everybody. Their times
// go to and fro.
func anything(cat *catalog.Catalog, seed uint64, n int) []*kgo.Record {
	rng := rand.New(rand.NewPCG(seed, 2))
	pool := func() string { return string(rune('a' + rng.IntN(20))) }
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	for i := 0; i < n; {
		shape := &cat.Events[rng.IntN(len(cat.Events))].Shape
		if shape.NoSubject {
			continue
		}
		data := ""
		for _, f := range shape.Fields {
			if f.Optional && rng.IntN(2) == 0 {
				continue
			}
			value := fmt.Sprintf("%q", pool())
			switch f.Kind {
			case schemas.FieldInt:
				value = fmt.Sprint(f.Min + rng.Int64N(f.Max-f.Min+1))
			case schemas.FieldEnum:
				value = fmt.Sprintf("%q", f.Values[rng.IntN(len(f.Values))])
			case schemas.FieldSet:
				value = fmt.Sprintf("[%q]", f.Values[rng.IntN(len(f.Values))])
			}
			data += fmt.Sprintf(",%q:%s", f.Name, value)
		}
		if data != "" {
			data = data[1:]
		}
		id := i
		if rng.IntN(50) == 0 {
			id = max(0, i-rng.IntN(30)) // perhaps a duplicate
		}
		at := start.Add(time.Duration(i+rng.IntN(40)) * time.Hour)
		records = append(records, event(id, shape.Type, pool(), at, "{"+data+"}"))
		i++
	}
	return records
}

func TestRealEveryKindOfCounter(t *testing.T) {
	t.Parallel()
	testEveryKindOfCounter(t, stacktest.Real(t))
}
func TestEveryKindOfCounter(t *testing.T) {
	t.Parallel()
	testEveryKindOfCounter(t, stacktest.Embedded(t))
}

// testEveryKindOfCounter folds random events of the second catalogue, which
// has every kind of counter, with ticks in between, some of them late.
func testEveryKindOfCounter(t *testing.T, stack *stacktest.Stack) {
	g := found(t, stack, grouptest.Catalog(t, "stride"), 3)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	g.Config.Batch = 37
	stop := g.Engine(ctx, 2, 23)
	records := anything(g.Catalog, 5, 4_000)
	for i := 0; i < len(records); i += 200 {
		g.Produce(records[i : i+200]...)
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
		g.Produce(tick(g.Config.Group+".control", now), tick(g.Config.Group+".control", now.Add(-time.Hour)), tick(g.Config.ActivityTopic, now.Add(time.Hour)))
	}
	g.Drain()
	stop()
	for _, passes := range []int{1, 4} {
		cfg := g.AuditConfig()
		cfg.Passes = passes
		r := g.Audit(cfg)
		if r.Err() != nil {
			t.Errorf("in %d passes:\n%s", passes, r)
		}
		for _, name := range []string{oracle.TicksWhole, oracle.HistoryRefolded, oracle.MembersRecounted, oracle.ThingsRecounted} {
			if looked(r, name) < 20 {
				t.Errorf("%s looked at %d things", name, looked(r, name))
			}
		}
	}
}

const tenure = `
name: tenure
events:
  joined: {}
  posted: {post: id}
counters:
  member_days: {age: [{on: joined}]}
  posts: {set: [{on: posted, add: post}]}
badges:
  - category: TIME
    criterion: MEMBERSHIP
    badges:
      - {slug: month, name: Month, description: A month., tier: 1, counter: member_days, at_least: 30}
      - {slug: veteran, name: Veteran, description: A year., tier: 2, counter: member_days, at_least: 365}
  - category: TIME
    criterion: AUTHOR
    badges:
      - slug: author
        name: Author
        description: A month and a post.
        all: [{counter: member_days, at_least: 30}, {counter: posts, at_least: 1}]
`

func TestRealStepsOfATick(t *testing.T) { t.Parallel(); testStepsOfATick(t, stacktest.Real(t)) }
func TestStepsOfATick(t *testing.T)     { t.Parallel(); testStepsOfATick(t, stacktest.Embedded(t)) }

// testStepsOfATick makes more users due than one step of a tick takes, while
// they go on acting, and audits in passes too: who is in which step depends on
// everybody.
func testStepsOfATick(t *testing.T, stack *stacktest.Stack) {
	cat, err := catalog.Parse("tenure", []byte(tenure))
	if err != nil {
		t.Fatal(err)
	}
	g := found(t, stack, cat, 2)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	const members = 4_500
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) // a tick may not be ahead of its record
	var joins, posts []*kgo.Record
	for i := range members {
		user := fmt.Sprint("m", i)
		joins = append(joins, event(i, "joined", user, start.Add(time.Duration(i%7)*time.Minute), "{}"))
		posts = append(posts, event(members+i, "posted", user, start.Add(40*24*time.Hour), fmt.Sprintf(`{"post":"p%d"}`, i)))
	}
	g.Produce(joins...)
	g.Drain()
	g.Config.Batch = 100
	stop := g.Engine(ctx, 2, 100)
	g.Produce(append([]*kgo.Record{tick(g.Config.Group+".control", start.Add(35*24*time.Hour))}, posts...)...)
	g.Produce(tick(g.Config.Group+".control", start.Add(400*24*time.Hour)))
	g.Drain()
	stop()
	for _, passes := range []int{1, 3} {
		cfg := g.AuditConfig()
		cfg.Passes = passes
		r := g.Audit(cfg)
		if r.Err() != nil || r.Changes != 3*members {
			t.Errorf("in %d passes, with %d changes where there should be %d:\n%s", passes, r.Changes, 3*members, r)
		}
		if n := looked(r, oracle.TicksWhole); n < 6 {
			t.Errorf("there were %d steps of ticks, and should be 6 or more", n)
		}
	}
	g.tamper(g.Config.Postgres, fmt.Sprintf(`UPDATE %s.ledger SET due = due - 1 WHERE due > 1000`, g.base()))
	cfg := g.AuditConfig()
	cfg.Settle = 2 * time.Second
	g.wants(cfg, "a step that sees to one user less", oracle.TicksWhole)
}
