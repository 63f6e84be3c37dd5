package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// The committed offset K of a partition is a whole position: within a tick the
// offset stands still while its badge events go out step by step, and the
// commit's metadata says how many have. Seeded marks a commit that only says
// where folding shall begin.
const seeded = "seeded"

func metadata(p projections.Position) string {
	return fmt.Sprintf("step=%d ordinal=%d", p.Step, p.Ordinal)
}

func parseMetadata(offset int64, text string) (projections.Position, error) {
	p := projections.Position{Offset: offset}
	if text == seeded || text == "" {
		return p, nil
	}
	_, err := fmt.Sscanf(text, "step=%d ordinal=%d", &p.Step, &p.Ordinal)
	if err != nil || min(p.Step, p.Ordinal) < 0 || text != metadata(p) {
		return p, errors.Newf("the committed offset %d bears the note %.80q, which badgestream did not write: another program commits to this group; give it a group of its own", offset, text)
	}
	return p, nil
}

// compare orders positions of one partition.
func compare(a, b projections.Position) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Step, b.Step))
}

// committed reads K of all partitions of the topics that have one. It waits
// for transactions that are not settled yet.
func committed(ctx context.Context, adm *kadm.Client, group string, topics ...string) (map[projections.TopicPartition]projections.Position, map[projections.TopicPartition]string, error) {
	var offsets kadm.OffsetResponses
	err := patiently(ctx, func() (err error) {
		if offsets, err = adm.FetchOffsetsForTopics(kadm.RequireStable(ctx), group, topics...); err == nil {
			err = offsets.Error()
		}
		// A group that never committed: Kafka answers without offsets, kfake with
		// this error.
		if errors.Is(err, kerr.GroupIDNotFound) {
			offsets, err = nil, nil
		}
		return err
	})
	if err != nil {
		return nil, nil, errors.Wrapf(err, "read the committed offsets of group %s for %s", group, strings.Join(topics, ", "))
	}
	ks, notes := map[projections.TopicPartition]projections.Position{}, map[projections.TopicPartition]string{}
	for _, o := range offsets.Sorted() {
		if o.At < 0 {
			continue
		}
		p := projections.TopicPartition{Topic: o.Topic, Partition: o.Partition}
		k, err := parseMetadata(o.At, o.Metadata)
		if err != nil {
			return nil, nil, errors.Wrapf(err, "group %s, %s/%d", group, o.Topic, o.Partition)
		}
		ks[p], notes[p] = k, o.Metadata
	}
	return ks, notes, nil
}

// listed asks for starts or ends of topics. The leader of a partition that was
// made just now, or that moves, is not known at once.
func listed(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error), topics ...string) (offsets kadm.ListedOffsets, err error) {
	err = patiently(ctx, func() (err error) {
		if offsets, err = list(ctx, topics...); err == nil {
			err = offsets.Error()
		}
		return err
	})
	return offsets, err
}

// patiently repeats a request while Kafka says that it could be answered later,
// as it does while a coordinator moves or is made.
func patiently(ctx context.Context, request func() error) error {
	const pause, patience = 100 * time.Millisecond, 30 * time.Second
	for began := time.Now(); ; {
		err := request()
		if err == nil || !kerr.IsRetriable(err) || time.Since(began) > patience {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
