package projections

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/processor"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// write writes the history, what is kept, and the rows of those who keep it.
func (c *changes) write(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{c.group, "history"}, []string{"topic", "partition", "offset", "ordinal", "user_id", "badge", "category", "criterion", "tier",
		"revoked", "at", "earned_at", "event_id", "event_source", "counters", "user_version", "catalog_version", "reason", "generation"},
		pgx.CopyFromSlice(len(c.history), func(i int) ([]any, error) {
			h := &c.history[i]
			return []any{h.Topic, h.Partition, h.Offset, h.Ordinal, h.User, h.Badge, h.Category, h.Criterion, h.Tier,
				h.Revoked, time.UnixMicro(h.At), time.UnixMicro(h.EarnedAt), h.EventID, h.EventSource, string(h.Counters.Append(nil)), h.Version, h.CatalogVersion, string(h.Reason), c.now.Generation}, nil
		}))
	if err != nil {
		return errors.Wrap(err, "write the history of a switch")
	}
	w := &c.switching.Switch
	_, err = tx.CopyFrom(ctx, pgx.Identifier{c.group, "kept"}, []string{"topic", "partition", "offset", "user_id", "badge", "earned_at"},
		pgx.CopyFromSlice(len(c.kept), func(i int) ([]any, error) {
			return []any{w.Topic, w.Partition, w.Offset, c.kept[i].User, c.kept[i].Badge, time.UnixMicro(c.kept[i].EarnedAt)}, nil
		}))
	if err != nil {
		return errors.Wrap(err, "write what is kept by a switch")
	}
	return writeHeld(ctx, tx, generationSchema(c.group, c.now.Generation), c.held)
}

// writeHeld sets the badges that users hold in a generation.
func writeHeld(ctx context.Context, tx pgx.Tx, gen string, updates []processor.HeldUpdate) error {
	batch := &pgx.Batch{}
	for i := range updates {
		badges, times := make([]int16, 0, len(updates[i].Held)), make([]time.Time, 0, len(updates[i].Held))
		for _, h := range updates[i].Held {
			badges, times = append(badges, h.Badge), append(times, time.UnixMicro(h.At))
		}
		batch.Queue(`INSERT INTO `+gen+`.users (id, version, held, earned_at) VALUES ($1, 0, $2, $3)
ON CONFLICT (id) DO UPDATE SET held = excluded.held, earned_at = excluded.earned_at`, updates[i].User, badges, times)
	}
	return errors.Wrap(tx.SendBatch(ctx, batch).Close(), "write what users hold")
}

// ledger writes the rows of the switch's record: one for each stretch of its
// changes that is published at once.
func (c *changes) ledger(ctx context.Context, tx pgx.Tx) error {
	w := &c.switching.Switch
	batch := &pgx.Batch{}
	for at, step := 0, int64(0); ; step++ {
		from := Position{Offset: w.Offset, Step: step, Ordinal: int64(min(at, len(c.history)))}
		to := Position{Offset: w.Offset + 1}
		// There are two at least: that tells it from a switch that was refused.
		if at += switchStep; step == 0 || at < len(c.history) {
			to = Position{Offset: w.Offset, Step: step + 1, Ordinal: int64(min(at, len(c.history)))}
		}
		batch.Queue(`INSERT INTO `+schema(c.group)+`.ledger (topic, partition, from_offset, from_step, from_ordinal, to_offset, to_step, to_ordinal, due, catalog_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)`, w.Topic, w.Partition, from.Offset, from.Step, from.Ordinal, to.Offset, to.Step, to.Ordinal, c.now.CatalogVersion)
		if to.Step == 0 {
			break
		}
	}
	return errors.Wrap(tx.SendBatch(ctx, batch).Close(), "write the ledger's rows of a switch")
}
