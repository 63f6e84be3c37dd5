package plain

import (
	"encoding/json"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
)

// activity is an event as this consumer reads it: binary mode, no checks.
type activity struct {
	id, kind, subject string
	at                time.Time
	data              fields
}

// fields is every field that an event of Starview's may have.
type fields struct {
	Location, Review, Comment, Photo string
	Author, Owner, User, Value       string
	ReviewAuthor                     string `json:"review_author"`
}

func read(r *kgo.Record) (activity, error) {
	var a activity
	for _, h := range r.Headers {
		switch h.Key {
		case "ce_id":
			a.id = string(h.Value)
		case "ce_type":
			a.kind = string(h.Value)
		case "ce_subject":
			a.subject = string(h.Value)
		case "ce_time":
			at, err := time.Parse(time.RFC3339, string(h.Value))
			if err != nil {
				return a, errors.Wrapf(err, "read the time of the event at %s/%d@%d", r.Topic, r.Partition, r.Offset)
			}
			a.at = at
		}
	}
	return a, errors.Wrapf(json.Unmarshal(r.Value, &a.data), "read the data of the event at %s/%d@%d", r.Topic, r.Partition, r.Offset)
}

// credit is one thing that an event gives to a user's counter, or takes away.
type credit struct {
	user, counter, member string
	gone                  bool
}

// credits says what an event does. This is the only Go code of ours beside
// the traffic that knows Starview: code like it is what a team has that writes
// its badges by hand, and a catalogue in its place would make it an engine. It
// is a yardstick and not correct: quality, ratio, profile and pioneers are
// left out, and nothing is revoked.
func credits(a *activity) []credit {
	d := &a.data
	switch a.kind {
	case "starview.location.visited":
		return []credit{{user: a.subject, counter: "visits", member: d.Location}}
	case "starview.location.unvisited":
		return []credit{{user: a.subject, counter: "visits", member: d.Location, gone: true}}
	case "starview.location.created":
		return []credit{
			{user: a.subject, counter: "locations", member: d.Location},
			{user: a.subject, counter: "visits", member: d.Location},
		}
	case "starview.location.deleted":
		return []credit{{user: d.Owner, counter: "locations", member: d.Location, gone: true}}
	case "starview.review.created":
		return []credit{
			{user: a.subject, counter: "reviews", member: d.Review},
			{user: a.subject, counter: "visits", member: d.Location},
		}
	case "starview.review.deleted":
		return []credit{{user: d.Author, counter: "reviews", member: d.Review, gone: true}}
	case "starview.vote.cast":
		return []credit{{user: d.Author, counter: "upvotes", member: d.Review + "/" + a.subject, gone: d.Value != "up"}}
	case "starview.vote.retracted":
		return []credit{{user: d.Author, counter: "upvotes", member: d.Review + "/" + a.subject, gone: true}}
	case "starview.comment.created":
		if a.subject != d.ReviewAuthor {
			return []credit{{user: a.subject, counter: "comments", member: d.Comment}}
		}
	case "starview.comment.deleted":
		if d.Author != d.ReviewAuthor {
			return []credit{{user: d.Author, counter: "comments", member: d.Comment, gone: true}}
		}
	case "starview.user.followed":
		return []credit{{user: d.User, counter: "followers", member: a.subject}}
	case "starview.user.unfollowed":
		return []credit{{user: d.User, counter: "followers", member: a.subject, gone: true}}
	case "starview.photo.added":
		return []credit{{user: a.subject, counter: "photos", member: d.Photo}}
	case "starview.photo.deleted":
		return []credit{{user: d.Owner, counter: "photos", member: d.Photo, gone: true}}
	}
	return nil
}
