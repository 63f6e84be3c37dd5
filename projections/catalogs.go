package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// StoredCatalog is one version of the catalogue, as it was installed.
type StoredCatalog struct {
	Version   int32
	Name      string
	RulesHash string
	Text      string
	StoredAt  time.Time
}

// ErrNoCatalog says that the group has no catalogue yet.
var ErrNoCatalog = errors.New("no catalogue is stored yet: start `badgestream run` or `badgestream init` once")

const (
	undefinedTable    = "42P01"
	invalidSchemaName = "3F000"
)

// CurrentCatalog returns the catalogue that holds and what is folded by under
// it. The error is ErrNoCatalog if there is none, also if there are no tables.
func (s *Store) CurrentCatalog(ctx context.Context) (StoredCatalog, Installed, error) {
	var in Installed
	err := s.pool.QueryRow(ctx, `SELECT `+regimeColumns+`, secret FROM `+schema(s.group)+`.regime`).Scan(append(in.into(), &in.Secret)...)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || missing(err):
		return StoredCatalog{}, Installed{}, errors.Wrapf(ErrNoCatalog, "group %s", s.group)
	case err != nil:
		return StoredCatalog{}, Installed{}, errors.Wrap(err, "read the regime")
	}
	c, err := readCatalog(ctx, s.pool, s.group, in.CatalogVersion)
	if err == nil {
		err = s.readErased(ctx, &in)
	}
	return c, in, err
}

// missing reports whether Postgres does not know the table or its schema.
func missing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == undefinedTable || pg.Code == invalidSchemaName)
}

// CatalogVersion returns one version of the catalogue.
func (s *Store) CatalogVersion(ctx context.Context, version int32) (StoredCatalog, error) {
	return readCatalog(ctx, s.pool, s.group, version)
}

type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readCatalog(ctx context.Context, q queryer, group string, version int32) (StoredCatalog, error) {
	c := StoredCatalog{Version: version}
	err := q.QueryRow(ctx, `SELECT name, rules_hash, text, stored_at FROM `+schema(group)+`.catalog WHERE version = $1`, version).
		Scan(&c.Name, &c.RulesHash, &c.Text, &c.StoredAt)
	return c, errors.Wrapf(err, "read version %d of the catalogue", version)
}

// nextCatalogVersion is the version after all that are stored, which need not
// be the one that holds: a rebuild may fold by a later one.
func (s *Store) nextCatalogVersion(ctx context.Context, q queryer) (version int32, err error) {
	err = q.QueryRow(ctx, `SELECT max(version) + 1 FROM `+schema(s.group)+`.catalog`).Scan(&version)
	return version, errors.Wrap(err, "find the last version of the catalogue")
}

// storeCatalog adds a version and makes the badge table show it.
func (s *Store) storeCatalog(ctx context.Context, tx pgx.Tx, cat *catalog.Catalog, version int32) error {
	if err := s.addCatalog(ctx, tx, cat, version); err != nil {
		return err
	}
	return s.showCatalog(ctx, tx, cat)
}

func (s *Store) addCatalog(ctx context.Context, tx pgx.Tx, cat *catalog.Catalog, version int32) error {
	_, err := tx.Exec(ctx, `INSERT INTO `+schema(s.group)+`.catalog (version, name, rules_hash, text) VALUES ($1, $2, $3, $4)`,
		version, cat.Name, cat.RulesHash, string(cat.Text))
	return errors.Wrapf(err, "store version %d of the catalogue", version)
}

// showCatalog makes the badge table show a catalogue.
func (s *Store) showCatalog(ctx context.Context, tx pgx.Tx, cat *catalog.Catalog) error {
	base := schema(s.group)
	if _, err := tx.Exec(ctx, `DELETE FROM `+base+`.badge`); err != nil {
		return errors.Wrap(err, "empty the table of badges")
	}
	rows := make([][]any, len(cat.Badges))
	for i := range cat.Badges {
		b := &cat.Badges[i]
		conditions, err := json.Marshal(storedConditions(cat, b))
		if err != nil {
			return errors.Wrapf(err, "conditions of badge %s", b.Slug)
		}
		rows[i] = []any{b.ID, b.Slug, b.Category, b.Criterion, int32(b.Tier), int32(i), b.Name, b.Description, b.Rare, b.Sticky, b.All[0].Threshold, conditions}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{s.group, "badge"},
		[]string{"id", "slug", "category", "criterion", "tier", "position", "name", "description", "rare", "sticky", "threshold", "conditions"},
		pgx.CopyFromRows(rows))
	return errors.Wrap(err, "write the table of badges")
}

// storedCondition is a condition as the badge table shows it to SQL.
type storedCondition struct {
	Counter string `json:"counter"`
	// Of is the counter below the line, of a ratio.
	Of string `json:"of,omitempty"`
	// AtLeast is the threshold: a number, days of an age, or hundredths of a
	// percent of a ratio.
	AtLeast int64 `json:"at_least"`
}

func storedConditions(cat *catalog.Catalog, b *catalog.Badge) []storedCondition {
	list := make([]storedCondition, len(b.All))
	for i, c := range b.All {
		list[i] = storedCondition{Counter: cat.Counters[c.Counter].Name, AtLeast: c.Threshold}
		if c.Kind == catalog.Ratio {
			list[i].Of = cat.Counters[c.Whole].Name
		}
	}
	return list
}

// ListedBadge is a definition as SQL lists it.
type ListedBadge struct {
	Slug      string
	Name      string
	Tier      int32
	Threshold int64 // of the first condition
}

// ladderSQL lists a ladder from its index, without a sort.
func ladderSQL(group string) string {
	return `SELECT slug, name, tier, threshold FROM ` + schema(group) + `.badge WHERE category = $1 AND criterion = $2 ORDER BY threshold`
}

// Ladder lists the badges of one category and criterion by threshold.
func (s *Store) Ladder(ctx context.Context, category, criterion string) ([]ListedBadge, error) {
	rows, err := s.pool.Query(ctx, ladderSQL(s.group), category, criterion)
	if err != nil {
		return nil, errors.Wrapf(err, "list badges of %s, %s", category, criterion)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ListedBadge])
	return list, errors.Wrapf(err, "list badges of %s, %s", category, criterion)
}

// Catalog returns the catalogue that holds, compiled.
func (s *Store) Catalog(ctx context.Context) (*catalog.Catalog, Installed, error) {
	stored, in, err := s.CurrentCatalog(ctx)
	if err != nil {
		return nil, Installed{}, err
	}
	cat, err := catalog.Parse(stored.Name, []byte(stored.Text))
	return cat, in, errors.Wrapf(err, "version %d of the stored catalogue", stored.Version)
}
