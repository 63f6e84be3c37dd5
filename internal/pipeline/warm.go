package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
)

// warmPatience is how long the log may answer nothing while a window is read.
const warmPatience = 30 * time.Second

// reading is what it takes to read the log besides the group.
type reading struct {
	// control is the group's control topic.
	control string
	// options are those of every reader.
	options func() []kgo.Opt
	// link leads to the traces of producers.
	link func([]trace.Link, []kgo.RecordHeader) []trace.Link
	// saw is told when an event of a type was last seen; nil where nobody asks.
	saw func(newest map[string]time.Time)
	// refusals tell what was rejected when it was folded. It is no occurrence,
	// also where this program would take it now: else a record that is sent again,
	// as what was wrong is mended, would be taken for its own duplicate.
	refusals refusals
}

func (e *engine) reading() reading {
	return reading{control: e.cfg.controlTopic(), options: e.isolated, link: e.tel.Link, refusals: e.refusals, saw: func(newest map[string]time.Time) { e.tel.Pipeline.SawTypes(nil, newest) }}
}

// warm makes the window that tells duplicates among the records from an
// offset on, by reading those before it. It uses a client of its own: the
// group's cursor must not move.
func (r reading) warm(ctx context.Context, cat *catalog.Catalog, p projections.TopicPartition, folded int64) (*processor.Window, error) {
	size := cat.DedupeWindow
	window := processor.NewWindow(size)
	if folded == 0 || size == 0 {
		return window, nil
	}
	cl, err := kgo.NewClient(r.options()...)
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	starts, err := listed(ctx, kadm.NewClient(cl).ListStartOffsets, p.Topic)
	if err != nil {
		return nil, errors.Wrapf(err, "find where %s/%d begins", p.Topic, p.Partition)
	}
	start, _ := starts.Lookup(p.Topic, p.Partition)
	from := max(start.Offset, folded-size)
	if from >= folded {
		return window, nil
	}
	rejected, err := r.refusals(ctx, p, from, folded)
	if err != nil {
		return nil, err
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{p.Topic: {p.Partition: kgo.NewOffset().At(from)}})
	in := newIntake(cat, r.control, r.link)
	held := partition{TopicPartition: p, window: window}
	var packer packer
	for next := from; next < folded; {
		patience, cancel := context.WithTimeout(ctx, warmPatience)
		fetches := cl.PollFetches(patience)
		cancel()
		if err := fetches.Err(); err != nil {
			return nil, errors.Wrapf(err, "read %s/%d from offset %d for its duplicates", p.Topic, p.Partition, next)
		}
		in.reset()
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			next = r.Offset + 1
			if _, was := slices.BinarySearch(rejected, r.Offset); was || r.Offset >= folded || r.Attrs.IsControl() {
				continue
			}
			packed := packer.pack(r)
			if _, err := in.record(ctx, &held, &packed); err != nil {
				return nil, err
			}
		}
		// What was seen long ago tells how long an event type has been silent.
		if r.saw != nil {
			r.saw(in.newest)
		}
	}
	return window, nil
}
