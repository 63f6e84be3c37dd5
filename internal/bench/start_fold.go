package bench

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// firstFold starts the engine and gives the time from its start to its first
// fold: the moment when a partition's fold offset moves. It comes back when
// the offsets have been seen to move so many times, so that the process is in
// the middle of its work.
func (l *live) firstFold(ctx context.Context, conn *pgx.Conn, folds int) (_ *process, took time.Duration, err error) {
	predecessors, err := l.sessions(ctx, conn)
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	p, living, err := l.run(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			p.kill()
		}
	}()
	living, cancel := context.WithTimeoutCause(living, effectPatience, errors.Newf("nothing more was folded within %s", effectPatience))
	defer cancel()
	before, err := l.inherited(living, conn, predecessors)
	if err != nil {
		return nil, 0, err
	}
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for n := 0; n < folds; {
		select {
		case <-look.C:
		case <-living.Done():
			return nil, 0, context.Cause(living)
		}
		now, err := l.folded(living, conn)
		if err != nil {
			return nil, 0, err
		}
		if now > before {
			before = now
			n++
		}
		if n == 1 && took == 0 {
			took = time.Since(began)
		}
	}
	return p, took, nil
}

// inherited is how much is folded without the process that starts now: what a
// killed predecessor had sent to Postgres may still commit, so it is looked at
// until the predecessor's sessions have ended. That is long before the new one
// is ready.
func (l *live) inherited(ctx context.Context, conn *pgx.Conn, predecessors []int32) (int64, error) {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		var alive bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ANY($1))", predecessors).Scan(&alive)
		if err != nil {
			return 0, errors.Wrap(explained(ctx, err), "look for the sessions of a killed process in Postgres")
		}
		if !alive {
			return l.folded(ctx, conn)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, errors.Wrap(context.Cause(ctx), "wait for the sessions of a killed process in Postgres to end")
		}
	}
}

// sessions are the backends that fold for the group.
func (l *live) sessions(ctx context.Context, conn *pgx.Conn) ([]int32, error) {
	rows, err := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE starts_with(application_name, $1)", "badgestream "+l.group+"-")
	if err != nil {
		return nil, errors.Wrap(err, "list the sessions in Postgres")
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	return pids, errors.Wrap(err, "list the sessions in Postgres")
}

// folded is how many events are folded, by Postgres.
func (l *live) folded(ctx context.Context, conn *pgx.Conn) (n int64, err error) {
	table := pgx.Identifier{l.group, "fold_offset"}.Sanitize()
	err = conn.QueryRow(ctx, "SELECT coalesce(sum(next), 0)::bigint FROM "+table+" WHERE topic = $1", l.topic).Scan(&n)
	return n, errors.Wrapf(explained(ctx, err), "read %s", table)
}

// explained is why a context has ended, if it has: what fails then fails for
// that reason.
func explained(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
