package oracle

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/badgestream/badgestream/internal/oracle/recount"
)

// watermarks are the committed offsets K of the source topics' partitions. The
// commit's metadata says how far a tick is published. It waits for
// transactions that are not settled.
func watermarks(ctx context.Context, adm *kadm.Client, group string, topics ...string) (map[recount.Partition]position, error) {
	var offsets kadm.OffsetResponses
	err := patiently(ctx, func() (err error) {
		if offsets, err = adm.FetchOffsetsForTopics(kadm.RequireStable(ctx), group, topics...); err == nil {
			err = offsets.Error()
		}
		if errors.Is(err, kerr.GroupIDNotFound) { // it never committed
			offsets, err = nil, nil
		}
		return err
	})
	if err != nil {
		return nil, errors.Wrapf(err, "read the committed offsets of group %s", group)
	}
	all := map[recount.Partition]position{}
	for _, o := range offsets.Sorted() {
		if o.At < 0 {
			continue
		}
		at, ok := noted(o.At, o.Metadata)
		if !ok {
			return nil, errors.Newf("the committed offset of %s/%d bears the note %.80q, which badgestream did not write", o.Topic, o.Partition, o.Metadata)
		}
		all[recount.Partition{Topic: o.Topic, Partition: o.Partition}] = at
	}
	return all, nil
}

// noted reads the note of a committed offset, which says how far its record is
// published. It takes none that is not written to the letter.
func noted(offset int64, note string) (at position, ok bool) {
	at.Offset = offset
	if note == "" || note == "seeded" {
		return at, true
	}
	const form = "step=%d ordinal=%d"
	_, err := fmt.Sscanf(note, form, &at.Step, &at.Ordinal)
	return at, err == nil && min(at.Step, at.Ordinal) >= 0 && note == fmt.Sprintf(form, at.Step, at.Ordinal)
}

// offsets asks Kafka for a kind of offsets of topics' partitions.
func offsets(ctx context.Context, what string, list func(context.Context, ...string) (kadm.ListedOffsets, error), topics ...string) (map[recount.Partition]int64, error) {
	all := map[recount.Partition]int64{}
	err := patiently(ctx, func() error {
		listed, err := list(ctx, topics...)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			return err
		}
		listed.Each(func(o kadm.ListedOffset) { all[recount.Partition{Topic: o.Topic, Partition: o.Partition}] = o.Offset })
		return nil
	})
	return all, errors.Wrapf(err, "ask Kafka for the %s offsets of %v", what, topics)
}

// patiently repeats a request while Kafka says that it could be answered later.
func patiently(ctx context.Context, request func() error) error {
	const pause, patience = 100 * time.Millisecond, 30 * time.Second
	for began := time.Now(); ; {
		err := request()
		if err == nil || !kerr.IsRetriable(err) || time.Since(began) > patience {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// awaitDrained waits until all that stands in the log is published, but not
// for longer than the time to settle: LagZero then says what is left.
func (a *auditor) awaitDrained(ctx context.Context) error {
	const look = 50 * time.Millisecond
	for began := time.Now(); time.Since(began) < a.cfg.Settle; {
		ends, err := offsets(ctx, "last stable", a.adm.ListCommittedOffsets, a.cfg.sources()...)
		if err != nil {
			return err
		}
		ks, err := watermarks(ctx, a.adm, a.cfg.Group, a.cfg.sources()...)
		if err != nil {
			return err
		}
		left := false
		for p, end := range ends {
			left = left || ks[p].Offset < end
		}
		if !left {
			return nil
		}
		if err := wait(ctx, look); err != nil {
			return err
		}
	}
	return nil
}
