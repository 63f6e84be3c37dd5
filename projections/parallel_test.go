package projections

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
	"golang.org/x/sync/errgroup"
)

// work folds one partition to its end in batches of random length, and ticks
// in random steps.
func (w *world) work(ctx context.Context, p *partition, seed uint64) error {
	f := w.NewFolder(w.in, w.cat, fmt.Sprintf("worker %d", p.number))
	defer f.Close(context.WithoutCancel(ctx))
	random := rand.New(rand.NewPCG(seed, uint64(p.number)))
	batch := processor.New(w.cat)
	for at := (Position{}); at.Offset < int64(len(p.events)); {
		batch.Reset()
		if p.events[at.Offset].Type == schemas.TickType && !p.events[at.Offset].reject {
			src := p.source(at.Offset)
			if at.Step == 0 && p.window.See(src.Origin, src.ID, src.Offset) {
				at = Position{Offset: at.Offset + 1}
				work := &Work{Batch: batch, Reason: schemas.ReasonActivity,
					Ranges: []Range{{TopicPartition{"activity", p.number}, Position{Offset: at.Offset - 1}, at}}}
				if _, err := f.Fold(ctx, work); err != nil {
					return err
				}
				continue
			}
			_, _, to, err := f.FoldTick(ctx, &TickWork{Batch: batch, Source: src, From: at, Limit: 1 + random.IntN(3), Reason: schemas.ReasonActivity})
			if err != nil {
				return err
			}
			at = to
			continue
		}
		work := &Work{Batch: batch, Reason: schemas.ReasonActivity}
		at.Offset = p.fill(w.t, work, at.Offset, min(at.Offset+1+random.Int64N(40), int64(len(p.events))))
		if _, err := f.Fold(ctx, work); err != nil {
			return err
		}
	}
	return nil
}

// refold folds the ranges of another group's ledger, one at a time.
func (w *world) refold(ledger []LedgerRow, log []*partition) {
	w.t.Helper()
	f := w.folder()
	for _, p := range log {
		p.window = processor.NewWindow(w.cat.DedupeWindow)
	}
	batch := processor.New(w.cat)
	for _, row := range ledger {
		p := log[row.TopicPartition.Partition]
		batch.Reset()
		ev := &p.events[row.From.Offset]
		if ev.Type == schemas.TickType && !ev.reject && (row.From.Step > 0 || !p.window.See(ev.Source, ev.ID, row.From.Offset)) {
			to := row.To
			if _, _, _, err := f.FoldTick(w.t.Context(), &TickWork{Batch: batch, Source: p.source(row.From.Offset), From: row.From,
				Limit: int(row.Due), To: &to, Reason: schemas.ReasonActivity}); err != nil {
				w.t.Fatal(err)
			}
			continue
		}
		work := &Work{Batch: batch, Reason: schemas.ReasonActivity}
		p.fill(w.t, work, row.From.Offset, row.To.Offset)
		work.Ranges[0].To = row.To
		if _, err := f.Fold(w.t.Context(), work); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestLedgerIsTheHistory folds a log with a worker per partition, all
// crediting the same users, then folds the ledger's ranges one at a time, in
// the order of their numbers, and compares every row and the whole history.
func TestLedgerIsTheHistory(t *testing.T) {
	cat, url := load(t, "stride"), server(t)
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			log := newTraffic(seed, true).log(5, 300)
			live := newWorld(t, url, fmt.Sprintf("live-%d", seed), cat, len(log))
			workers, ctx := errgroup.WithContext(t.Context())
			for _, p := range log {
				workers.Go(func() error { return live.work(ctx, p, seed) })
			}
			if err := workers.Wait(); err != nil {
				t.Fatal(err)
			}
			ledger := live.checkTiling(log)
			again := newWorld(t, url, fmt.Sprintf("again-%d", seed), cat, len(log))
			again.refold(ledger, log)
			same(t, "refolded by the ledger", live.state(), again.state())
			if n := strings.Count(live.state(), "\nhistory"); n < 100 {
				t.Fatalf("only %d awards and revocations: the test's traffic is too tame", n)
			}
		})
	}
}

// checkTiling returns the ledger, having checked that its ranges tile the log.
func (w *world) checkTiling(log []*partition) []LedgerRow {
	w.t.Helper()
	var ledger []LedgerRow
	for after := int64(0); ; {
		page, err := w.LedgerAfter(w.t.Context(), after, 50)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		ledger = append(ledger, page...)
		after = page[len(page)-1].Number
	}
	ends := make([]Position, len(log))
	for _, row := range ledger {
		if at := &ends[row.TopicPartition.Partition]; *at != row.From {
			w.t.Fatalf("ledger row %d begins at %+v of partition %d, which stood at %+v", row.Number, row.From, row.TopicPartition.Partition, *at)
		}
		ends[row.TopicPartition.Partition] = row.To
	}
	for p, end := range ends {
		if end != (Position{Offset: int64(len(log[p].events))}) {
			w.t.Fatalf("the ledger of partition %d ends at %+v", p, end)
		}
	}
	return ledger
}

// TestBatchBoundariesDoNotShow compares what several workers made, batch by
// batch, with the processor's own store in memory, one event at a time, in the
// ledger's order.
func TestBatchBoundariesDoNotShow(t *testing.T) {
	cat, url := load(t, "stride"), server(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			log := newTraffic(100+seed, false).log(4, 300)
			live := newWorld(t, url, fmt.Sprintf("live-%d", seed), cat, len(log))
			workers, ctx := errgroup.WithContext(t.Context())
			for _, p := range log {
				workers.Go(func() error { return live.work(ctx, p, seed) })
			}
			if err := workers.Wait(); err != nil {
				t.Fatal(err)
			}
			memory, batch := processor.NewMemory(cat), processor.New(cat)
			var want strings.Builder
			for _, p := range log {
				p.window = processor.NewWindow(cat.DedupeWindow)
			}
			for _, row := range live.checkTiling(log) {
				p := log[row.TopicPartition.Partition]
				for offset := row.From.Offset; offset < row.To.Offset; offset++ {
					batch.Reset()
					p.fill(t, &Work{Batch: batch}, offset, offset+1)
					if err := memory.Fold(batch); err != nil {
						t.Fatal(err)
					}
					for _, c := range batch.Changes() {
						fmt.Fprintln(&want, row.Number, offset, c.Ordinal, c.User, cat.Badges[c.Badge].Slug, c.Revoked, c.EarnedAt, c.Version)
					}
				}
			}
			got := live.text(`SELECT l.number, h."offset", h.ordinal, h.user_id, h.badge, h.revoked, (extract(epoch FROM earned_at) * 1000000)::bigint, h.user_version
FROM BASE.history h JOIN BASE.ledger l ON h.partition = l.partition AND h."offset" >= l.from_offset AND h."offset" < l.to_offset
ORDER BY l.number, h."offset", h.ordinal`)
			same(t, "folded one event at a time", want.String(), got)
			var rows int
			memory.Users(func(processor.Final) { rows++ })
			if n := strings.Count(want.String(), "\n"); n < 100 || rows == 0 {
				t.Fatalf("only %d awards and revocations of %d users: the test's traffic is too tame", n, rows)
			}
		})
	}
}

// TestOneEventAtATime folds what several workers folded, in the ledger's
// order, but each event in a transaction of its own: every row is the same.
func TestOneEventAtATime(t *testing.T) {
	t.Parallel()
	cat, url := load(t, "stride"), server(t)
	log := newTraffic(200, false).log(3, 200)
	live, single := newWorld(t, url, "live", cat, len(log)), newWorld(t, url, "single", cat, len(log))
	workers, ctx := errgroup.WithContext(t.Context())
	for _, p := range log {
		workers.Go(func() error { return live.work(ctx, p, 200) })
	}
	if err := workers.Wait(); err != nil {
		t.Fatal(err)
	}
	var each []LedgerRow
	for _, row := range live.checkTiling(log) {
		for offset := row.From.Offset; offset < row.To.Offset; offset++ {
			each = append(each, LedgerRow{Range: Range{row.TopicPartition, Position{Offset: offset}, Position{Offset: offset + 1}}})
		}
	}
	single.refold(each, log)
	same(t, "one event at a time", live.state(), single.state())
}
