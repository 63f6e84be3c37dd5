package processor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// dense is a catalogue whose thresholds are so low that nearly every event
// moves some badge: every kind of counter, alone and in company.
const dense = `
name: dense
system_accounts: [sys]
dedupe: {window: 40}
events:
  d.joined: {}
  d.verified: {}
  d.liked: {who: id}
  d.unliked: {who: id}
  d.made: {thing: id}
  d.unmade: {thing: id, owner: id}
  d.judged: {thing: id, owner: id, stars: {int: [1, 5]}}
  d.rejudged: {thing: id, owner: id, stars: {int: [1, 5]}}
  d.unjudged: {thing: id, owner: id}
  d.level: {level: {int: [-3, 3]}}
  d.earned: {points: {int: [1, 3]}}
  d.spent: {points: {int: [1, 3]}}
things:
  thing:
    rules:
      - {on: d.made, create: thing}
      - {on: d.unmade, credit: owner, delete: thing}
    members:
      stars:
        rules:
          - {on: d.judged, credit: owner, thing: thing, member: subject, insert: stars, unless: subject is owner}
          - {on: d.rejudged, credit: owner, thing: thing, member: subject, update: stars}
          - {on: d.unjudged, credit: owner, thing: thing, member: subject, unset: true}
counters:
  likes:
    set:
      - {on: d.liked, credit: who, add: subject}
      - {on: d.unliked, credit: who, remove: subject}
  things: {things: thing}
  good: {things: thing, mean: stars, at_least: 3.5, decimals: 1}
  stars: {things: thing, sum: stars}
  votes: {things: thing, count: stars}
  level:
    gauge: [{on: d.level, set: level}]
    order: time
  points:
    total:
      - {on: d.earned, add: points}
      - {on: d.spent, subtract: points}
  early:
    first: [{on: d.verified}]
    places: 3
  days:
    age: [{on: d.joined}]
ratios:
  judged: {of: good, to: things}
badges:
  - {category: A, criterion: LIKES, counter: likes, badges: [
      {slug: likes-1, name: L, description: d, tier: 1, at_least: 1},
      {slug: likes-2, name: L, description: d, tier: 2, at_least: 2},
      {slug: likes-3, name: L, description: d, tier: 3, sticky: true, at_least: 3}]}
  - {category: A, criterion: THINGS, counter: things, badges: [
      {slug: things-1, name: T, description: d, tier: 1, at_least: 1},
      {slug: things-2, name: T, description: d, tier: 2, at_least: 2}]}
  - {category: B, criterion: GOOD, counter: good, badges: [{slug: good, name: G, description: d, tier: 1, at_least: 1}]}
  - {category: B, criterion: STARS, counter: stars, badges: [{slug: stars, name: S, description: d, tier: 1, at_least: 6}]}
  - {category: B, criterion: LEVEL, counter: level, badges: [
      {slug: level-1, name: L, description: d, tier: 1, at_least: 1},
      {slug: level-3, name: L, description: d, tier: 2, at_least: 3}]}
  - {category: B, criterion: POINTS, counter: points, badges: [
      {slug: points-1, name: P, description: d, tier: 1, at_least: 1},
      {slug: points-4, name: P, description: d, tier: 2, at_least: 4}]}
  - category: C
    criterion: SHARE
    badges:
      - {slug: half-good, name: H, description: d, tier: 1, all: [{ratio: judged, percent: 50}]}
      - {slug: all-good, name: H, description: d, tier: 2, all: [{counter: votes, at_least: 2}, {ratio: judged, percent: 100}]}
  - {category: C, criterion: EARLY, counter: early, badges: [{slug: early, name: E, description: d, tier: 1, sticky: true, at_least: 1}]}
  - category: D
    criterion: TIME
    badges:
      - {slug: week, name: W, description: d, tier: 1, all: [{counter: days, at_least: 7}]}
      - {slug: liked-for-long, name: W, description: d, tier: 2, all: [{counter: days, at_least: 3}, {counter: likes, at_least: 2}]}
      - {slug: month, name: W, description: d, tier: 3, sticky: true, all: [{counter: days, at_least: 30}]}
`

// catalogs are those that random streams are made for.
func catalogs(t *testing.T) map[string]*catalog.Catalog {
	t.Helper()
	d, err := catalog.Parse("dense.yaml", []byte(dense))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*catalog.Catalog{"dense": d, "starview": load(t, "starview"), "stride": load(t, "stride")}
}

// stream makes random events of a catalogue: few users and things, so that
// they meet; times that jump; now and then a tick, a duplicate, an unknown
// type, a system account or a broken line.
func stream(cat *catalog.Catalog, seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 4))
	var types []string
	for i := range cat.Events {
		if !cat.Events[i].Tick {
			types = append(types, cat.Events[i].Shape.Type)
		}
	}
	slices.Sort(types)
	users := []string{"a", "b", "c", "d", "e", "ü", "f g"}
	for system := range cat.System {
		users = append(users, system)
	}
	var out bytes.Buffer
	now := int64(1_767_225_600_000_000)
	for i := range n {
		// Times are whole quarters of a day, so that they meet each other and
		// the instants at which somebody is due.
		const quarter = 6 * 3600 * 1_000_000
		now += rng.Int64N(2) * quarter
		id, at := fmt.Sprint("e", i), now-rng.Int64N(2)*rng.Int64N(160)*quarter
		if rng.IntN(20) == 0 {
			id = fmt.Sprint("e", max(0, i-rng.IntN(80)))
		}
		ev := map[string]any{"specversion": "1.0", "id": id, "source": "/r", "time": schemas.FormatTime(at), "data": map[string]any{}}
		switch roll := rng.IntN(100); {
		case roll == 0:
			out.WriteString("{\n")
			continue
		case roll == 1:
			ev["type"] = "nobody.knows"
		case roll < 6:
			ev["type"] = schemas.TickType
		default:
			et := &cat.Events[cat.Types[types[rng.IntN(len(types))]]]
			ev["type"], ev["subject"] = et.Shape.Type, users[rng.IntN(len(users))]
			ev["data"] = data(rng, &et.Shape, users)
		}
		line, _ := json.Marshal(ev) // maps of strings and numbers
		out.Write(append(line, '\n'))
	}
	return out.Bytes()
}

// data fills in an event's fields. An id is a user's or a thing's alike: who
// is credited by it, is credited.
func data(rng *rand.Rand, shape *schemas.Shape, users []string) map[string]any {
	fields := map[string]any{}
	for i := range shape.Fields {
		f := &shape.Fields[i]
		switch f.Kind {
		case schemas.FieldID:
			fields[f.Name] = users[rng.IntN(len(users))]
		case schemas.FieldInt:
			fields[f.Name] = f.Min + rng.Int64N(f.Max-f.Min+1)
		case schemas.FieldEnum:
			fields[f.Name] = f.Values[rng.IntN(len(f.Values))]
		case schemas.FieldSet:
			fields[f.Name] = f.Values[:rng.IntN(len(f.Values)+1)]
		}
	}
	return fields
}

// TestBatchesDoNotShow folds random streams in batches of all sizes.
func TestBatchesDoNotShow(t *testing.T) {
	for name, cat := range catalogs(t) {
		for seed := range uint64(6) {
			t.Run(fmt.Sprint(name, "/", seed), func(t *testing.T) {
				t.Parallel()
				events := stream(cat, seed, 1500)
				want := simulate(t, cat, events, 1)
				if bytes.Count(want.awards, []byte("\n")) < 30 || !bytes.Contains(want.awards, []byte("revoked")) || len(want.rejects) == 0 {
					t.Fatalf("%d badge events and %d rejects prove nothing", bytes.Count(want.awards, []byte("\n")), len(want.rejects))
				}
				for _, size := range []int{2, 3, 5, 17, 100, 700, 100_000} {
					expectSame(t, fmt.Sprint("batches of ", size), want, simulate(t, cat, events, size))
				}
			})
		}
	}
}
