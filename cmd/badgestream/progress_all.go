package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// lazyPostgres is a fallback that connects when it is first asked.
type lazyPostgres struct {
	url, group string
	store      *projections.Store
	*snapshots.Postgres
}

func (l *lazyPostgres) connect(ctx context.Context) error {
	if l.store != nil {
		return nil
	}
	store, err := projections.Open(ctx, l.url, l.group)
	if err != nil {
		return err
	}
	l.store, l.Postgres = store, snapshots.NewPostgres(store)
	return nil
}

func (l *lazyPostgres) close() {
	if l.store != nil {
		l.store.Close()
	}
}

// Snapshots returns those of the users that have a row.
func (l *lazyPostgres) Snapshots(ctx context.Context, users []string) ([]schemas.Snapshot, error) {
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	return l.Postgres.Snapshots(ctx, users)
}

// Catalog returns the view of the catalogue that holds.
func (l *lazyPostgres) Catalog(ctx context.Context) (*schemas.CatalogView, error) {
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	return l.Postgres.Catalog(ctx)
}

func allProgress(ctx context.Context, out io.Writer, s *settings.Settings, f progressFlags) error {
	show := func(p schemas.Progress, view *schemas.CatalogView) error {
		if f.json {
			return writeJSON(out, p)
		}
		_, err := fmt.Fprintf(out, "%-20s %3d of %d badges  %s\n", harmless(p.User), len(p.Earned), len(view.Badges), nextAim(&p, view))
		return errors.Wrap(err, "writing progress")
	}
	now := time.Now().UnixMicro()
	if f.from == string(snapshots.FromRedis) {
		return allFromRedis(ctx, s, now, show)
	}
	postgres := &lazyPostgres{url: s.Postgres, group: s.Group}
	defer postgres.close()
	view, err := postgres.Catalog(ctx)
	if err != nil {
		return err
	}
	known := schemas.NewCompleter(view)
	return postgres.All(ctx, func(snapshot *schemas.Snapshot) error {
		return show(known.Progress(snapshot, now), view)
	})
}

// page is how many snapshots are read from Redis at once.
const page = 500

func allFromRedis(ctx context.Context, s *settings.Settings, now int64, show func(schemas.Progress, *schemas.CatalogView) error) error {
	rdb, err := openRedis(s.Redis)
	if err != nil {
		return err
	}
	defer rdb.Close()
	prefix := snapshots.Key(s.Group, "")
	var users []string
	keys := rdb.Scan(ctx, 0, snapshots.Pattern(s.Group), 10*page).Iterator()
	for keys.Next(ctx) {
		users = append(users, strings.TrimPrefix(keys.Val(), prefix))
	}
	if err := keys.Err(); err != nil {
		return errors.Wrap(err, "list the snapshots in Redis")
	}
	slices.Sort(users)
	users = slices.Compact(users) // a scan may name a key twice
	reader := snapshots.NewReader(rdb, s.Group, nil)
	for some := range slices.Chunk(users, page) {
		list, origins, err := reader.Progress(ctx, now, some...)
		if err != nil {
			return err
		}
		view, err := reader.Catalog(ctx)
		if err != nil {
			return err
		}
		for i := range list {
			if origins[i] == snapshots.FromNobody {
				continue // gone since, or erased
			}
			if err := show(list[i], view); err != nil {
				return err
			}
		}
	}
	return nil
}
