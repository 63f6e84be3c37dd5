package snapshots

import (
	"context"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// learn takes the view as Redis has it, or asks the fallback, and keeps it.
func (r *Reader) learn(ctx context.Context, text string) (*schemas.CatalogView, error) {
	switch {
	case text != "":
		view, err := schemas.ParseCatalogView([]byte(text))
		if err != nil {
			return nil, errors.Wrapf(err, "key %s", CatalogKey(r.group))
		}
		r.view.Store(view)
		return view, nil
	case r.fallback != nil:
		view, err := r.fallback.Catalog(ctx)
		if err != nil {
			return nil, errors.Wrap(err, "read the catalogue from Postgres")
		}
		r.view.Store(view)
		return view, nil
	}
	return nil, errors.Wrapf(projections.ErrNoCatalog, "Redis has no key %s", CatalogKey(r.group))
}

// relearn reads the view again, because a snapshot is of a later version.
func (r *Reader) relearn(ctx context.Context) (*schemas.CatalogView, error) {
	_, text, err := r.ask(ctx, nil, true)
	if err != nil && r.fallback == nil {
		return nil, errors.Wrapf(err, "read key %s", CatalogKey(r.group))
	}
	return r.learn(ctx, text)
}
