package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/schemas"
)

// TestExamplesAreReal reads the events, badge events and snapshots that the
// documents show, and wants the very bytes that would be written.
func TestExamplesAreReal(t *testing.T) {
	cat, err := catalog.Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, name := range []string{"README.md", "docs/integration.md"} {
		for _, block := range blocks(document(t, name), "json") {
			var text bytes.Buffer
			if err := json.Compact(&text, []byte(block)); err != nil {
				t.Errorf("%s shows what is no JSON: %v\n%s", name, err, block)
				continue
			}
			kind, again := readExample(t, cat, text.Bytes())
			if kinds[kind]++; again != text.String() {
				t.Errorf("%s shows a %s\n%s\nwhere it should be\n%s", name, kind, text.String(), again)
			}
		}
	}
	if kinds["activity event"] == 0 || kinds["badge event"] == 0 || kinds["snapshot"] != 2 {
		t.Errorf("the examples are %v", kinds)
	}
}

// readExample reads an example and writes it again.
func readExample(t *testing.T, cat *catalog.Catalog, text []byte) (kind, again string) {
	t.Helper()
	switch {
	case bytes.HasPrefix(text, []byte(`{"order"`)):
		s, err := schemas.ParseSnapshot(text)
		if err != nil {
			t.Fatal(err)
		}
		return "snapshot", string(s.Append(nil))
	case bytes.Contains(text, []byte(`"badgestream.badge.`)):
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent[schemas.Header](nil, text, &e); err != nil {
			t.Fatal(err)
		}
		return "badge event", string(e.AppendStructured(nil))
	case bytes.HasPrefix(text, []byte(`{"specversion"`)):
		var ev schemas.Event
		if err := feed.Check(cat, text, &ev); err != nil {
			t.Fatal(err)
		}
		return "activity event", string(text)
	}
	var view schemas.CatalogView
	if err := json.Unmarshal(text, &view); err != nil {
		t.Fatal(err)
	}
	again = string(text)
	if b := cat.View(int(view.Version)).Badges[0]; fmt.Sprint(b) != fmt.Sprint(view.Badges[0]) {
		again = fmt.Sprint(b)
	}
	return "catalogue's view", again
}

// TestReadmeDefinesABadge compiles the catalogue of the README, with the events
// that it names.
func TestReadmeDefinesABadge(t *testing.T) {
	for _, block := range blocks(document(t, "README.md"), "yaml") {
		text := "name: readme\nevents: {starview.location.visited: {location: id}, starview.location.unvisited: {location: id}}\n" + block
		cat, err := catalog.Parse("README.md", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(cat.Badges) != 1 || cat.Badges[0].Slug != "explorer" {
			t.Errorf("its badges are %+v", cat.Badges)
		}
	}
}
