package pipeline

import (
	"context"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
)

// seed makes sure that every partition has a committed offset before anybody
// polls, and that Postgres notes it. Without one, a first abort would rewind
// to 0, and an offset that got lost later could not be told from one that
// never was. It also refuses topics that are not those which were folded.
func (e *engine) seed(ctx context.Context) error {
	return e.Store.Alone(ctx, "seed", func() error {
		known, err := e.knownTopics(ctx)
		if err != nil {
			return err
		}
		var missing []string
		for _, name := range e.cfg.sources() {
			t, found := e.topics[name], known[name]
			switch {
			case found.partitions == 0:
				missing = append(missing, name)
			case found.id != t.id:
				return halt("topic %s was deleted and created again: its offsets mean other records than those folded; begin anew with another --group", name)
			case found.partitions != t.partitions:
				return halt("topic %s had %d partitions when folding began and has %d now: keys moved to other partitions, so that their order is lost; put it back, or begin anew with another --group", name, found.partitions, t.partitions)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		return e.seedTopics(ctx, missing)
	})
}

// knownTopics are the topics as they were when folding began.
func (e *engine) knownTopics(ctx context.Context) (map[string]topic, error) {
	standings, err := e.Store.Positions(ctx, e.cfg.sources()...)
	if err != nil {
		return nil, err
	}
	known := map[string]topic{}
	for _, s := range standings {
		t := known[s.Topic]
		t.id, t.partitions = s.TopicID, t.partitions+1
		known[s.Topic] = t
	}
	return known, nil
}

func (e *engine) seedTopics(ctx context.Context, names []string) error {
	ks, notes, err := committed(ctx, e.adm, e.cfg.Group, names...)
	if err != nil {
		return err
	}
	starts, err := listed(ctx, e.adm.ListStartOffsets, names...)
	if err != nil {
		return errors.Wrapf(err, "find where the topics begin")
	}
	var rows []projections.Standing
	commits := kadm.Offsets{}
	for _, name := range names {
		for id := range e.topics[name].partitions {
			p := projections.TopicPartition{Topic: name, Partition: id}
			start, ok := starts.Lookup(name, id)
			if !ok {
				return errors.Newf("Kafka does not say where %s/%d begins", name, id)
			}
			at := start.Offset
			if k, ok := ks[p]; ok && notes[p] != seeded {
				return halt("group %s has committed offset %d of %s/%d, and Postgres knows nothing of it: this is another database, or an emptied one; restore it, or take another --group to begin anew", e.cfg.Group, k.Offset, name, id)
			} else if ok {
				at = k.Offset
			}
			rows = append(rows, projections.Standing{TopicPartition: p, TopicID: e.topics[name].id, Position: projections.Position{Offset: at}})
			commits.Add(kadm.Offset{Topic: name, Partition: id, At: at, LeaderEpoch: -1, Metadata: seeded})
		}
	}
	err = patiently(ctx, func() error {
		responses, err := e.adm.CommitOffsets(ctx, e.cfg.Group, commits)
		if err == nil {
			err = responses.Error()
		}
		return err
	})
	if err != nil {
		return errors.Wrapf(err, "commit where group %s begins: is another program a member of it?", e.cfg.Group)
	}
	_, _, err = e.Store.Seed(ctx, rows)
	return err
}
