package snapshots

import (
	"context"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// Catalog returns the catalogue's view: the one that is known, or else the one
// that Redis or the fallback has. It is the reader's own: do not change it.
func (r *Reader) Catalog(ctx context.Context) (*schemas.CatalogView, error) {
	known := r.known.Load()
	if known == nil {
		var err error
		if known, err = r.relearn(ctx); err != nil {
			return nil, err
		}
	}
	return known.View(), nil
}

// learn takes the view as Redis has it, or asks the fallback, and keeps it.
func (r *Reader) learn(ctx context.Context, text []byte) (*schemas.Completer, error) {
	var view *schemas.CatalogView
	var err error
	switch {
	case len(text) > 0:
		if view, err = schemas.ParseCatalogView(text); err != nil {
			return nil, errors.Wrapf(err, "key %s", CatalogKey(r.group))
		}
	case r.fallback != nil:
		if view, err = r.fallback.Catalog(ctx); err != nil {
			return nil, errors.Wrap(err, "read the catalogue from Postgres")
		}
	default:
		return nil, errors.Wrapf(projections.ErrNoCatalog, "Redis has no key %s", CatalogKey(r.group))
	}
	return r.keep(schemas.NewCompleter(view)), nil
}

// keep remembers a view, unless another goroutine has learned a later one
// meanwhile, and gives the one that is remembered.
func (r *Reader) keep(c *schemas.Completer) *schemas.Completer {
	for {
		known := r.known.Load()
		if known != nil && known.View().Version > c.View().Version {
			return known
		}
		if r.known.CompareAndSwap(known, c) {
			return c
		}
	}
}

// relearn reads the view, again if a snapshot is of a later version.
func (r *Reader) relearn(ctx context.Context) (*schemas.Completer, error) {
	text, err := r.getOne(ctx, CatalogKey(r.group))
	if err != nil && r.fallback == nil {
		return nil, errors.Wrapf(err, "read key %s", CatalogKey(r.group))
	}
	return r.learn(ctx, text)
}
