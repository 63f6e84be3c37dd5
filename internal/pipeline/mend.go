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
	if errors.Is(err, errForgot) {
		return e.refold(ctx)
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
	stored, in, err := e.store.CurrentCatalog(ctx)
	if err != nil {
		return err
	}
	cat, err := catalog.Parse(stored.Name, []byte(stored.Text))
	if err != nil {
		return haltError{errors.Wrapf(err, "version %d of the catalogue, which another process stored, cannot be read by this one: update it", in.CatalogVersion)}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if cat.RulesHash != e.cat.RulesHash {
		return halt("version %d of the catalogue holds now, which counts or awards otherwise than the one that this process was started with: start it with that one", in.CatalogVersion)
	}
	e.cat, e.installed = cat, in
	e.log.InfoContext(ctx, "another version of the catalogue holds now, with the same rules: it is taken over", "version", in.CatalogVersion)
	return nil
}
