package projections

import (
	"context"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Installed is what a process folds by.
type Installed struct {
	Regime
	Secret Secret
	// Erased are the users who are passed over; nil is nobody.
	Erased *Erased
	// New says that this call stored a version of the catalogue.
	New bool
}

// InstallCatalog makes the catalogue the one that holds. The first one makes
// the first generation; one that differs in what people see alone is stored
// as the next version. If the rules differ, the error is a *RulesDiffer and
// nothing changes. Migrate must have run.
func (s *Store) InstallCatalog(ctx context.Context, cat *catalog.Catalog) (Installed, error) {
	if err := checkColumns(cat); err != nil {
		return Installed{}, err
	}
	var in Installed
	err := s.locked(ctx, migrationLock, func(conn *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			var err error
			in, err = s.install(ctx, tx, cat)
			return err
		})
	})
	if err == nil {
		err = s.readErased(ctx, &in)
	}
	return in, errors.Wrapf(err, "install catalogue %s", cat.Name)
}

func (s *Store) install(ctx context.Context, tx pgx.Tx, cat *catalog.Catalog) (Installed, error) {
	in := Installed{New: true}
	// Who installs is alone with the regime: it can be looked at before folds
	// are kept out.
	err := tx.QueryRow(ctx, `SELECT `+regimeColumns+`, secret FROM `+schema(s.group)+`.regime`).Scan(append(in.into(), &in.Secret)...)
	if errors.Is(err, pgx.ErrNoRows) {
		in.Regime = Regime{Epoch: 1, Generation: 1, CatalogVersion: 1}
		return s.installFirst(ctx, tx, cat, in)
	}
	if err != nil {
		return Installed{}, errors.Wrap(err, "read the regime")
	}
	stored, err := readCatalog(ctx, tx, s.group, in.CatalogVersion)
	if err != nil {
		return Installed{}, err
	}
	if stored.RulesHash != cat.RulesHash {
		return Installed{}, s.rulesDiffer(ctx, tx, stored, cat)
	}
	if stored.Text == string(cat.Text) {
		in.New = false
		return in, nil
	}
	// Folds hold the row while they run; from here on there are none. It is the
	// table that is locked: who waits for a row's shared lockers is overtaken by
	// new ones, for as long as several workers fold without a pause.
	if _, err := tx.Exec(ctx, `LOCK TABLE `+schema(s.group)+`.regime IN EXCLUSIVE MODE`); err != nil {
		return Installed{}, errors.Wrap(err, "take the regime")
	}
	if in.CatalogVersion, err = s.nextCatalogVersion(ctx, tx); err != nil {
		return Installed{}, err
	}
	if err := s.storeCatalog(ctx, tx, cat, in.CatalogVersion); err != nil {
		return Installed{}, err
	}
	_, err = tx.Exec(ctx, `UPDATE `+schema(s.group)+`.regime SET catalog_version = $1`, in.CatalogVersion)
	return in, errors.Wrap(err, "change the regime")
}

func (s *Store) installFirst(ctx context.Context, tx pgx.Tx, cat *catalog.Catalog, in Installed) (Installed, error) {
	if _, err := tx.Exec(ctx, generationDDL(s.group, in.Generation, cat)); err != nil {
		return Installed{}, errors.Wrapf(err, "make generation %d", in.Generation)
	}
	if err := s.storeCatalog(ctx, tx, cat, in.CatalogVersion); err != nil {
		return Installed{}, err
	}
	err := tx.QueryRow(ctx, `INSERT INTO `+schema(s.group)+`.regime (epoch, generation, catalog_version) VALUES ($1, $2, $3) RETURNING secret`,
		in.Epoch, in.Generation, in.CatalogVersion).Scan(&in.Secret)
	if err != nil {
		return Installed{}, errors.Wrap(err, "write the regime")
	}
	_, err = tx.Exec(ctx, `INSERT INTO `+schema(s.group)+`.generation (generation, state, catalog_version, lived, swept) VALUES ($1, $2, $3, true, true)`, in.Generation, Live, in.CatalogVersion)
	return in, errors.Wrapf(err, "note generation %d", in.Generation)
}

// rulesDiffer says what differs. The stored text may be one that this program
// cannot read any more; then the error says that instead.
func (s *Store) rulesDiffer(ctx context.Context, q queryer, stored StoredCatalog, cat *catalog.Catalog) error {
	differ := &RulesDiffer{Group: s.group, Stored: stored.Version}
	if err := q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+schema(s.group)+`.catalog WHERE text = $1)`, string(cat.Text)).Scan(&differ.Known); err != nil {
		return errors.Wrap(err, "look whether the catalogue is stored")
	}
	before, err := catalog.Parse(stored.Name, []byte(stored.Text))
	if err != nil {
		differ.Changes = []string{"the stored catalogue cannot be read by this badgestream: " + err.Error()}
		return differ
	}
	differ.Changes = before.Diff(cat)
	if len(differ.Changes) == 0 {
		differ.Changes = []string{"the stored catalogue's text is the same in its rules, but an earlier badgestream folded it otherwise"}
	}
	return differ
}

// reserved reports whether a column of the users' table that is no counter, or
// that Postgres adds to every table, has this name.
func reserved(column string) bool {
	switch column {
	case `"id"`, `"version"`, `"due_at"`, `"held"`, `"earned_at"`, `"granted"`, `"withheld"`, `"pinned_badges"`,
		`"tableoid"`, `"xmin"`, `"cmin"`, `"xmax"`, `"cmax"`, `"ctid"`:
		return true
	}
	return false
}

// checkColumns says whether each counter can have a column of its own.
func checkColumns(cat *catalog.Catalog) error {
	taken := make(map[string]bool, len(cat.Counters))
	for i := range cat.Counters {
		column := counterColumn(&cat.Counters[i])
		if reserved(column) || taken[column] {
			return errors.Newf("counter %q cannot be stored: the table of users has a column %s already; give the counter another name", cat.Counters[i].Name, column)
		}
		taken[column] = true
	}
	return nil
}

// RaiseEpoch makes snapshots of what is folded from now on later than all
// before, whatever their versions. It is for a database that was restored:
// snapshots of events that it never folded again in the same way may be in
// Redis. Every Folder of an older epoch then returns a *RegimeChanged.
//
// The new epoch is least or later: a database that is restored for the second
// time has forgotten the epoch of the first.
func (s *Store) RaiseEpoch(ctx context.Context, least int64) (Regime, error) {
	var r Regime
	err := s.pool.QueryRow(ctx, `UPDATE `+schema(s.group)+`.regime SET epoch = greatest(epoch + 1, $1) RETURNING `+regimeColumns, least).Scan(r.into()...)
	return r, errors.Wrap(err, "raise the epoch")
}
