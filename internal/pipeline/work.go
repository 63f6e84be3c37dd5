package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"
)

// leaveTime bounds how long a worker that stops may take to say so.
const leaveTime = 5 * time.Second

// work is the life of one worker: it leases a slot, joins the group, folds,
// and gives everything back.
func (e *engine) work(ctx context.Context) (err error) {
	lease, slot, err := e.Store.LeaseSlot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.CombineErrors(err, lease.Close(context.WithoutCancel(ctx))) }()
	w := e.newWorker(slot)
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
		defer cancel()
		err = errors.CombineErrors(err, w.folder.Close(closing))
	}()
	// Before anything is read: a database that is restored after that is noticed.
	if err := w.folder.Connect(ctx); err != nil {
		return err
	}
	defer func() { w.leave(ctx, err) }()
	if err := w.join(ctx); err != nil {
		return err
	}
	defer w.drop()
	e.tel.Health.Ready(telemetry.Workers)
	e.first.CompareAndSwap(0, time.Now().UnixNano())
	// A lost lease means that another process may take the slot, and fence us: a
	// batch in flight is then given up, and only then. It is watched until the
	// last batch has ended, as nobody else bounds how long Postgres may hang.
	group, leased := errgroup.WithContext(context.WithoutCancel(ctx))
	turning, stop := context.WithCancel(leased)
	defer context.AfterFunc(ctx, stop)()
	holding, done := context.WithCancel(leased)
	group.Go(func() error { return lease.Hold(holding) })
	group.Go(func() error {
		defer done()
		defer stop()
		return w.loop(turning, leased)
	})
	return group.Wait()
}

func (e *engine) newWorker(slot int32) *worker {
	e.mu.Lock()
	cat, installed := e.cat, e.installed
	e.mu.Unlock()
	w := &worker{engine: e, slot: slot, cat: cat, installed: installed, in: newIntake(cat, e.cfg.controlTopic(), e.tel.Link), limit: firstBatch,
		parts: map[projections.TopicPartition]*partition{}, windows: map[projections.TopicPartition]window{},
		notes: notes{seen: map[int64]struct{}{}},
		redis: e.Snapshots(cat, installed)}
	w.in.switches, w.in.erases = e.postgres != nil, e.postgres != nil
	w.in.passOver(installed.Erased)
	w.in.refusals = e.refusals
	w.mostBytes = maxBatchBytes / fullShares(e.workers())
	if e.cfg.Batch > 0 {
		w.limit = e.cfg.Batch
	}
	w.folder = e.Store.NewFolder(installed, cat, "badgestream "+instance(e.cfg.Group, slot))
	return w
}

// leave ends the session. A worker that has no successor, as it was asked to
// stop or cannot go on, says so to the group, as closing a static member does
// not. One that failed keeps its partitions for its successor, which comes at
// once.
func (w *worker) leave(ctx context.Context, err error) {
	w.room.leave(w.slot)
	if w.session == nil {
		return
	}
	if ctx.Err() != nil || Halts(explain(err)) {
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
		defer cancel()
		id := instance(w.cfg.Group, w.slot)
		if _, err := w.adm.LeaveGroup(leaving, kadm.LeaveGroup(w.cfg.Group).InstanceIDs(id).Reason("badgestream stops")); err != nil {
			w.log.WarnContext(ctx, "the group was not left, it will notice after the session time-out", "slot", w.slot, "error", err)
		}
	}
	// Closing would wait for answers, for half a minute if the broker is away.
	w.abandon()
	w.session.CloseAllowingRebalance()
}
