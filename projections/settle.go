package projections

import (
	"context"
	"slices"
	"time"

	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
)

// Unsettled says that a COMMIT was sent, that no answer came, and that Postgres
// could not be asked either. The transaction may have taken effect or not:
// only the fold offsets tell, once they can be read.
type Unsettled struct {
	// Cause is what became of the COMMIT.
	Cause error
	// Err is why Postgres could not be asked.
	Err error
}

func (e *Unsettled) Error() string {
	return "whether the transaction committed is not known: " + e.Cause.Error() + "; and Postgres cannot be asked: " + e.Err.Error()
}

func (e *Unsettled) Unwrap() error { return e.Err }

// settle finds out whether a transaction committed whose COMMIT got no answer.
//
// It locks the fold offset first: the old session may still be at it, and
// holds that lock until it has ended one way or the other. Then, in a later
// statement, it looks for the ledger rows, which bear the number of the
// transaction that wrote them. The fold offset alone would not tell: another
// process may have folded the same range.
func (f *Folder) settle(ctx context.Context, t *transaction, cause error) error {
	f.dropConn()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for {
		err := f.askLedger(ctx, t)
		switch {
		case err == nil && len(t.ledger) == len(t.ranges):
			return nil
		case err == nil:
			return &notCommitted{errors.Wrap(cause, "commit")}
		case ctx.Err() != nil:
			return &Unsettled{Cause: cause, Err: err}
		}
		f.dropConn()
		pause(ctx, settlePause)
	}
}

// pause waits for a while, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f *Folder) askLedger(ctx context.Context, t *transaction) error {
	t.ledger = t.ledger[:0]
	if err := f.connect(ctx); err != nil {
		return err
	}
	pipe := f.conn.Begin()
	pipe.Add(f.stmts.begin, nil)
	order := slices.Clone(t.ranges)
	slices.SortFunc(order, func(a, b Range) int { return a.compare(b.TopicPartition) })
	for i := range order {
		pipe.Add(f.stmts.await, nil, []byte(order[i].Topic), pgbatch.Int4Param(order[i].Partition))
	}
	for i := range t.ranges {
		r := &t.ranges[i]
		pipe.Add(f.stmts.written, func(v [][]byte) error {
			t.ledger = append(t.ledger, LedgerRow{Number: pgbatch.ReadInt8(v[0]), Range: *r, Due: t.due, CatalogVersion: f.in.CatalogVersion})
			return nil
		}, []byte(r.Topic), pgbatch.Int4Param(r.Partition), pgbatch.Int8Param(r.From.Offset), pgbatch.Int8Param(r.From.Step), pgbatch.Int4Param(int32(t.xid)))
	}
	pipe.Add(f.stmts.commit, nil)
	return pipe.Run(ctx)
}
