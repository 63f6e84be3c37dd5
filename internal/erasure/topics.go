package erasure

import (
	"context"
	"fmt"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/schemas"
)

// topics reads what topics tell of users.
type topics struct {
	whose map[string]*Report
	// events are badge events by their keys, and letters dead letters, of which no
	// tombstone was seen.
	events  map[string]*Report
	letters map[string]namedLetter
}

// namedLetter is a dead letter: where it stands, and whom it names.
type namedLetter struct {
	at        string
	partition int32
	names     []*Report
}

// readTopics adds what the award topic and the dead letters tell of users.
func readTopics(ctx context.Context, cfg *Config, whose map[string]*Report) error {
	log, err := logreader.Open(ctx, cfg.Brokers)
	if err != nil {
		return err
	}
	defer log.Close()
	bounds, err := log.Bounds(ctx, cfg.AwardTopic, cfg.DeadLetterTopic)
	if err != nil {
		return err
	}
	t := &topics{whose: whose, events: map[string]*Report{}, letters: map[string]namedLetter{}}
	err = log.Read(ctx, bounds, func(rec *kgo.Record) error {
		if rec.Topic == cfg.DeadLetterTopic {
			t.letter(rec)
		} else {
			t.award(rec)
		}
		return nil // what others write to the topics is not ours
	})
	if err != nil {
		return errors.Wrap(err, "read the award topic and the dead letters")
	}
	compacted, err := log.Compacted(ctx, cfg.AwardTopic, cfg.DeadLetterTopic)
	if err != nil {
		return err
	}
	t.remaining()
	t.keep(cfg, compacted)
	return nil
}

// remaining tells of the dead letters that no tombstone follows.
func (t *topics) remaining() {
	for _, l := range t.letters {
		for _, r := range l.names {
			r.Letters = append(r.Letters, l.at)
		}
	}
	for _, r := range t.whose {
		slices.Sort(r.Letters)
	}
}

func (t *topics) award(rec *kgo.Record) {
	if len(rec.Value) == 0 {
		if r := t.events[string(rec.Key)]; r != nil {
			r.Forgotten++
			delete(t.events, string(rec.Key))
		}
		return
	}
	var e schemas.BadgeEvent
	err := schemas.DecodeBadgeEvent(rec.Headers, rec.Value, &e)
	if r := t.whose[e.User]; err == nil && r != nil {
		r.Events++
		t.events[string(rec.Key)] = r
	}
}

func (t *topics) letter(rec *kgo.Record) {
	if rec.Value == nil && len(rec.Headers) == 0 {
		l := t.letters[string(rec.Key)]
		if l.partition != rec.Partition {
			return
		}
		for _, r := range l.names {
			r.LettersForgotten++
		}
		delete(t.letters, string(rec.Key))
		return
	}
	// What badgestream's own headers say names nobody, even where it is an id.
	d, buried, err := schemas.Unbury(schemas.Buried[kgo.RecordHeader]{Key: rec.Key, Value: rec.Value, Headers: rec.Headers})
	l := namedLetter{at: fmt.Sprintf("%s/%d@%d", rec.Topic, rec.Partition, rec.Offset), partition: rec.Partition}
	schemas.Names(func(name string) bool {
		if r := t.whose[name]; r != nil && !slices.Contains(l.names, r) {
			l.names = append(l.names, r)
		}
		return false // there may be more of them
	}, buried.Key, buried.Value, buried.Headers)
	if len(l.names) == 0 {
		return
	}
	if own := schemas.DeadLetterKey(&d); err == nil && string(own) == string(rec.Key) {
		t.letters[string(own)] = l
		return
	}
	// No tombstone is meant for it alone.
	for _, r := range l.names {
		r.old++
		r.Letters = append(r.Letters, l.at)
	}
}

// keep notes which topics keep what tombstones should have removed.
func (t *topics) keep(cfg *Config, compacted map[string]bool) {
	for _, r := range t.whose {
		if r.Forgotten > 0 && !compacted[cfg.AwardTopic] {
			r.NotCompacted = append(r.NotCompacted, cfg.AwardTopic)
		}
		if r.LettersForgotten > 0 && !compacted[cfg.DeadLetterTopic] {
			r.NotCompacted = append(r.NotCompacted, cfg.DeadLetterTopic)
		}
	}
}
