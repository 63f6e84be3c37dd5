package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
)

// TestFeeds wants what moves counters of each kind, in the words that operators
// read. Which events those are is read off the shipped catalogues.
func TestFeeds(t *testing.T) {
	for _, tc := range []struct {
		catalog, counter string
		want             []string
	}{
		{"starview", "upvotes_received", []string{
			"up starview.vote.cast to author where value is up unless subject is author: counts subject of review, once",
			"down starview.vote.cast to author where value is not up unless subject is author: gives subject of review another value",
			"down starview.vote.retracted to author: takes subject of review away",
			"down starview.review.deleted to author: takes review away for good, with all that it counts",
		}},
		{"starview", "quality_locations", []string{
			"either starview.review.created to location_owner unless subject is location_owner: changes the mean of location, which counts from 4.00 on",
			"either starview.review.rated to location_owner unless subject is location_owner: changes the mean of location, which counts from 4.00 on",
			"either starview.review.deleted to location_owner: changes the mean of location, which counts from 4.00 on",
			"down starview.location.deleted to owner: takes location away for good, with all that it counts",
		}},
		{"starview", "comments_written", []string{
			"up starview.comment.created to subject unless subject is review_author: counts comment, once",
			"down starview.comment.deleted to author unless author is review_author: takes comment away",
		}},
		{"starview", "profile_fields", []string{"either starview.profile.updated to subject: sets the value to filled"}},
		{"starview", "pioneer", []string{"up starview.user.verified to subject: draws one of 100 places, the first time"}},
		{"starview", "tenure_days", []string{"up starview.user.registered to subject: begins to count days, the first time"}},
		{"stride", "points", []string{
			"up stride.points.earned to subject: adds points",
			"up stride.challenge.finished to subject: adds 50",
			"up stride.challenge.finished to subject: adds bonus",
			"down stride.points.spent to subject: subtracts points",
		}},
		{"stride", "trail_runs", []string{
			"up stride.run.logged to subject where surface is trail: counts run, once",
			"down stride.run.logged to subject where surface is not trail: gives run another value",
			"down stride.run.removed to runner: takes run away for good",
		}},
		{"stride", "routes_shared", []string{
			"up stride.route.shared to subject: counts route, once",
			"down stride.route.withdrawn to owner: takes route away for good, with all that it counts",
		}},
		{"stride", "stars_received", []string{
			"either stride.route.starred to owner unless subject is owner: sets subject of route to stars",
			"down stride.route.withdrawn to owner: takes route away for good, with all that it counts",
		}},
	} {
		cat, err := catalog.Load(tc.catalog)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, f := range cat.Feeds(cat.CounterIndex(tc.counter)) {
			text := string(f.Moves) + " " + f.Event + " to " + f.Credit
			if f.Where != "" {
				text += " where " + f.Where
			}
			if len(f.Unless) > 0 {
				text += " unless " + strings.Join(f.Unless, " and ")
			}
			got = append(got, text+": "+f.Does)
		}
		slices.Sort(got)
		slices.Sort(tc.want)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s, %s is fed by\n%s\nwant\n%s", tc.catalog, tc.counter, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
	}
}

// TestEveryCounterIsFed wants something that raises each counter of the shipped
// catalogues.
func TestEveryCounterIsFed(t *testing.T) {
	for _, name := range []string{"starview", "stride"} {
		cat, err := catalog.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cat.Counters {
			if !slices.ContainsFunc(cat.Feeds(i), func(f catalog.Feed) bool { return f.Moves != catalog.Down }) {
				t.Errorf("%s: nothing raises %s", name, cat.Counters[i].Name)
			}
		}
	}
}
