package pipeline

import (
	"context"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
)

// Request is what a rebuild shall be.
type Request struct {
	// Catalog is the catalogue whose rules it is folded by; nil: those that hold.
	Catalog *catalog.Catalog
	// MaxRate is the most records a second; 0 is no limit.
	MaxRate int
	From    From
}

// Start asks for a rebuild. Engines that run do it, or whoever calls Work. It
// refuses, with the reason, what could not give the right rows.
func (r *Rebuilder) Start(ctx context.Context, req Request) (generation int32, err error) {
	stored, _, err := r.store.CurrentCatalog(ctx)
	if err != nil {
		return 0, err
	}
	rules, err := stored.Parse()
	if err != nil {
		return 0, err
	}
	if err := r.store.Migrate(ctx); err != nil {
		return 0, err
	}
	// Nobody could say afterwards which of two was meant.
	if g, err := r.store.Beside(ctx); err == nil {
		return 0, besideTaken(g)
	} else if !errors.Is(err, projections.ErrNoneBeside) {
		return 0, err
	}
	from, base, err := r.begins(ctx, &req.From, rules.DedupeWindow)
	if err != nil {
		return 0, err
	}
	generation, err = r.store.BeginGeneration(ctx, &projections.Rebuild{Catalog: req.Catalog, MaxRate: req.MaxRate, From: from, Base: base})
	if errors.Is(err, projections.ErrBesideTaken) {
		if g, err := r.store.Beside(ctx); err == nil {
			return 0, besideTaken(g)
		}
	}
	return generation, err
}

// besideTaken says what to do about the generation that is there.
func besideTaken(g projections.Generation) error {
	return errors.Wrapf(projections.ErrBesideTaken, "generation %d is %s: `badgestream rebuild status` shows it, and `badgestream rebuild cancel` gives it up", g.Number, g.State)
}

// sameLog is how far each partition is folded, of a log that can be folded again.
func (r *Rebuilder) sameLog(ctx context.Context) ([]projections.Standing, error) {
	for _, topic := range r.cfg.sources() {
		settings, err := topicSettings(ctx, r.adm, topic)
		if err != nil {
			return nil, err
		}
		if policy := settings["cleanup.policy"]; strings.Contains(policy, "compact") {
			return nil, errors.Newf("topic %s is compacted (cleanup.policy=%s): compaction took events out of the log, and the rows would miss them; nothing was begun", topic, policy)
		}
	}
	standings, err := r.store.Positions(ctx, r.cfg.sources()...)
	if err != nil {
		return nil, err
	}
	if len(standings) == 0 {
		return nil, errors.Newf("group %s has folded nothing yet from %s: there is nothing to rebuild", r.cfg.Group, strings.Join(r.cfg.sources(), " and "))
	}
	topics, err := describeTopics(ctx, r.adm, r.cfg.sources()...)
	if err != nil {
		return nil, err
	}
	return standings, sameTopics(topics, standings)
}

// sameTopics refuses topics that are not those which were folded.
func sameTopics(topics map[string]topic, standings []projections.Standing) error {
	partitions := map[string]int32{}
	for _, s := range standings {
		partitions[s.Topic]++
		if topics[s.Topic].id != s.TopicID {
			return errors.Newf("topic %s was deleted and created again: its offsets mean other records than those folded; nothing was begun", s.Topic)
		}
	}
	for name, n := range partitions {
		if now := topics[name].partitions; now != n {
			return errors.Newf("topic %s had %d partitions when folding began and has %d now: keys moved to other partitions, so that their order is lost; nothing was begun", name, n, now)
		}
	}
	return nil
}

// reaches refuses a log that has lost what was, or would be, folded of it.
func (r *Rebuilder) reaches(ctx context.Context, is string, from []projections.BesideOffset) error {
	var starts kadm.ListedOffsets
	err := patiently(ctx, func() (err error) {
		if starts, err = r.adm.ListStartOffsets(ctx, r.cfg.sources()...); err == nil {
			err = starts.Error()
		}
		return err
	})
	if err != nil {
		return errors.Wrap(err, "find where the topics begin")
	}
	for _, o := range from {
		start, ok := starts.Lookup(o.Topic, o.Partition)
		if !ok {
			return errors.Newf("Kafka does not say where %s/%d begins", o.Topic, o.Partition)
		}
		if start.Offset > o.Begins {
			return errors.Newf("%s/%d %s folded from offset %d on, and its log now begins at %d: retention, or somebody, deleted %d records, and the rows would miss them; nothing was begun. A base that was taken later can be begun with: `badgestream rebuild base list`",
				o.Topic, o.Partition, is, o.Begins, start.Offset, start.Offset-o.Begins)
		}
	}
	return nil
}

// Cancel gives up the rebuild that is under way: its tables go.
func (r *Rebuilder) Cancel(ctx context.Context) (generation int32, err error) {
	g, err := r.store.Beside(ctx)
	if err != nil {
		return 0, err
	}
	if g.Lived {
		return 0, errors.Newf("generation %d was live before a switch: `badgestream rebuild retire` gives it up", g.Number)
	}
	return g.Number, r.store.Drop(ctx, g.Number, projections.Cancelled)
}
