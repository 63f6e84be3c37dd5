package projections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// ownVersion is the user's version of a row of the history without the turn.
const ownVersion = `user_version % 1099511627776`

// TableHash is a table's contents in brief: its rows and a hash of them all,
// whatever their order. Wall times, versions of the catalogue and what only
// tells of the last batch are left out.
type TableHash struct {
	Table string
	Rows  int64
	Hash  string
}

// Hashes gives the tables of one generation in brief, its history included.
func (m *Moment) Hashes(ctx context.Context, generation int32, cat *catalog.Catalog) ([]TableHash, error) {
	gen := generationSchema(m.group, generation)
	history, err := m.historyOf(ctx, generation)
	if err != nil {
		return nil, err
	}
	users := append([]string{"id", "version", "due_at", "coalesce(held, '{}')", "coalesce(earned_at, '{}')", "granted", "withheld", "pinned_badges"}, counterColumns(cat)...)
	var list []TableHash
	for _, t := range []struct{ name, columns, from string }{
		{"users", strings.Join(users, ", "), gen + ".users"},
		{"member", "user_key, row_key, collection, state, at", gen + ".member"},
		{"entity", "user_key, row_key, collection, state, s0, s1, s2, s3", gen + ".entity"},
		{"place", "collection, taken", gen + ".place"},
		{"clock", "at", gen + ".clock"},
		{"history", `topic, partition, "offset", ordinal, user_id, badge, category, criterion, tier, revoked, at, earned_at, event_id, event_source, counters::text, ` + ownVersion, "(" + history + ") history"},
	} {
		h, err := m.hash(ctx, t.columns, t.from)
		if err != nil {
			return nil, errors.Wrapf(err, "hash table %s of generation %d", t.name, generation)
		}
		h.Table = t.name
		list = append(list, h)
	}
	return list, nil
}

// hash sums the hashes of the rows, so that their order does not matter and no
// row need be kept.
func (m *Moment) hash(ctx context.Context, columns, from string) (h TableHash, err error) {
	var low, high string
	err = m.tx.QueryRow(ctx, `SELECT count(*), coalesce(sum(('x' || left(md5, 16))::bit(64)::bigint), 0)::text, coalesce(sum(('x' || right(md5, 16))::bit(64)::bigint), 0)::text
FROM (SELECT md5(ROW(`+columns+`)::text) FROM `+from+`) rows`).Scan(&h.Rows, &low, &high)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", h.Rows, low, high))
	h.Hash = hex.EncodeToString(sum[:16])
	return h, err
}

// historyOf is the query for what a generation gave: while it was live, in the
// group's history; while it was beside the live one, in its own.
func (m *Moment) historyOf(ctx context.Context, generation int32) (string, error) {
	sql := `SELECT * FROM ` + schema(m.group) + fmt.Sprintf(`.history WHERE generation = %d AND reason <> 'rebuild'`, generation)
	var own bool
	if err := m.tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, generationSchema(m.group, generation)+".history").Scan(&own); err != nil {
		return "", errors.Wrapf(err, "look for the history of generation %d", generation)
	}
	if own {
		sql += ` UNION ALL SELECT * FROM ` + generationSchema(m.group, generation) + `.history`
	}
	return sql, nil
}

// Positions are how far the live generation is folded, by partition.
func (m *Moment) Positions(ctx context.Context) ([]Standing, error) {
	return positions(ctx, m.tx, m.group, nil)
}

// Regime is what holds, with its catalogue.
func (m *Moment) Regime(ctx context.Context) (r Regime, c StoredCatalog, err error) {
	if r, err = readRegime(ctx, m.tx, m.group); err != nil {
		return r, c, err
	}
	c, err = readCatalog(ctx, m.tx, m.group, r.CatalogVersion)
	return r, c, err
}

func readRegime(ctx context.Context, q queryer, group string) (r Regime, err error) {
	err = q.QueryRow(ctx, `SELECT `+regimeColumns+` FROM `+schema(group)+`.regime`).Scan(r.into()...)
	return r, errors.Wrap(err, "read the regime")
}

// HeldDiff is a badge that one user holds by one generation and not by the
// other, or since another time.
type HeldDiff struct {
	User, Badge string
	// Live and Beside are when it was earned, in Unix microseconds; nil where it
	// is not held.
	Live, Beside *int64
	// Alike is how many users differ so in this badge.
	Alike int64
}

// HeldDiffs compares the badges held, by badge and kind of difference, with up
// to some samples of each. Badges go by their slugs: two catalogues may number
// them otherwise.
func (m *Moment) HeldDiffs(ctx context.Context, live, beside int32, liveCat, besideCat *catalog.Catalog, samples int) ([]HeldDiff, error) {
	bySlug, args := heldBySlug(m.group, live, beside, liveCat, besideCat)
	rows, err := m.tx.Query(ctx, bySlug+`,
differ AS (SELECT id, slug, l.at AS live_at, b.at AS beside_at, (l.at IS NULL)::int + 2 * (b.at IS NULL)::int AS kind
  FROM l FULL JOIN b USING (id, slug) WHERE l.at IS DISTINCT FROM b.at)
SELECT id, slug, (extract(epoch FROM live_at) * 1000000)::bigint, (extract(epoch FROM beside_at) * 1000000)::bigint, alike
FROM (SELECT *, row_number() OVER (PARTITION BY slug, kind ORDER BY id COLLATE "C") AS n, count(*) OVER (PARTITION BY slug, kind) AS alike FROM differ) numbered
WHERE n <= $5 ORDER BY slug, kind, n`, append(args, max(1, samples))...)
	if err != nil {
		return nil, errors.Wrap(err, "compare the badges held")
	}
	return collect(rows, "compare the badges held", func(d *HeldDiff) []any { return []any{&d.User, &d.Badge, &d.Live, &d.Beside, &d.Alike} })
}

// heldBySlug begins a query with the badges held by the live generation, as l,
// and by the one beside it, as b: of all users who may differ in them. Its
// arguments are $1 to $4.
func heldBySlug(group string, live, beside int32, liveCat, besideCat *catalog.Catalog) (sql string, args []any) {
	liveIDs, liveSlugs := slugs(liveCat)
	besideIDs, besideSlugs := slugs(besideCat)
	// Where badges have the same numbers, only users need be looked at whose
	// columns differ.
	among := `true`
	if slices.Equal(liveSlugs, besideSlugs) {
		among = `(coalesce(l.held, '{}'), coalesce(l.earned_at, '{}')) IS DISTINCT FROM (coalesce(b.held, '{}'), coalesce(b.earned_at, '{}'))`
	}
	return `WITH users AS MATERIALIZED (
  SELECT id, l.held AS live_held, l.earned_at AS live_at, b.held AS beside_held, b.earned_at AS beside_at
  FROM ` + generationSchema(group, live) + `.users l FULL JOIN ` + generationSchema(group, beside) + `.users b USING (id) WHERE ` + among + `),
l AS (SELECT u.id, s.slug, h.at FROM users u, unnest(live_held, live_at) h (badge, at) JOIN unnest($1::smallint[], $2::text[]) s (badge, slug) USING (badge)),
b AS (SELECT u.id, s.slug, h.at FROM users u, unnest(beside_held, beside_at) h (badge, at) JOIN unnest($3::smallint[], $4::text[]) s (badge, slug) USING (badge))`,
		[]any{liveIDs, liveSlugs, besideIDs, besideSlugs}
}

func slugs(cat *catalog.Catalog) (ids []int16, slugs []string) {
	for id, at := range cat.ByID {
		ids, slugs = append(ids, int16(id)), append(slugs, cat.Badges[at].Slug)
	}
	return ids, slugs
}

// CounterDiff is a user whose counters differ, of those that both catalogues
// have, or who has a row in one generation alone.
type CounterDiff struct {
	User string
	// Live and Beside have a value for each of Counters; nil without a row.
	Live, Beside []int64
}

// CounterDiffs compares the users' counters by name. It returns how many users
// differ, how many in each counter, and samples.
func (m *Moment) CounterDiffs(ctx context.Context, live, beside int32, liveCat, besideCat *catalog.Catalog, samples int) (users int64, names []string, differ []int64, list []CounterDiff, err error) {
	var columns []string
	for i := range liveCat.Counters {
		column := counterColumn(&liveCat.Counters[i])
		for k := range besideCat.Counters {
			if counterColumn(&besideCat.Counters[k]) == column {
				names, columns = append(names, liveCat.Counters[i].Name), append(columns, column)
			}
		}
	}
	if len(columns) == 0 {
		return 0, nil, nil, nil, nil
	}
	var counts string
	lefts, rights := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		counts += fmt.Sprintf(", count(*) FILTER (WHERE l.%[1]s IS DISTINCT FROM b.%[1]s)", c)
		lefts[i], rights[i] = "l."+c, "b."+c
	}
	left, right := strings.Join(lefts, ", "), strings.Join(rights, ", ")
	from := ` FROM ` + generationSchema(m.group, live) + `.users l FULL JOIN ` + generationSchema(m.group, beside) + `.users b USING (id)
WHERE ROW(` + left + `) IS DISTINCT FROM ROW(` + right + `)`
	differ = make([]int64, len(columns))
	into := []any{&users}
	for i := range differ {
		into = append(into, &differ[i])
	}
	if err := m.tx.QueryRow(ctx, `SELECT count(*)`+counts+from).Scan(into...); err != nil {
		return 0, nil, nil, nil, errors.Wrap(err, "compare the counters")
	}
	if users == 0 {
		return 0, names, differ, nil, nil
	}
	rows, err := m.tx.Query(ctx, `SELECT id, CASE WHEN l.id IS NOT NULL THEN ARRAY[`+left+`] END, CASE WHEN b.id IS NOT NULL THEN ARRAY[`+right+`] END`+from+` ORDER BY id COLLATE "C" LIMIT $1`, samples)
	if err != nil {
		return 0, nil, nil, nil, errors.Wrap(err, "compare the counters")
	}
	list, err = collect(rows, "compare the counters", func(d *CounterDiff) []any { return []any{&d.User, &d.Live, &d.Beside} })
	return users, names, differ, list, err
}

// collect reads rows into values of one type.
func collect[T any](rows pgx.Rows, what string, into func(*T) []any) ([]T, error) {
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v T, err error) { return v, row.Scan(into(&v)...) })
	return list, errors.Wrap(err, what)
}
