package pipeline

import (
	"context"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// mend does what an error asks for: a nil error then means that a worker can
// start again at once.
func (e *engine) mend(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errForgot):
		return e.refold(ctx)
	case errors.Is(err, errErased):
		return nil
	}
	return e.keepUp(ctx, err)
}

// keepUp takes over the catalogue that holds, if an error says that another
// one does: another process was started with other names or another order. If
// it counts otherwise, this process must end: two must never fold by two rules.
func (e *engine) keepUp(ctx context.Context, err error) error {
	var changed *projections.RegimeChanged
	if !errors.As(err, &changed) {
		return err
	}
	_, err = e.follow(ctx)
	return err
}

// follow takes over the regime that holds, if it is another than this process
// knows.
func (e *engine) follow(ctx context.Context) (changed bool, err error) {
	stored, in, err := e.Store.CurrentCatalog(ctx)
	if err != nil {
		return false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if in.Regime == e.installed.Regime {
		return false, nil
	}
	cat, err := catalog.Parse(stored.Name, []byte(stored.Text))
	if err != nil {
		return false, haltError{errors.Wrapf(err, "version %d of the catalogue, which another process stored, cannot be read by this one: update it", in.CatalogVersion)}
	}
	switched := in.Turn != e.installed.Turn
	erased := in.Erasures != e.installed.Erasures
	if cat.RulesHash != e.cat.RulesHash && !switched {
		return false, halt("version %d of the catalogue holds now, which counts or awards otherwise than the one that this process was started with: start it with that one", in.CatalogVersion)
	}
	if switched {
		// Readers need the view before the first snapshot that it completes.
		if err := e.Snapshots(cat, in).WriteCatalog(ctx); err != nil {
			return false, err
		}
		e.cat, e.installed = cat, in
		e.log.InfoContext(ctx, "another generation is live now: it is taken over", "generation", in.Generation, "version", in.CatalogVersion)
		e.requestRefresh()
		return true, nil
	}
	e.cat, e.installed = cat, in
	if erased {
		e.log.InfoContext(ctx, "users were erased: they are passed over from now on", "records", in.Erasures)
		return true, nil
	}
	e.log.InfoContext(ctx, "another version of the catalogue holds now, with the same rules: it is taken over", "version", in.CatalogVersion)
	return true, nil
}
