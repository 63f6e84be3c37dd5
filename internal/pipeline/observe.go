package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kerr"
)

// observeFold tells of a batch that Postgres committed.
func (w *worker) observeFold(ctx context.Context, took time.Duration) {
	for i, r := range w.in.ranges {
		t := &w.in.tallies[i]
		w.tel.Pipeline.Folded(ctx, r.Topic, r.Partition, t.records, t.duplicates, t.unknown, t.rejected, took)
		took = 0
	}
	w.tel.Pipeline.SawTypes(w.in.types, w.in.newest)
	w.tel.Pipeline.SawUnknown(w.in.strangers)
}

// observeBatch tells of a batch that is published.
func (w *worker) observeBatch(ctx context.Context, took time.Duration) {
	records := int64(0)
	for i := range w.in.tallies {
		records += w.in.tallies[i].records
	}
	w.tel.Pipeline.Batch(ctx, int(records), took)
}

func (w *worker) observeAwards(ctx context.Context, history []projections.HistoryRow) {
	revoked := int64(0)
	for i := range history {
		if history[i].Revoked {
			revoked++
		}
	}
	w.tel.Pipeline.Awards(ctx, int64(len(history))-revoked, revoked)
}

// observeLag tells how far each partition is behind: up to the last stable
// offset, as what lies beyond cannot be read yet.
func (w *worker) observeLag() {
	for _, p := range w.order {
		offsets, seconds := max(0, p.end-p.published.Offset), 0.0
		if offsets > 0 && len(p.queue) > 0 {
			seconds = max(0, time.Since(time.UnixMilli(p.queue[0].timestamp)).Seconds())
		}
		w.tel.Pipeline.SetLag(p.Topic, p.Partition, offsets, seconds)
	}
}

// reasonOf sorts the errors that end a worker into a few kinds, for metrics.
func reasonOf(err error) string {
	var refused *pgconn.PgError
	var unreached *pgconn.ConnectError
	var code *kerr.Error
	switch {
	case errors.Is(err, errNotCommitted), errors.As(err, &code):
		return "kafka"
	case errors.As(err, &refused), errors.As(err, &unreached):
		return "postgres"
	}
	return "other"
}
