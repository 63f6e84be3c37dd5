package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ledgerLog reads the log as far as the ledger's next range needs it: each
// partition by itself, and none much further than the others.
type ledgerLog struct {
	parts map[projections.TopicPartition]*partition
	cl    *kgo.Client
	// packer copies what was polled, of which the partitions hold about bytes.
	packer packer
	bytes  int
}

// fetchWait is how long a broker keeps a request of which no partition has
// anything new. A partition is only asked for by the next request once it is
// needed again, so that all would wait for this one.
const fetchWait = 50 * time.Millisecond

// openLedgerLog begins to read the partitions from where they are folded, and
// makes their windows by the catalogue.
func openLedgerLog(ctx context.Context, with reading, cat *catalog.Catalog, parts map[projections.TopicPartition]*partition, bytes int) (*ledgerLog, error) {
	starts := map[string]map[int32]kgo.Offset{}
	for id, p := range parts {
		var err error
		if p.window, err = with.warm(ctx, cat, id, p.folded.Offset); err != nil {
			return nil, err
		}
		if starts[id.Topic] == nil {
			starts[id.Topic] = map[int32]kgo.Offset{}
		}
		starts[id.Topic][id.Partition] = kgo.NewOffset().At(p.folded.Offset)
	}
	cl, err := kgo.NewClient(append(with.options(), kgo.ConsumePartitions(starts), kgo.WithPools(&fetchPools{}), kgo.FetchMaxWait(fetchWait),
		kgo.FetchMaxBytes(2*fetchBytes), kgo.FetchMaxPartitionBytes(fetchBytes/2))...)
	return &ledgerLog{parts: parts, cl: cl, bytes: bytes}, errors.Wrap(err, "make a Kafka client")
}

func (l *ledgerLog) close() { l.cl.Close() }

// need polls until the records up to a position are there.
func (l *ledgerLog) need(ctx context.Context, p *partition, to projections.Position) error {
	last := to.Offset
	if to.Step > 0 {
		last++
	}
	for p.seen < last {
		l.balance(p)
		patience, cancel := context.WithTimeout(ctx, warmPatience)
		fetches := l.cl.PollRecords(patience, maxBatch)
		cancel()
		if err := fetches.Err(); err != nil {
			return explain(errors.Wrapf(err, "read %s/%d up to offset %d", p.Topic, p.Partition, last))
		}
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if q := l.parts[projections.TopicPartition{Topic: f.Topic, Partition: f.Partition}]; q != nil {
				q.push(l.packer.all(f.Records), f.LastStableOffset)
			}
		})
	}
	return nil
}

// balance keeps partitions from filling the memory while another one is needed.
func (l *ledgerLog) balance(needed *partition) {
	for id, p := range l.parts {
		topics := map[string][]int32{id.Topic: {id.Partition}}
		if p != needed && p.bytes > l.bytes/len(l.parts) {
			l.cl.PauseFetchPartitions(topics)
		} else {
			l.cl.ResumeFetchPartitions(topics)
		}
	}
}
