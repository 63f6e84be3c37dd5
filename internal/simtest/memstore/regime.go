package memstore

import (
	"context"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// alone runs f while no fold runs.
func (s *Store) alone(ctx context.Context, request string, f func(*tables) error) error {
	c, end := s.session()
	defer end()
	fate := s.send(ctx, request)
	if fate == fault.Fails {
		return errors.Wrap(fault.ErrBroken, request)
	}
	if err := s.server.lock(ctx, c, "regime", true, 0); err != nil {
		return errors.Wrap(err, request)
	}
	s.server.mu.Lock()
	err := f(&s.server.tables)
	s.server.mu.Unlock()
	if fate == fault.Unheard {
		return errors.Wrap(fault.ErrBroken, request)
	}
	return err
}

// InstallCatalog is projections.Store.InstallCatalog.
func (s *Store) InstallCatalog(ctx context.Context, cat *catalog.Catalog) (in projections.Installed, err error) {
	err = s.alone(ctx, "install the catalogue", func(t *tables) error {
		in, err = t.install(cat)
		return err
	})
	return in, err
}

func (t *tables) install(cat *catalog.Catalog) (projections.Installed, error) {
	in := t.installed
	if len(t.catalogs) == 0 {
		in = projections.Installed{Secret: projections.Secret{'s', 'i', 'm'}, Regime: projections.Regime{Epoch: 1, Generation: 1, CatalogVersion: 1}}
		t.rows, t.cat = processor.NewMemory(cat), cat
	} else {
		last := t.catalogs[len(t.catalogs)-1]
		if last.RulesHash != cat.RulesHash {
			return projections.Installed{}, &projections.RulesDiffer{Stored: last.Version, Changes: t.cat.Diff(cat)}
		}
		if last.Text == string(cat.Text) {
			return in, nil
		}
		in.CatalogVersion++
	}
	t.catalogs = append(t.catalogs, projections.StoredCatalog{Version: in.CatalogVersion, Name: cat.Name, RulesHash: cat.RulesHash, Text: string(cat.Text)})
	t.installed = in
	in.New = true
	return in, nil
}

// CurrentCatalog is projections.Store.CurrentCatalog.
func (s *Store) CurrentCatalog(ctx context.Context) (cat projections.StoredCatalog, in projections.Installed, err error) {
	err = s.query(ctx, "read the catalogue", func(t *tables) error {
		if len(t.catalogs) == 0 {
			return projections.ErrNoCatalog
		}
		cat, in = t.catalogs[len(t.catalogs)-1], t.installed
		return nil
	})
	return cat, in, err
}

// RaiseEpoch is projections.Store.RaiseEpoch.
func (s *Store) RaiseEpoch(ctx context.Context, least int64) (r projections.Regime, err error) {
	err = s.alone(ctx, "raise the epoch", func(t *tables) error {
		t.installed.Epoch = max(t.installed.Epoch+1, least)
		r = t.installed.Regime
		return nil
	})
	return r, err
}
