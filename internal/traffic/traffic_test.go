package traffic

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

func play(t *testing.T, cfg Config, n int) []Event {
	t.Helper()
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	events := make([]Event, n)
	for i := range events {
		events[i] = w.Next(int64(i) * 1000)
	}
	return events
}

// TestTrafficIsValid decodes every event by the catalogue, in both modes.
func TestTrafficIsValid(t *testing.T) {
	cat, err := catalog.Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	seen, ids := map[string]int{}, map[string]bool{}
	for _, e := range play(t, Config{Seed: 1, Users: 300, Skew: 1.1}, 50_000) {
		var binary, structured schemas.Event
		if err := schemas.Decode(e.Headers(), e.Data, &binary); err != nil {
			t.Fatal(err)
		}
		if err := schemas.DecodeStructured(e.AppendStructured(nil), &structured); err != nil {
			t.Fatal(err)
		}
		if binary.ID != structured.ID || binary.Type != structured.Type || binary.Subject != structured.Subject ||
			binary.Time != structured.Time || !bytes.Equal(binary.Data, structured.Data) || !structured.HasTime {
			t.Fatalf("the modes differ: %+v and %+v", binary, structured)
		}
		i, known := cat.Types[binary.Type]
		if !known {
			t.Fatalf("the catalogue does not know %s", binary.Type)
		}
		shape := &cat.Events[i].Shape
		if err := shape.Decode(&binary, make([]schemas.Value, len(shape.Fields))); err != nil {
			t.Fatal(err)
		}
		if ids[e.ID] {
			t.Fatalf("id %s comes twice", e.ID)
		}
		ids[e.ID] = true
		seen[e.Type]++
	}
	for name := range cat.Types {
		if seen[name] == 0 && name != schemas.TickType {
			t.Errorf("no event of type %s in 50,000", name)
		}
	}
}

// TestTrafficIsConsistent keeps its own account of what is there, and asks of
// every event whether it could be.
func TestTrafficIsConsistent(t *testing.T) {
	registered, locations, reviews := map[string]bool{}, map[string]string{}, map[string]string{}
	standing := map[[3]string]bool{} // follows, visits, comments, photos, votes
	reviewed := map[[2]string]bool{}
	for i, e := range play(t, Config{Seed: 2, Users: 200}, 40_000) {
		var d struct {
			Location, Owner, Review, Author, Comment, User, Photo string
			LocationOwner                                         string `json:"location_owner"`
			ReviewAuthor                                          string `json:"review_author"`
		}
		if err := json.Unmarshal(e.Data, &d); err != nil {
			t.Fatal(err)
		}
		wrong := !registered[e.Subject] && e.Type != "starview.user.registered"
		add := func(kind, a, b string) { standing[[3]string{kind, a, b}] = true }
		was := func(kind, a, b string) bool { return standing[[3]string{kind, a, b}] }
		switch e.Type {
		case "starview.user.registered":
			wrong = registered[e.Subject]
			registered[e.Subject] = true
		case "starview.location.created":
			wrong = wrong || locations[d.Location] != ""
			locations[d.Location] = e.Subject
		case "starview.location.deleted":
			wrong = wrong || locations[d.Location] != d.Owner || d.Owner == "gone"
			locations[d.Location] = "gone"
		case "starview.location.visited":
			wrong = wrong || locations[d.Location] == "" || locations[d.Location] == "gone"
			add("visit", e.Subject, d.Location)
		case "starview.location.unvisited":
			wrong = wrong || !was("visit", e.Subject, d.Location)
		case "starview.review.created":
			wrong = wrong || locations[d.Location] != d.LocationOwner || d.LocationOwner == e.Subject || reviewed[[2]string{e.Subject, d.Location}]
			reviewed[[2]string{e.Subject, d.Location}], reviews[d.Review] = true, e.Subject
		case "starview.review.rated":
			wrong = wrong || reviews[d.Review] != e.Subject
		case "starview.review.deleted":
			wrong = wrong || reviews[d.Review] != d.Author
			reviews[d.Review] = "gone"
		case "starview.vote.cast":
			wrong = wrong || reviews[d.Review] != d.Author || d.Author == e.Subject
			add("vote", e.Subject, d.Review)
		case "starview.vote.retracted":
			wrong = wrong || !was("vote", e.Subject, d.Review) || reviews[d.Review] != d.Author
		case "starview.comment.created":
			wrong = wrong || reviews[d.Review] != d.ReviewAuthor || was("comment", e.Subject, d.Comment)
			add("comment", e.Subject, d.Comment)
		case "starview.comment.deleted":
			wrong = wrong || !was("comment", d.Author, d.Comment)
		case "starview.user.followed":
			wrong = wrong || d.User == e.Subject || !registered[d.User]
			add("follow", e.Subject, d.User)
		case "starview.user.unfollowed":
			wrong = wrong || !was("follow", e.Subject, d.User)
		case "starview.photo.added":
			add("photo", e.Subject, d.Photo)
		case "starview.photo.deleted":
			wrong = wrong || !was("photo", d.Owner, d.Photo)
		}
		if wrong {
			t.Fatalf("event %d cannot be: %s by %s, %s", i, e.Type, e.Subject, e.Data)
		}
	}
}

func TestTrafficFollowsTheSeed(t *testing.T) {
	text := func(cfg Config) string {
		var b []byte
		for _, e := range play(t, cfg, 3_000) {
			b = append(e.AppendStructured(b), '\n')
		}
		return string(b)
	}
	base := Config{Seed: 7, Users: 100, Skew: 1.2}
	if again := text(base); again != text(base) {
		t.Error("the same seed gave two histories")
	}
	if text(base) == text(Config{Seed: 8, Users: 100, Skew: 1.2}) {
		t.Error("two seeds gave one history")
	}
}

// TestSkew: with it the busiest tenth acts far more often than its share.
func TestSkew(t *testing.T) {
	busiest := func(skew float64) float64 {
		counts := map[string]int{}
		for _, e := range play(t, Config{Seed: 1, Users: 100, Skew: skew}, 20_000) {
			counts[e.Subject]++
		}
		most := 0
		for _, n := range counts {
			most = max(most, n)
		}
		return float64(most) / 20_000
	}
	if even, skewed := busiest(0), busiest(1.5); even > 0.03 || skewed < 0.15 {
		t.Errorf("the busiest user has %.3f of all without skew and %.3f with it", even, skewed)
	}
}

func TestImpossibleWorlds(t *testing.T) {
	for _, cfg := range []Config{{Users: 0}, {Users: 1}, {Users: -5}, {Users: 9, Skew: 0.9}, {Users: 9, Skew: 1}, {Users: 9, Skew: -1}, {Users: 9, Skew: 99}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was made", cfg)
		}
	}
}
