package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// starviewBadges is the badge table of the domain's description, row by row:
// category, criterion, then the badges with value and tier in display order.
const starviewBadges = `
EXPLORATION LOCATION_VISITS | first-light "First Light" location_visits>=1 t1 | explorer "Explorer" location_visits>=5 t2 | pathfinder "Pathfinder" location_visits>=10 t3 | stargazer "Stargazer" location_visits>=25 t4 | celestial-navigator "Celestial Navigator" location_visits>=50 t5 | cosmic-voyager "Cosmic Voyager" location_visits>=100 t5 rare
CONTRIBUTION LOCATIONS_ADDED | scout "Scout" locations_added>=1 t1 | discoverer "Discoverer" locations_added>=5 t2 | trailblazer "Trailblazer" locations_added>=10 t3 | location-legend "Location Legend" locations_added>=25 t4
QUALITY LOCATION_RATING | quality-contributor "Quality Contributor" quality_locations>=3 t1 | trusted-source "Trusted Source" quality_locations>=6 t2 | stellar-curator "Stellar Curator" quality_locations>=12 t3 | elite-curator "Elite Curator" quality_locations>=24 t4
REVIEW REVIEWS_WRITTEN | reviewer "Reviewer" reviews_written>=5 t1
REVIEW UPVOTES_RECEIVED | helpful-voice "Helpful Voice" upvotes_received>=10 t2
REVIEW HELPFUL_RATIO | expert-reviewer "Expert Reviewer" reviews_written>=25 upvotes_received/votes_received>=75% t3 | trusted-critic "Trusted Critic" reviews_written>=50 upvotes_received/votes_received>=80% t4 | review-master "Review Master" reviews_written>=100 upvotes_received/votes_received>=85% t5
COMMUNITY COMMENTS_WRITTEN | conversationalist "Conversationalist" comments_written>=10 t1
COMMUNITY FOLLOWER_COUNT | connector "Connector" followers>=10 t2 | influencer "Influencer" followers>=50 t3 | community-leader "Community Leader" followers>=100 t4 | ambassador "Ambassador" followers>=200 t5
SPECIAL PHOTOS | photographer "Photographer" photos_uploaded>=25 t1 rare
SPECIAL PROFILE_COMPLETE | mission-ready "Mission Ready" profile_fields>=2 t1
TENURE PIONEER | pioneer "Pioneer" pioneer>=1 t1 rare sticky
`

func TestStarviewIsTheBadgeTable(t *testing.T) {
	c, err := Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Badges) != 27 {
		t.Errorf("%d badges, want 27", len(c.Badges))
	}
	var rows []string
	for _, g := range c.Groups {
		row := []string{g.Category + " " + g.Criterion}
		for _, i := range g.Badges {
			row = append(row, describeBadge(c, &c.Badges[i]))
		}
		rows = append(rows, strings.Join(row, " | "))
	}
	if got := strings.Join(rows, "\n"); got != strings.TrimSpace(starviewBadges) {
		t.Errorf("got\n%s\nwant\n%s", got, starviewBadges)
	}
	for i, b := range c.Badges {
		if b.Description == "" {
			t.Errorf("%s has no description", b.Slug)
		}
		if c.ByID[b.ID] != i || c.BadgeIndex(b.Slug) != i {
			t.Errorf("%s is %d by id and %d by slug, want %d", b.Slug, c.ByID[b.ID], c.BadgeIndex(b.Slug), i)
		}
	}
	if c.BadgeIndex("stargazers") != None || c.CounterIndex("stars") != None {
		t.Error("what is not there was found")
	}
}

func describeBadge(c *Catalog, b *Badge) string {
	out := fmt.Sprintf("%s %q", b.Slug, b.Name)
	for _, cond := range b.All {
		name := c.Counters[cond.Counter].Name
		if cond.Kind == Ratio {
			out += fmt.Sprintf(" %s/%s>=%d%%", name, c.Counters[cond.Whole].Name, cond.Threshold/100)
			continue
		}
		out += fmt.Sprintf(" %s>=%d", name, cond.Threshold)
	}
	out += fmt.Sprintf(" t%d", b.Tier)
	if b.Rare {
		out += " rare"
	}
	if b.Sticky {
		out += " sticky"
	}
	return out
}

func TestStarviewTables(t *testing.T) {
	c, err := Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	names := func(badges []int) string {
		var out []string
		for _, i := range badges {
			out = append(out, c.Badges[i].Slug)
		}
		return strings.Join(out, " ")
	}
	reviews := c.Counters[c.CounterIndex("reviews_written")]
	var steps []string
	for _, s := range reviews.Steps {
		steps = append(steps, fmt.Sprint(s.At, " ", names(s.Badges)))
	}
	if want := []string{"5 reviewer", "25 expert-reviewer", "50 trusted-critic", "100 review-master"}; !slices.Equal(steps, want) {
		t.Errorf("steps of reviews_written are %q, want %q", steps, want)
	}
	for _, name := range []string{"upvotes_received", "votes_received"} {
		if got := names(c.Counters[c.CounterIndex(name)].Ratios); got != "expert-reviewer trusted-critic review-master" {
			t.Errorf("ratios on %s: %s", name, got)
		}
	}
	var reads []string
	for _, i := range c.CriterionCounters(c.BadgeIndex("expert-reviewer")) {
		reads = append(reads, c.Counters[i].Name)
	}
	if want := []string{"reviews_written", "upvotes_received", "votes_received"}; !slices.Equal(reads, want) {
		t.Errorf("expert-reviewer reads %q, want %q", reads, want)
	}
	for _, g := range c.Groups {
		want := g.Criterion != "HELPFUL_RATIO" && g.Criterion != "PIONEER"
		if (g.Ladder != None) != want {
			t.Errorf("ladder of %s is %d", g.Criterion, g.Ladder)
		}
	}
	if tenure := c.CounterIndex("tenure_days"); !slices.Equal(c.Ages, []int{tenure}) || c.Counters[tenure].Kind != Since || c.HasAgeBadges {
		t.Errorf("ages are %v, age badges %v", c.Ages, c.HasAgeBadges)
	}
	if tick := c.Events[c.Types["badgestream.tick"]]; !tick.Tick || !tick.Shape.NoSubject || len(tick.Shape.Fields) != 0 {
		t.Errorf("the tick is %+v", tick)
	}
}

func TestStrideAges(t *testing.T) {
	c, err := Load("stride")
	if err != nil {
		t.Fatal(err)
	}
	days := c.CounterIndex("member_days")
	if !c.HasAgeBadges || !slices.Equal(c.Ages, []int{days}) {
		t.Errorf("ages are %v, age badges %v", c.Ages, c.HasAgeBadges)
	}
	for _, g := range c.Groups {
		// A sticky badge may be held below its threshold, and an age moves
		// without an event: neither is found by a counter's value.
		if (g.Criterion == "DISTANCE" || g.Criterion == "MEMBERSHIP" || g.Criterion == "FOUNDER") && g.Ladder != None {
			t.Errorf("%s is a ladder", g.Criterion)
		}
	}
}

func TestView(t *testing.T) {
	c, err := Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	v := c.View(7)
	if v.Name != "starview" || v.Version != 7 || len(v.Badges) != 27 || len(v.Groups) != 11 || len(v.Counters) != len(c.Counters) {
		t.Errorf("view %q of version %d: %d badges, %d groups, %d counters", v.Name, v.Version, len(v.Badges), len(v.Groups), len(v.Counters))
	}
	if !slices.Equal(v.Ages, []string{"tenure_days"}) {
		t.Errorf("ages %q", v.Ages)
	}
	got := v.Badges[c.BadgeIndex("expert-reviewer")].Thresholds
	if len(got) != 2 || got[0].Label != "reviews_written" || got[0].AtLeast != 25 || got[1].Label != "helpful_ratio" || got[1].AtLeast != 75 {
		t.Errorf("thresholds of expert-reviewer: %+v", got)
	}
	if got := v.Groups[10]; got.Category != "TENURE" || got.Criterion != "PIONEER" || !slices.Equal(got.Badges, []string{"pioneer"}) {
		t.Errorf("the last group is %+v", got)
	}
}
