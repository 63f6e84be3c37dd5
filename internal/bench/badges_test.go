package bench

import (
	"reflect"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestBadges(t *testing.T) {
	b := on(t, stacktest.Embedded(t))
	t.Cleanup(func() { sweepAll(t, b) })
	b.Badges = 300
	var r Result
	if err := measureBadges(t.Context(), b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Figures) == 0 {
		t.Fatal("there are no figures")
	}
	if f := r.Figures[0]; f.Measure != "badges" || f.With != "300 badges" || f.Of != "27 badges" || f.Value <= 0 || f.Base == nil || *f.Base <= 0 {
		t.Errorf("the first figure is %+v", f)
	}
}

// TestEnlargedCatalogue compares the compiled catalogues.
func TestEnlargedCatalogue(t *testing.T) {
	const events = 5_000
	for _, name := range []string{"starview", "stride"} {
		cat, err := catalog.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := enlarge(cat, 10_000, events)
		if err != nil {
			t.Fatal(err)
		}
		larger, err := catalog.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if len(larger.Badges) != 10_000 {
			t.Errorf("%s: there are %d badges", name, len(larger.Badges))
		}
		if !reflect.DeepEqual(larger.Events, cat.Events) || !reflect.DeepEqual(larger.Collections, cat.Collections) || len(larger.Counters) != len(cat.Counters) {
			t.Errorf("%s: events, collections or counters have changed", name)
		}
		known := map[string]*catalog.Badge{}
		for i := range cat.Badges {
			known[cat.Badges[i].Slug] = &cat.Badges[i]
		}
		for i := range larger.Badges {
			is := &larger.Badges[i]
			was := known[is.Slug]
			if was == nil && (len(is.All) != 1 || is.All[0].Threshold <= events) {
				t.Errorf("%s: the new badge %s can be reached: %+v", name, is.Slug, is.All)
			}
			if was != nil && (!reflect.DeepEqual(is.All, was.All) || is.Group != was.Group) {
				t.Errorf("%s: %s has changed from %+v to %+v", name, is.Slug, *was, *is)
			}
			delete(known, is.Slug)
		}
		if len(known) > 0 {
			t.Errorf("%s: %d badges are gone", name, len(known))
		}
		for i := range cat.Groups {
			if cat.Groups[i].Ladder != larger.Groups[i].Ladder {
				t.Errorf("%s: %s is no ladder any more", name, cat.Groups[i].Criterion)
			}
		}
	}
}
