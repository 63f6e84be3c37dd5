package simtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/badgestream/badgestream/schemas"
	"github.com/twmb/franz-go/pkg/kgo"
)

// traffic makes the club's events. They credit a few users from all
// partitions, so that badges come and go with how partitions interleave.
type traffic struct {
	rng        *rand.Rand
	users      int
	partitions int32
	topic      string
	control    string
	decisions  int // how many of a hundred records are decisions
	n          int
	sent       []*kgo.Record
	badges     []string // of the catalogue
	// bad counts the records that are no events.
	bad int
}

// next makes one record; some are the same event again, and some are none.
func (t *traffic) next(now time.Time) *kgo.Record {
	if t.rng.IntN(100) < t.decisions {
		return t.decision(now)
	}
	t.n++
	if len(t.sent) > 0 && t.rng.IntN(25) == 0 {
		again := t.sent[max(0, len(t.sent)-1-t.rng.IntN(60))]
		return &kgo.Record{Topic: t.topic, Partition: again.Partition, Value: again.Value, Headers: again.Headers}
	}
	kind, data := t.act()
	text := fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/club","type":"club.%s","subject":"%s","time":"%s","data":%s}`,
		t.n, kind, t.user(), schemas.FormatTime(t.time(kind, now)), data)
	r := &kgo.Record{Topic: t.topic, Partition: t.rng.Int32N(t.partitions), Value: []byte(text),
		Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
	if t.rng.IntN(15) == 0 {
		t.bad++
		r.Value = r.Value[:len(r.Value)/2]
		return r
	}
	t.sent = append(t.sent, r)
	return r
}

// time is about now; who joined did so two days ago, so that time alone makes
// a badge his within the run.
func (t *traffic) time(kind string, now time.Time) int64 {
	at := now.Add(-time.Duration(t.rng.IntN(3000)) * time.Millisecond)
	if kind == "joined" {
		at = now.Add(-48*time.Hour + time.Duration(t.rng.IntN(60)-20)*time.Second)
	}
	return at.UnixMicro()
}

// decision makes what somebody decides about a badge; now and then about one
// that is not there.
func (t *traffic) decision(now time.Time) *kgo.Record {
	t.n++
	d := schemas.Decision{Verb: schemas.Verbs()[t.rng.IntN(5)], User: t.user(), Badge: t.badges[t.rng.IntN(len(t.badges))], By: "mod", Reason: "so"}
	if t.rng.IntN(10) == 0 {
		t.bad++
		d.Badge = "no-such-badge"
	}
	data, err := d.Append(nil)
	if err != nil {
		panic(err) // it is a struct of strings
	}
	text := fmt.Sprintf(`{"specversion":"1.0","id":"d%d","source":"/desk","type":"%s","subject":"%s","time":"%s","data":%s}`, t.n, d.Verb.Type(), d.User, schemas.FormatTime(now.UnixMicro()), data)
	return &kgo.Record{Topic: t.control, Value: []byte(text), Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
}

func (t *traffic) act() (kind, data string) {
	pick := func(n int) int { return t.rng.IntN(n) }
	switch pick(12) {
	case 0:
		return "joined", `{}`
	case 1:
		return "upgraded", `{}`
	case 2:
		return "post.written", fmt.Sprintf(`{"post":"p%d"}`, pick(8))
	case 3:
		return "post.deleted", fmt.Sprintf(`{"post":"p%d","author":"%s"}`, pick(8), t.user())
	case 4, 5:
		return "post.liked", fmt.Sprintf(`{"post":"p%d","author":"%s","stars":%d}`, pick(8), t.user(), 1+pick(3))
	case 6:
		return "post.unliked", fmt.Sprintf(`{"post":"p%d","author":"%s"}`, pick(8), t.user())
	case 7:
		return "points.earned", fmt.Sprintf(`{"points":%d}`, 1+pick(10))
	case 8:
		return "points.spent", fmt.Sprintf(`{"points":%d}`, 1+pick(10))
	case 9:
		return "followed", fmt.Sprintf(`{"user":"%s"}`, t.user())
	case 10:
		return "unfollowed", fmt.Sprintf(`{"user":"%s"}`, t.user())
	}
	return "goal.set", fmt.Sprintf(`{"kilometres":%d}`, pick(50))
}

func (t *traffic) user() string { return fmt.Sprintf("u%d", t.rng.IntN(t.users)) }
