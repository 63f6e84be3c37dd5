package bench

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/traffic"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// probePrefix begins the ids and the users of probes. No user of the traffic
// has such a name.
const probePrefix = "probe-"

func probeName(i int64) string { return probePrefix + strconv.FormatInt(i, 10) }

// visit is the first thing that somebody does, and bears his name: he visits
// a place. That earns a badge, and makes his snapshot: so a probe shows.
func visit(name string, at int64) traffic.Event {
	return traffic.Event{ID: name, Type: "starview.location.visited", Subject: name, Time: at, Data: []byte(`{"location":"` + name + `"}`)}
}

// watch watches the probes of a stream of events: event 0 and then every so
// manieth is one, by a user of its own.
type watch struct {
	schedule
	events int64 // with the probes
	every  int64
	// awards and snapshots are when each probe's badge event and snapshot were
	// seen, from the beginning of the stream; 0 is not yet.
	awards, snapshots []time.Duration
}

func newWatch(plan latencyPlan, rate int) *watch {
	w := &watch{schedule: schedule{rate: rate}}
	w.events = int64((plan.warm + plan.counted).Seconds() * float64(rate))
	w.every = max(1, int64(rate/plan.probes))
	probes := (w.events + w.every - 1) / w.every
	w.awards, w.snapshots = make([]time.Duration, probes), make([]time.Duration, probes)
	return w
}

// watchAwards reads the award topic until the badge events of all probes have
// been there.
func (w *watch) watchAwards(ctx context.Context, l *live) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(l.Servers.Brokers...),
		kgo.ConsumeTopics(l.group+".badges"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMinBytes(1), kgo.FetchMaxWait(50*time.Millisecond),
	)
	if err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	defer client.Close()
	for missing := len(w.awards); missing > 0; {
		fetches := client.PollFetches(ctx)
		now := time.Since(w.began)
		if ctx.Err() != nil {
			return errors.Wrapf(context.Cause(ctx), "wait for the badge events of %d of %d probes", missing, len(w.awards))
		}
		if failed := fetches.Errors(); len(failed) > 0 {
			return errors.Wrapf(failed[0].Err, "read partition %d of topic %s", failed[0].Partition, failed[0].Topic)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			i, ok, err := w.probeOf(it.Next())
			if err != nil {
				return err
			}
			if ok && w.awards[i] == 0 {
				w.awards[i] = now
				missing--
			}
		}
	}
	return nil
}

// probeOf tells which probe a badge event has as its cause, if it is one. The
// others are told apart by their bytes: decoding them all would slow down what
// is measured.
func (w *watch) probeOf(r *kgo.Record) (int, bool, error) {
	if !bytes.Contains(r.Value, []byte(`"`+probePrefix)) {
		return 0, false, nil
	}
	var e schemas.BadgeEvent
	headers := make([]schemas.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = schemas.Header(h)
	}
	if err := schemas.DecodeBadgeEvent(headers, r.Value, &e); err != nil {
		return 0, false, errors.Wrapf(err, "read %s/%d@%d", r.Topic, r.Partition, r.Offset)
	}
	number, is := strings.CutPrefix(e.Cause.ID, probePrefix)
	i, err := strconv.Atoi(number)
	return i, is && err == nil && i >= 0 && i < len(w.awards), nil
}

// watchSnapshots asks Redis for the snapshots of the probes that are due, in one
// round trip, until all have been there. It asks every millisecond, and less
// often after probes that have been waiting for long: asking must not make the
// queue longer that it measures. So a figure is a twentieth too great at most.
func (w *watch) watchSnapshots(ctx context.Context, l *live) error {
	// most bounds a round trip, so that a queue of probes costs no more than
	// probes that come in time.
	const most = 100
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	var waiting []int // probes
	var keys []string // theirs
	var asked time.Duration
	for next, missing := 0, len(w.snapshots); missing > 0; {
		select {
		case <-look.C:
		case <-ctx.Done():
			return errors.Wrapf(context.Cause(ctx), "wait for the snapshots of %d of %d probes", missing, len(w.snapshots))
		}
		now := time.Since(w.began)
		for ; next < len(w.snapshots) && w.due(int64(next)*w.every) <= now; next++ {
			waiting, keys = append(waiting, next), append(keys, snapshots.Key(l.group, probeName(int64(next))))
		}
		if len(waiting) == 0 || now-asked < (now-w.due(int64(waiting[0])*w.every))/20 {
			continue
		}
		asked = now
		values, err := l.redis.MGet(ctx, keys[:min(most, len(keys))]...).Result()
		now = time.Since(w.began)
		if err != nil && ctx.Err() == nil {
			return errors.Wrap(err, "read snapshots in Redis")
		}
		left := 0
		for j, i := range waiting {
			if j < len(values) && values[j] != nil {
				w.snapshots[i] = now
				missing--
				continue
			}
			waiting[left], keys[left] = i, keys[j]
			left++
		}
		waiting, keys = waiting[:left], keys[:left]
	}
	return nil
}
