package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/traffic"
)

// devSkew is how uneven the community is: a few are always there, most come by
// now and then.
const devSkew = 1.1

// history names the world that a data directory's events came from, and how
// many of them are in the log for certain. The next start makes that world
// again and goes on in it. Events that were sent after the last note come
// again with the same ids, as duplicates.
type history struct {
	Seed   uint64 `json:"seed"`
	Users  int    `json:"users"`
	Events int64  `json:"events"`
	path   string
}

// openHistory reads the history of a directory. Another number of users is
// another world.
func openHistory(dir string, users int) (*history, error) {
	fresh := &history{Seed: rand.Uint64(), Users: users, path: filepath.Join(dir, "traffic.json")}
	text, err := os.ReadFile(fresh.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Wrap(err, "reading the traffic's history")
	}
	kept := history{path: fresh.path}
	if json.Unmarshal(text, &kept) == nil && kept.Users == users {
		return &kept, nil
	}
	return fresh, nil
}

// save notes the history, whole or not at all.
func (h *history) save() error {
	text, err := json.Marshal(h)
	if err != nil {
		return errors.Wrap(err, "noting the traffic's history")
	}
	next := h.path + ".next"
	if err := os.WriteFile(next, text, 0o644); err != nil {
		return errors.Wrap(err, "noting the traffic's history")
	}
	return errors.Wrap(os.Rename(next, h.path), "noting the traffic's history")
}

// world makes the history's world as it was left.
func (h *history) world(ctx context.Context) (*traffic.World, error) {
	w, err := traffic.New(traffic.Config{Seed: h.Seed, Users: h.Users, Skew: devSkew})
	if err != nil {
		return nil, err
	}
	for n := int64(0); n < h.Events && ctx.Err() == nil; n++ {
		w.Next(0)
	}
	return w, nil
}

// plays says whether there is traffic: not where it is unwanted, and not for a
// catalogue that knows nothing of it.
func (d *devSession) plays() bool {
	if d.flags.noTraffic {
		return false
	}
	w, err := traffic.New(traffic.Config{Users: 2})
	if err != nil {
		return false
	}
	_, known := d.catalog.Types[w.Next(0).Type]
	return known
}

// play sends traffic to the activity topic until the context ends, and then
// delivers what it has sent.
func (d *devSession) play(ctx context.Context) error {
	h, err := openHistory(d.flags.dataDir, d.flags.users)
	if err != nil {
		return err
	}
	w, err := h.world(ctx)
	if err != nil {
		return err
	}
	sender, err := feed.OpenSender(ctx, d.settings.Brokers, d.settings.ActivityTopic, 0)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer sender.Close()
	sent, noted := h.Events, time.Now()
	note := func() error {
		if err := sender.Finish(); err != nil {
			return err
		}
		h.Events, noted = sent, time.Now()
		return h.save()
	}
	pulse := tempo{rate: d.flags.rate, random: rand.New(rand.NewPCG(h.Seed, uint64(h.Events)))}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return note()
		case now := <-tick.C:
			for range pulse.due(now) {
				e := w.Next(time.Now().UnixMicro())
				if err := sender.Send(ctx, sent, feed.Traffic(&e)); err != nil {
					if ctx.Err() != nil {
						return note()
					}
					return err
				}
				sent++
			}
			if now.Sub(noted) > time.Second {
				if err := note(); err != nil {
					return err
				}
			}
		}
	}
}

// tempo says how many events are due: quiet for a while, then a burst, and the
// rate on average.
type tempo struct {
	rate   float64
	random *rand.Rand

	last, until time.Time // of the last call, and of the present mood
	factor      float64
	owed        float64
}

const (
	quietFactor, burstFactor = 0.6, 2.6
	quietSeconds             = 8 // on average; from half to one and a half of it
	burstSeconds             = 2
	longestGap               = time.Second // after a pause of the machine, nothing is made up for
)

func (t *tempo) due(now time.Time) int {
	if !now.Before(t.until) {
		seconds := float64(burstSeconds)
		if t.factor == quietFactor {
			t.factor = burstFactor
		} else {
			t.factor, seconds = quietFactor, quietSeconds
		}
		seconds *= 0.5 + t.random.Float64()
		t.until = now.Add(time.Duration(seconds * float64(time.Second)))
	}
	if !t.last.IsZero() {
		t.owed += min(now.Sub(t.last), longestGap).Seconds() * t.rate * t.factor
	}
	t.last = now
	n := int(t.owed)
	t.owed -= float64(n)
	return n
}
