package main

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// shownAwards is how many of the last awards the view has.
const shownAwards = 10

// watch gathers what the live view shows: from the engine's telemetry, the
// award topic and the users' table, as anybody could.
type watch struct {
	*devSession
	badges map[string]string // slug to name
	began  time.Time

	mu      sync.Mutex
	users   int64
	recent  []award // oldest first
	fresh   []award // since the last plain line
	samples []sample
}

// award is one badge that somebody was given.
type award struct {
	at          time.Time
	user, badge string
	category    string
	tier        int
}

// sample is how many events were folded at a time.
type sample struct {
	at     time.Time
	events int64
}

func newWatch(d *devSession) *watch {
	w := &watch{devSession: d, badges: map[string]string{}, began: time.Now()}
	for i := range d.catalog.Badges {
		w.badges[d.catalog.Badges[i].Slug] = d.catalog.Badges[i].Name
	}
	return w
}

// followBadges reads the award topic from now on, until the context ends.
func (w *watch) followBadges(ctx context.Context) error {
	err := feed.Read(ctx, w.settings.Brokers, w.settings.AwardTopic, feed.Span{Follow: true}, func(r *kgo.Record) error {
		if r.Value == nil {
			return nil // an erased one
		}
		var e schemas.BadgeEvent
		err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e)
		switch {
		case err != nil: // a stranger's record harms nobody
			w.tel.Log.WarnContext(ctx, "a record of the award topic is no badge event", "partition", r.Partition, "offset", r.Offset, "error", err)
		case !e.Revoked:
			w.awarded(&e)
		}
		return nil
	})
	return unless(ctx, err)
}

func (w *watch) awarded(e *schemas.BadgeEvent) {
	a := award{at: time.UnixMicro(e.Time), user: e.User, badge: e.Badge, category: e.Category, tier: e.Tier}
	if name, ok := w.badges[e.Badge]; ok {
		a.badge = name
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recent = append(w.recent, a)
	w.recent = w.recent[max(0, len(w.recent)-shownAwards):]
	w.fresh = append(w.fresh, a)
	w.hints.meet(e.User)
}

// countUsers counts the users who have progress, once a second.
func (w *watch) countUsers(ctx context.Context) error {
	store, err := projections.Open(ctx, w.settings.Postgres, w.settings.Group)
	if err != nil {
		return unless(ctx, err)
	}
	defer store.Close()
	_, in, err := store.CurrentCatalog(ctx)
	if err != nil {
		return unless(ctx, err)
	}
	users := store.Users(in, w.catalog)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		n, err := users.Count(ctx)
		if err != nil {
			return unless(ctx, err)
		}
		w.mu.Lock()
		w.users = n
		w.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// unless gives the error, unless it came of the context's end.
func unless(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// rateWindow is the time over which events a second are counted.
const rateWindow = 5 * time.Second

// look is how things stand now. It takes the fresh awards along.
func (w *watch) look(now time.Time) view {
	v := view{
		now: now, up: now.Sub(w.began),
		totals: w.tel.Pipeline.Totals(), lags: w.activityLags(), health: w.unready(),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples = append(w.samples, sample{now, v.totals.Events})
	for len(w.samples) > 2 && now.Sub(w.samples[0].at) > rateWindow {
		w.samples = w.samples[1:]
	}
	if first := w.samples[0]; now.After(first.at) {
		v.rate = float64(v.totals.Events-first.events) / now.Sub(first.at).Seconds()
	}
	v.users = w.users
	v.recent = append(v.recent, w.recent...)
	v.fresh, w.fresh = w.fresh, nil
	v.hints = w.hints.lines()
	return v
}

func (w *watch) activityLags() []telemetry.Lag {
	lags := w.tel.Pipeline.Lags()
	kept := lags[:0]
	for _, l := range lags {
		if l.Topic == w.settings.ActivityTopic {
			kept = append(kept, l)
		}
	}
	return kept
}

func (w *watch) unready() []telemetry.Component {
	components, _ := w.tel.Health.Report()
	kept := components[:0]
	for _, c := range components {
		if !c.Ready {
			kept = append(kept, c)
		}
	}
	return kept
}
