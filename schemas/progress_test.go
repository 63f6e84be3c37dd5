package schemas

import (
	"encoding/json"
	"reflect"
	"testing"
)

const day = 24 * 3600 * 1_000_000

func badge(slug, criterion string, conditions ...Threshold) BadgeView {
	return BadgeView{Slug: slug, Name: slug, Category: "C", Criterion: criterion, Tier: 1, Thresholds: conditions}
}

// view has a ladder of visits, one of ages with a badge of two ages, and one
// that mixes a counter with ages.
func view() *CatalogView {
	return &CatalogView{
		Name: "sample", Version: 2, Counters: []string{"visits", "tenure", "streak", "likes"}, Ages: []string{"tenure", "streak"},
		Badges: []BadgeView{
			badge("v1", "VISITS", Threshold{Label: "visits", AtLeast: 1}), badge("v5", "VISITS", Threshold{Label: "visits", AtLeast: 5}), badge("v10", "VISITS", Threshold{Label: "visits", AtLeast: 10}),
			badge("t30", "TENURE", Threshold{Label: "tenure", AtLeast: 30}), badge("t90", "TENURE", Threshold{Label: "tenure", AtLeast: 90}),
			badge("both", "BOTH", Threshold{Label: "tenure", AtLeast: 100}, Threshold{Label: "streak", AtLeast: 50}),
			badge("old", "MIXED", Threshold{Label: "tenure", AtLeast: 60}), badge("liked", "MIXED", Threshold{Label: "likes", AtLeast: 10}),
			badge("likedold", "PAIR", Threshold{Label: "tenure", AtLeast: 60}, Threshold{Label: "likes", AtLeast: 10}),
			badge("ratio", "RATIO", Threshold{Label: "likes", AtLeast: 3}, Threshold{Label: "helpful", AtLeast: 66.67}),
		},
		Groups: []GroupView{
			{"C", "VISITS", []string{"v1", "v5", "v10"}}, {"C", "TENURE", []string{"t30", "t90"}}, {"C", "BOTH", []string{"both"}},
			{"C", "MIXED", []string{"old", "liked"}}, {"C", "PAIR", []string{"likedold"}}, {"C", "RATIO", []string{"ratio"}},
		},
	}
}

func TestProgress(t *testing.T) {
	const now = 1_800_000_000_000_000
	liked := InProgress{"liked", 4, 10, 40}
	all := []string{"v1", "v5", "v10", "t30", "t90", "both", "old", "liked", "likedold", "ratio"}
	kept := NewCompleter(view())
	for name, c := range map[string]struct {
		snapshot Snapshot
		want     Progress
	}{
		"nobody": {
			Snapshot{User: "u"},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 0}, {"streak", 0}, {"likes", 0}}, []Earned{}, []InProgress{}, all},
		},
		"counters alone": {
			Snapshot{User: "u", Counters: Numbers{{"likes", 4}, {"visits", 2}, {"gone", 7}}, Earned: []Earned{{"v1", 5}}, InProgress: []InProgress{liked, {"v5", 2, 5, 40}}},
			Progress{"u", Numbers{{"visits", 2}, {"tenure", 0}, {"streak", 0}, {"likes", 4}}, []Earned{{"v1", 5}},
				[]InProgress{{"v5", 2, 5, 40}, liked}, []string{"v10", "t30", "t90", "both", "old", "likedold", "ratio"}},
		},
		"a day less a microsecond": {
			Snapshot{User: "u", Since: Instants{{"tenure", now - day + 1}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 0}, {"streak", 0}, {"likes", 0}}, []Earned{}, []InProgress{}, all},
		},
		"a day": { // both: the streak has not begun, so its least advanced condition is 0
			Snapshot{User: "u", Since: Instants{{"tenure", now - day}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 1}, {"streak", 0}, {"likes", 0}}, []Earned{},
				[]InProgress{{"t30", 1, 30, 3}, {"old", 1, 60, 1}}, []string{"v1", "v5", "v10", "t90", "both", "liked", "likedold", "ratio"}},
		},
		"before it began": {
			Snapshot{User: "u", Since: Instants{{"tenure", now + 5*day}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 0}, {"streak", 0}, {"likes", 0}}, []Earned{}, []InProgress{}, all},
		},
		"least advanced, first on a tie": { // 40/100 and 20/50
			Snapshot{User: "u", Since: Instants{{"tenure", now - 40*day}, {"streak", now - 20*day}}, Earned: []Earned{{"t30", 1}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 40}, {"streak", 20}, {"likes", 0}}, []Earned{{"t30", 1}},
				[]InProgress{{"t90", 40, 90, 44}, {"both", 40, 100, 40}, {"old", 40, 60, 66}}, []string{"v1", "v5", "v10", "liked", "likedold", "ratio"}},
		},
		"least advanced, the second": {
			Snapshot{User: "u", Since: Instants{{"tenure", now - 40*day}, {"streak", now - 19*day}}, Earned: []Earned{{"t30", 1}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 40}, {"streak", 19}, {"likes", 0}}, []Earned{{"t30", 1}},
				[]InProgress{{"t90", 40, 90, 44}, {"both", 19, 50, 38}, {"old", 40, 60, 66}}, []string{"v1", "v5", "v10", "liked", "likedold", "ratio"}},
		},
		"reached but not yet told by a tick": { // t30 and old are due: they are not in progress, and what comes after may be
			Snapshot{User: "u", Since: Instants{{"tenure", now - 60*day}}, InProgress: []InProgress{liked}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 60}, {"streak", 0}, {"likes", 0}}, []Earned{},
				[]InProgress{{"t90", 60, 90, 66}, liked}, []string{"v1", "v5", "v10", "t30", "both", "old", "likedold", "ratio"}},
		},
		"an age before the snapshot's own of the group": {
			Snapshot{User: "u", Since: Instants{{"tenure", now - 2*day}}, InProgress: []InProgress{liked}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 2}, {"streak", 0}, {"likes", 0}}, []Earned{},
				[]InProgress{{"t30", 2, 30, 6}, {"old", 2, 60, 3}}, []string{"v1", "v5", "v10", "t90", "both", "liked", "likedold", "ratio"}},
		},
		"an age beside a counter, which is less advanced": { // 30/60 and 4/10
			Snapshot{User: "u", Counters: Numbers{{"likes", 4}}, Since: Instants{{"tenure", now - 30*day}}, InProgress: []InProgress{liked}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 30}, {"streak", 0}, {"likes", 4}}, []Earned{},
				[]InProgress{{"t90", 30, 90, 33}, {"old", 30, 60, 50}, {"likedold", 4, 10, 40}}, []string{"v1", "v5", "v10", "t30", "both", "liked", "ratio"}},
		},
		"an age beside a counter below zero": {
			Snapshot{User: "u", Counters: Numbers{{"likes", -4}}, Since: Instants{{"tenure", now - day}}, Earned: []Earned{{"t30", 1}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 1}, {"streak", 0}, {"likes", -4}}, []Earned{{"t30", 1}},
				[]InProgress{{"t90", 1, 90, 1}, {"old", 1, 60, 1}}, []string{"v1", "v5", "v10", "both", "liked", "likedold", "ratio"}},
		},
		"the catalogue's order, and a badge that it lost": {
			Snapshot{User: "u", Earned: []Earned{{"ratio", 3}, {"lost", 2}, {"v1", 1}, {"t30", 4}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 0}, {"streak", 0}, {"likes", 0}}, []Earned{{"v1", 1}, {"t30", 4}, {"ratio", 3}, {"lost", 2}},
				[]InProgress{}, []string{"v5", "v10", "t90", "both", "old", "liked", "likedold"}},
		},
		"in order but for a badge that was lost": {
			Snapshot{User: "u", Earned: []Earned{{"v1", 1}, {"lost", 2}, {"t30", 3}, {"gone", 4}}},
			Progress{"u", Numbers{{"visits", 0}, {"tenure", 0}, {"streak", 0}, {"likes", 0}}, []Earned{{"v1", 1}, {"t30", 3}, {"lost", 2}, {"gone", 4}},
				[]InProgress{}, []string{"v5", "v10", "t90", "both", "old", "liked", "likedold", "ratio"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.snapshot.Progress(view(), now); !reflect.DeepEqual(got, c.want) {
				t.Errorf("progress\n%+v\nwant\n%+v", got, c.want)
			}
			if got := kept.Progress(&c.snapshot, now); !reflect.DeepEqual(got, c.want) {
				t.Errorf("progress by a completer of several\n%+v\nwant\n%+v", got, c.want)
			}
		})
	}
}

// TestProgressLeavesTheSnapshot completes one whose lists have room for more,
// are in another order, and are changed afterwards.
func TestProgressLeavesTheSnapshot(t *testing.T) {
	const now = 1_800_000_000_000_000
	snapshot := func() Snapshot {
		return Snapshot{User: "u", Counters: Numbers{{"visits", 2}}, Since: Instants{{"tenure", now - 40*day}}, Earned: []Earned{{"t30", 4}, {"v1", 1}},
			InProgress: append(make([]InProgress, 0, 9), InProgress{"v5", 2, 5, 40})}
	}
	c, s, untouched := NewCompleter(view()), snapshot(), snapshot()
	first, again := c.Progress(&s, now), c.Progress(&s, now)
	if len(first.InProgress) != 3 || !reflect.DeepEqual(first, again) {
		t.Errorf("first %+v, then %+v", first, again)
	}
	first.Counters[0].Value, first.Earned[0].At, first.InProgress[0].Value, first.Locked[0] = 99, 99, 99, "changed"
	if third := c.Progress(&s, now); !reflect.DeepEqual(third, again) {
		t.Errorf("an answer was changed, and the next is %+v", third)
	}
	if room := s.InProgress[:cap(s.InProgress)][1]; !reflect.DeepEqual(s, untouched) || room != (InProgress{}) {
		t.Errorf("the snapshot became %+v, with %+v behind it", s, room)
	}
}

func TestProgressText(t *testing.T) {
	p := Progress{"u1", Numbers{{"z", 2}, {"a", 0}}, []Earned{{"first-light", 1772366401_000_000}}, []InProgress{{"explorer", 2, 5, 40}}, []string{"pathfinder"}}
	text, err := json.Marshal(p)
	const want = `{"user":"u1","counters":{"z":2,"a":0},"earned":[{"badge":"first-light","earned_at":"2026-03-01T12:00:01.000Z"}],` +
		`"in_progress":[{"badge":"explorer","value":2,"threshold":5,"percent":40}],"locked":["pathfinder"]}`
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, text, want)
	}
	var back Progress
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("read %+v, %v", back, err)
	}
	var s Snapshot
	if text, err = json.Marshal(s.Progress(&CatalogView{}, 0)); err != nil || string(text) != `{"user":"","counters":{},"earned":[],"in_progress":[],"locked":[]}` {
		t.Errorf("empty lists are not null: %s, %v", text, err)
	}
}

func TestCatalogViewRoundTrip(t *testing.T) {
	text, err := json.Marshal(view())
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseCatalogView(text)
	if err != nil || !reflect.DeepEqual(back, view()) {
		t.Errorf("read %+v, %v", back, err)
	}
	if _, err := ParseCatalogView([]byte(`{"version":"x"}`)); err == nil {
		t.Error("a version of words was read")
	}
}
