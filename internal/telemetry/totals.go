package telemetry

import "sync/atomic"

// Totals is what this process did since it started. Its numbers are read one
// by one, so they may be a batch apart.
type Totals struct {
	// Events counts the records folded, including those of the next three.
	Events, Duplicates, Unknown, Rejected int64
	Awarded, Revoked                      int64
	// Batches counts transactions, Snapshots the snapshots written by them.
	Batches, Snapshots int64
	// Refreshed counts the snapshots written again outside batches.
	Refreshed int64
}

type totals struct {
	events, duplicates, unknown, rejected atomic.Int64
	awarded, revoked                      atomic.Int64
	batches, snapshots, refreshed         atomic.Int64
}

// Totals answers with what was done so far.
func (p *Pipeline) Totals() Totals {
	t := &p.totals
	return Totals{
		Events: t.events.Load(), Duplicates: t.duplicates.Load(),
		Unknown: t.unknown.Load(), Rejected: t.rejected.Load(),
		Awarded: t.awarded.Load(), Revoked: t.revoked.Load(),
		Batches: t.batches.Load(), Snapshots: t.snapshots.Load(), Refreshed: t.refreshed.Load(),
	}
}
