package snapshots

import (
	"context"
	"fmt"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

const (
	// refreshField is the marker's field by which a refresh notices that Redis
	// lost something while it ran.
	refreshField = "refresh"
	refreshPage  = 1000
)

// Refresh writes the snapshots of all users from Postgres, and then the marker.
// One process of the group does so at a time. Being versioned, it takes
// nothing back of what is written meanwhile, and can be repeated after an
// error. It returns how many users there are. If Redis loses something while
// it runs, the error is ErrRefreshNeeded.
func (w *Writer) Refresh(ctx context.Context, store *projections.Store) (users int64, err error) {
	err = store.Alone(ctx, "refresh", func() error {
		users, err = w.refresh(ctx, store)
		return err
	})
	return users, errors.Wrap(err, "refresh all snapshots")
}

func (w *Writer) refresh(ctx context.Context, store *projections.Store) (int64, error) {
	if err := w.WriteCatalog(ctx); err != nil {
		return 0, err
	}
	// What is folded by now is in the rows that are read from here on.
	standing, err := store.Positions(ctx)
	if err != nil {
		return 0, err
	}
	turn := "begun"
	if err := w.rdb.HSet(ctx, markerKey(w.group), refreshField, turn).Err(); err != nil {
		return 0, errors.Wrap(err, "begin the refresh")
	}
	rows, users := store.Users(w.in, w.cat), int64(0)
	for after := ""; ; {
		page, err := rows.After(ctx, after, refreshPage)
		if err != nil {
			return users, err
		}
		if len(page) == 0 {
			break
		}
		users += int64(len(page))
		after = page[len(page)-1].User
		next := fmt.Sprint(users)
		if err := w.writePage(ctx, page, turn, next); err != nil {
			return users, err
		}
		turn = next
	}
	if err := w.eraseAgain(ctx); err != nil {
		return users, err
	}
	return users, w.finishRefresh(ctx, standing, turn)
}

// writePage writes snapshots and passes the turn on, if the one before is
// still known to Redis.
func (w *Writer) writePage(ctx context.Context, page []processor.Final, turn, next string) error {
	if err := w.Write(ctx, page); err != nil {
		return err
	}
	return w.passTurn(ctx, turn, next)
}

func (w *Writer) passTurn(ctx context.Context, turn, next string) error {
	cmds, err := w.scripts.run(ctx, w.rdb, func(p redis.Pipeliner) {
		w.scripts.turn.EvalSha(ctx, p, []string{markerKey(w.group)}, refreshField, turn, next)
	})
	if err != nil {
		return err
	}
	if !said(cmds[0]) {
		return ErrRefreshNeeded
	}
	return nil
}

// finishRefresh sets the marks, for all partitions that stood somewhere when
// the refresh began, if nothing was lost since.
func (w *Writer) finishRefresh(ctx context.Context, standing []projections.Standing, turn string) error {
	args := []any{refreshField, turn}
	for i := range standing {
		args = append(args, field(standing[i].TopicPartition), mark(standing[i].Position))
	}
	cmds, err := w.scripts.run(ctx, w.rdb, func(p redis.Pipeliner) {
		w.scripts.finish.EvalSha(ctx, p, []string{markerKey(w.group)}, args...)
	})
	if err != nil {
		return errors.Wrap(err, "set the marker")
	}
	if !said(cmds[0]) {
		return ErrRefreshNeeded
	}
	return nil
}
