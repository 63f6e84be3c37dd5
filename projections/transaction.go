package projections

import (
	"context"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
)

// Postgres's error codes that ask for another attempt.
const (
	deadlockDetected     = "40P01"
	serializationFailure = "40001"
)

// transaction is one attempt to fold, and what it learnt on the way.
type transaction struct {
	batch   *processor.Batch
	ranges  []Range
	rejects []Reject
	reason  schemas.BadgeReason
	number  int64 // of the ledger's row, 0 to draw it
	due     int32 // how many users a tick's step takes
	move    bool  // the fold offset moves in the last stage, and not in the first

	xid     uint32 // names the transaction to the server
	clock   int64
	epoch   int64
	history []HistoryRow
	ledger  []LedgerRow
	full    []int16 // First collections without a free place
}

// run makes attempts until the transaction commits or fails for good. stages
// does everything but the last stage.
func (f *Folder) run(ctx context.Context, t *transaction, stages func(context.Context, *transaction) error) (*Outcome, error) {
	if f.in.Secret == (Secret{}) {
		return nil, errors.AssertionFailedf("the folder was made without the group's secret: its rows would stand where nobody looks for them")
	}
	for attempt := 1; ; attempt++ {
		t.batch.Rewind()
		t.full = t.full[:0]
		err := f.attempt(ctx, t, stages)
		f.history = t.history
		if err == nil {
			for _, c := range t.full {
				f.full[c] = true
			}
			return &Outcome{History: t.history, Changes: t.batch.Changes(), Finals: t.batch.Finals(), Epoch: t.epoch, Clock: t.clock,
				Ledger: t.ledger, Attempts: attempt}, nil
		}
		f.dropConn()
		var pg *pgconn.PgError
		if errors.As(err, &pg) && notNew(pg) {
			f.known.wrong()
		}
		if !collided(err) || attempt == attempts || ctx.Err() != nil {
			return nil, err
		}
	}
}

func (f *Folder) attempt(ctx context.Context, t *transaction, stages func(context.Context, *transaction) error) error {
	ctx, cancel := context.WithTimeout(ctx, f.patience)
	defer cancel()
	if err := f.connect(ctx); err != nil {
		return err
	}
	if err := stages(ctx, t); err != nil {
		return lost(err)
	}
	return f.lastStage(ctx, t)
}

// collided reports whether Postgres gave up the transaction for the sake of
// another: the same events, folded again, may well succeed.
func collided(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == deadlockDetected || pg.Code == serializationFailure || notNew(pg))
}

// lost marks an error of the connection as ErrNotCommitted. It is for errors
// from before COMMIT was sent: without it, nothing takes effect.
func lost(err error) error {
	if answered(err) || errors.IsAny(err, ErrStale, context.Canceled, context.DeadlineExceeded) || errors.HasAssertionFailure(err) {
		return err
	}
	var changed *RegimeChanged
	if errors.As(err, &changed) {
		return err
	}
	return &notCommitted{err}
}

// answered reports whether the server itself refused a statement and lives on:
// then it has not committed. An answer that ends the session (FATAL) can come
// after the commit as well.
func answered(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR"
}
