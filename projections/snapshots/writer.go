package snapshots

import (
	"context"
	"encoding/json"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// ErrRefreshNeeded says that Redis lost snapshots that it had acknowledged. What
// was just written stands; Refresh brings back the rest.
var ErrRefreshNeeded = errors.New("Redis lost snapshots that it had acknowledged")

// A round trip carries no more than this, so that neither side needs much memory
// for it, and nobody who reads waits longer than the millisecond it takes.
const (
	maxSnapshots = 500
	maxBytes     = 1 << 20
)

// Writer writes snapshots. It is used by one goroutine.
type Writer struct {
	rdb     redis.UniversalClient
	group   string
	cat     *catalog.Catalog
	in      projections.Installed
	scripts *scripts

	// expected is what the marker must have reached in each partition.
	expected map[projections.TopicPartition]projections.Position
	snapshot schemas.Snapshot
	bufs     [2][]byte // of the chunk that is made, and of the one being sent
}

// NewWriter makes a writer of what is folded by the catalogue as installed.
func NewWriter(rdb redis.UniversalClient, group string, cat *catalog.Catalog, in projections.Installed) *Writer {
	return &Writer{rdb: rdb, group: group, cat: cat, in: in, scripts: newScripts(),
		expected: map[projections.TopicPartition]projections.Position{}}
}

// Expect says up to where a partition's snapshots were acknowledged by some
// writer: its publish watermark K, as nothing is published before. It is to be
// called when the partition is assigned, before its first Write.
func (w *Writer) Expect(ctx context.Context, p projections.TopicPartition, k projections.Position) error {
	if k == (projections.Position{}) {
		// Nothing can be missing yet; from now on, a missing field tells of a loss.
		if err := w.rdb.HSetNX(ctx, markerKey(w.group), field(p), mark(k)).Err(); err != nil {
			return errors.Wrapf(err, "begin the marker of %s/%d", p.Topic, p.Partition)
		}
	}
	w.expected[p] = k
	return nil
}

// Forget drops a partition that is no longer this writer's.
func (w *Writer) Forget(p projections.TopicPartition) { delete(w.expected, p) }

// Write sets the users' snapshots, each user's once, where Redis has older ones,
// and then moves the marker on to the ends of the ledger rows that they come from.
// When it returns nil or ErrRefreshNeeded, Redis has acknowledged all of them.
// After any other error it can be called again with the same.
func (w *Writer) Write(ctx context.Context, finals []processor.Final, from ...projections.LedgerRow) error {
	// While Redis works on one chunk, the next is made.
	var sent errgroup.Group
	for i := 0; len(finals) > 0; i++ {
		values, n := w.chunk(&w.bufs[i%len(w.bufs)], finals)
		if err := sent.Wait(); err != nil {
			return err
		}
		chunk := finals[:n]
		finals = finals[n:]
		sent.Go(func() error { return w.send(ctx, chunk, values) })
	}
	if err := sent.Wait(); err != nil {
		return err
	}
	return w.advance(ctx, from)
}

func (w *Writer) send(ctx context.Context, finals []processor.Final, values [][]byte) error {
	if _, cluster := w.rdb.(*redis.ClusterClient); !cluster {
		return w.setNewer(ctx, finals, values)
	}
	_, err := w.scripts.run(ctx, w.rdb, func(p redis.Pipeliner) {
		w.makeKnown(ctx, p)
		for i := range finals {
			w.scripts.newer.EvalSha(ctx, p, []string{Key(w.group, finals[i].User)}, values[i])
		}
	})
	return errors.Wrapf(err, "write %d snapshots", len(finals))
}

// chunk makes the values of the first users in the buffer, as many as one round
// trip takes.
func (w *Writer) chunk(buffer *[]byte, finals []processor.Final) (values [][]byte, n int) {
	buf := (*buffer)[:0]
	for n < len(finals) && n < maxSnapshots && len(buf) < maxBytes {
		start := len(buf)
		buf = w.append(buf, &finals[n])
		values = append(values, buf[start:len(buf):len(buf)])
		n++
	}
	*buffer = buf
	return values, n
}

func (w *Writer) append(dst []byte, f *processor.Final) []byte {
	return appendSnapshot(dst, &w.snapshot, w.cat, w.in, f)
}

// appendSnapshot is the one place where a row becomes a snapshot.
func appendSnapshot(dst []byte, s *schemas.Snapshot, cat *catalog.Catalog, in projections.Installed, f *processor.Final) []byte {
	fill(s, cat, in, f)
	return s.Append(dst)
}

func fill(s *schemas.Snapshot, cat *catalog.Catalog, in projections.Installed, f *processor.Final) {
	processor.FillSnapshot(cat, f, s)
	s.Epoch, s.Version, s.Catalog = in.Epoch, in.Version(f.Version), int64(in.CatalogVersion)
}

// WriteCatalog sets the catalogue's view, unless a later version's is there.
func (w *Writer) WriteCatalog(ctx context.Context) error {
	view, err := json.Marshal(w.cat.View(int(w.in.CatalogVersion)))
	if err != nil {
		return errors.Wrapf(err, "catalogue view of version %d", w.in.CatalogVersion)
	}
	_, err = w.scripts.run(ctx, w.rdb, func(p redis.Pipeliner) {
		w.scripts.view.EvalSha(ctx, p, []string{CatalogKey(w.group)}, view, w.in.CatalogVersion)
	})
	return errors.Wrap(err, "write the catalogue's view")
}
