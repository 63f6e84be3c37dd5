package snapshots

import (
	"context"
	"sync"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// Postgres makes snapshots from the rows themselves, as the writer does. It is
// a Fallback, and may be used by several goroutines.
type Postgres struct {
	store *projections.Store

	mu  sync.Mutex // guards what follows
	cat *catalog.Catalog
}

// NewPostgres makes a fallback that reads the group's tables.
func NewPostgres(store *projections.Store) *Postgres { return &Postgres{store: store} }

// Snapshots returns those of the users that have a row, by user.
func (p *Postgres) Snapshots(ctx context.Context, users []string) ([]schemas.Snapshot, error) {
	cat, in, err := p.current(ctx)
	if err != nil {
		return nil, err
	}
	finals, err := p.store.Users(in, cat).Of(ctx, users...)
	if err != nil {
		return nil, err
	}
	list := make([]schemas.Snapshot, len(finals))
	for i := range finals {
		fill(&list[i], cat, in, &finals[i])
	}
	return list, nil
}

// All calls f with the snapshot of every user, by user.
func (p *Postgres) All(ctx context.Context, f func(*schemas.Snapshot) error) error {
	cat, in, err := p.current(ctx)
	if err != nil {
		return err
	}
	rows := p.store.Users(in, cat)
	for after := ""; ; {
		page, err := rows.After(ctx, after, refreshPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].User
		for i := range page {
			var s schemas.Snapshot
			fill(&s, cat, in, &page[i])
			if err := f(&s); err != nil {
				return err
			}
		}
	}
}

// Catalog returns the view of the catalogue that holds.
func (p *Postgres) Catalog(ctx context.Context) (*schemas.CatalogView, error) {
	cat, in, err := p.current(ctx)
	if err != nil {
		return nil, err
	}
	view := cat.View(int(in.CatalogVersion))
	return &view, nil
}

// current compiles the catalogue that holds, unless it is the one known.
func (p *Postgres) current(ctx context.Context) (*catalog.Catalog, projections.Installed, error) {
	stored, in, err := p.store.CurrentCatalog(ctx)
	if err != nil {
		return nil, projections.Installed{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cat == nil || string(p.cat.Text) != stored.Text {
		cat, err := catalog.Parse(stored.Name, []byte(stored.Text))
		if err != nil {
			return nil, projections.Installed{}, errors.Wrapf(err, "version %d of the stored catalogue", stored.Version)
		}
		p.cat = cat
	}
	return p.cat, in, nil
}
