package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// worker is one member of the group: a sequential loop with a session of its
// own. It lives until the first error; the engine then makes another, which
// reads everything anew.
type worker struct {
	*engine
	slot      int32
	cat       *catalog.Catalog
	installed projections.Installed
	session   *kgo.GroupTransactSession
	abandon   context.CancelFunc // what the session's client still tries
	adm       *kadm.Client
	folder    Folder
	redis     Snapshots

	group ownership
	parts map[projections.TopicPartition]*partition
	order []*partition // parts, by topic and partition
	// windows are those of partitions that were taken away.
	windows map[projections.TopicPartition]window

	notes notes

	packer packer
	in     *intake
	// limit is how many events the next batch may hold, and mostBytes how many
	// bytes.
	limit, mostBytes int
}

// window is a duplicate window and the position up to which it has seen.
type window struct {
	*processor.Window
	at projections.Position
}

// instance names the slot for Kafka: as a transactional id it fences a dead
// predecessor of the same slot, as a static member it takes over its
// partitions without a rebalance.
func instance(group string, slot int32) string { return fmt.Sprintf("%s-%d", group, slot) }

// join makes the session; partitions come with polls. It fences a predecessor
// of the same slot first: the client would do so at its first transaction, and
// until then a transaction that died with the predecessor hides the committed
// offsets, for as long as the transaction time-out.
func (w *worker) join(ctx context.Context) error {
	id := instance(w.cfg.Group, w.slot)
	var living context.Context
	living, w.abandon = context.WithCancel(context.WithoutCancel(ctx))
	opts := append(w.isolated(), w.group.options()...)
	opts = append(opts, kgo.WithContext(living),
		kgo.ClientID(id),
		kgo.ConsumerGroup(w.cfg.Group), kgo.ConsumeTopics(w.cfg.sources()...),
		kgo.InstanceID(id), kgo.TransactionalID(id),
		// Range deals out each topic by itself: the control topic's partition
		// does not count as one of activity.
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.BlockRebalanceOnPoll(),
		// Partitions that somebody adds are noticed by then, and halt.
		kgo.MetadataMaxAge(metadataAge),
		kgo.SessionTimeout(sessionTimeout), kgo.RebalanceTimeout(rebalanceTimeout), kgo.HeartbeatInterval(sessionTimeout/10),
		kgo.TransactionTimeout(transactionTimeout),
		// Batches are small. LZ4, for one, takes buffers of 4 MiB to each, and longer.
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytesFn(func(name string) int32 { return max(producedBytes, w.topics[name].maxBytes) }),
		kgo.MaxBufferedRecords(1<<20), kgo.WithPools(&fetchPools{}),
		// What is fetched ahead is unpacked at once, to a dozen times its size.
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchBytes/4), kgo.MaxConcurrentFetches(2), kgo.FetchMaxWait(500*time.Millisecond),
	)
	session, err := kgo.NewGroupTransactSession(append(opts, w.tel.KafkaOptions()...)...)
	if err != nil {
		return errors.Wrapf(err, "make the Kafka session of slot %d", w.slot)
	}
	w.session, w.adm = session, kadm.NewClient(session.Client())
	_, _, err = session.Client().ProducerID(ctx)
	return errors.Wrapf(err, "take over the transactional id %s", id)
}

// loop folds until the context ends, or until an error. The other context is
// for what is in flight, and ends only with the lease.
func (w *worker) loop(ctx, leased context.Context) error {
	for ctx.Err() == nil {
		if err := w.turn(ctx, leased); err != nil {
			return err
		}
		w.session.AllowRebalance()
	}
	return nil
}

// turn is one poll and what follows from it. A stop that is asked for while a
// batch is in flight waits for it; the servers bound how long that takes.
func (w *worker) turn(ctx, leased context.Context) error {
	if err := w.poll(ctx); err != nil {
		return err
	}
	w.observeLag()
	for _, p := range w.order {
		if p.recoverable() {
			return w.recover(leased, p)
		}
		if p.forgotten && p.polled && !p.recovering() {
			p.forgotten = false
			return w.publish(leased, &publication{to: map[projections.TopicPartition]projections.Position{p.TopicPartition: p.published}})
		}
	}
	for _, p := range w.order {
		if p.tick != nil {
			if err := w.step(leased, p); err != nil {
				return err
			}
		}
		if p.asked != nil {
			if err := w.awaitSwitch(leased, p); err != nil {
				return err
			}
		}
		if p.erasing != nil {
			if err := w.erase(leased, p, 0); err != nil {
				return err
			}
			return errErased
		}
	}
	return w.fold(leased)
}

// own makes the worker's partitions what the group decided. It reports whether
// the records just polled are stale, as they came before that.
func (w *worker) own(ctx context.Context) (stale bool, err error) {
	owned, revoked := w.group.take()
	if revoked {
		// The session remembers a revocation and aborts the next transaction for
		// it, though that begins only now. An empty one takes the memory away,
		// and rewinds the cursors to what is committed.
		if err := w.session.Begin(); err != nil {
			return true, errors.Wrap(err, "begin a Kafka transaction after a rebalance")
		}
		if _, err := w.session.End(ctx, kgo.TryAbort); err != nil {
			return true, errors.Wrap(err, "end a Kafka transaction after a rebalance")
		}
		w.drop()
	}
	var fresh []projections.TopicPartition
	for _, p := range owned {
		if w.parts[p] == nil {
			fresh = append(fresh, p)
		}
	}
	if len(fresh) > 0 {
		err = w.assign(ctx, fresh)
	}
	return revoked, err
}

// drop forgets all partitions. Their windows are kept, for those that come
// back before anybody else folded them on.
func (w *worker) drop() {
	for id, p := range w.parts {
		if !p.waits() {
			w.windows[id] = window{p.window, p.folded}
		} else {
			w.resume(p)
		}
		w.redis.Forget(id)
		w.tel.Pipeline.DropLag(p.Topic, p.Partition)
	}
	clear(w.parts)
	w.order = nil
}

func (w *worker) sortPartitions() {
	w.order = w.order[:0]
	for _, p := range w.parts {
		w.order = append(w.order, p)
	}
	slices.SortFunc(w.order, func(a, b *partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}
