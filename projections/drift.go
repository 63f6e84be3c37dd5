package projections

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// Drift looks for users' rows that do not go with what they follow from: their
// members and things, the history, the conditions of badges. It does so in SQL,
// a slice of users at a time. All of a slice is of one moment, so that folds
// which go on meanwhile are seen whole or not at all. It is used by one
// goroutine.
type Drift struct {
	store *Store
	conn  *pgx.Conn
	cat   *catalog.Catalog
	in    Installed
	// Sums names the sums of things that are compared, in the order of
	// DriftRow.Sums.
	Sums []string
	sql  driftSQL
}

type driftSQL struct{ rows, one, ofKeys string }

// DriftRow is a user's row with what it should be by its neighbours.
type DriftRow struct {
	processor.Final
	// DueAt is in Unix microseconds, 0 if none is set; NextDue what it should be,
	// unless the user is due already and a tick is under way. DueWrong says that
	// it is neither.
	DueAt, NextDue int64
	DueWrong       bool
	// Expected has for each counter what members and things add up to, nil where
	// they do not tell it.
	Expected []*int64
	// Sums are the sums of the user's things, and MemberSums what their members
	// add up to.
	Sums, MemberSums []int64
	// True are the badges that the conditions say are held, ascending; of those
	// that are sticky, or that wait for a tick, what is held.
	True []int16
	// History are the badges that the history says are held, and Decided those of
	// which not the rules decided last.
	History []processor.Held
	Decided []int16
	// HandWrong says that what the row has as granted, withheld or pinned is not
	// what people decided last. Of more pins than a user may have it is not known
	// which gave way: then they are among those pinned.
	HandWrong bool
	// Changed is the last version that the history has.
	Changed int64
}

// OpenDrift connects, with plans that look rows up by their keys: a slice is a
// small part of the tables.
func (s *Store) OpenDrift(ctx context.Context, in Installed, cat *catalog.Catalog) (*Drift, error) {
	cfg := s.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["application_name"] = "badgestream audit"
	for _, off := range []string{"enable_seqscan", "enable_mergejoin", "jit"} {
		cfg.RuntimeParams[off] = "off"
	}
	cfg.RuntimeParams["random_page_cost"] = "1.1"
	cfg.RuntimeParams["work_mem"] = "64MB"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, unreachable(err, &cfg.Config)
	}
	d := &Drift{store: s, conn: conn, cat: cat, in: in}
	d.compile()
	return d, nil
}

// Close ends the connection.
func (d *Drift) Close() { closeQuietly(d.conn) }

// Slice finds where the next slice of users ends, after an id. n is how many
// there are, 0 at the end.
func (d *Drift) Slice(ctx context.Context, after string, limit int) (last string, n int64, keys []int64, err error) {
	gen := generationSchema(d.store.group, d.in.Generation)
	err = d.conn.QueryRow(ctx, `SELECT coalesce(max(id), ''), count(*), coalesce(array_agg(`+userKeySQL("id", "$3")+`), '{}') FROM (SELECT id FROM `+gen+`.users WHERE id > $1 ORDER BY id LIMIT $2) x`,
		after, limit, d.in.Secret[:]).Scan(&last, &n, &keys)
	return last, n, keys, errors.Wrapf(err, "find the users after %q", after)
}

// userKeySQL is a user's key, as Secret.userKey makes it.
func userKeySQL(id, secret string) string {
	return `('x' || encode(substr(sha256(` + secret + `::bytea || 'u'::bytea || convert_to(` + id + `, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint`
}

// Rows returns those of the users after one id and up to another that drifted.
func (d *Drift) Rows(ctx context.Context, after, last string) ([]DriftRow, error) {
	rows, err := d.conn.Query(ctx, d.sql.rows, after, last, d.in.Secret[:])
	if err != nil {
		return nil, errors.Wrapf(err, "compare the users after %q", after)
	}
	list, err := pgx.CollectRows(rows, d.scan)
	return list, errors.Wrapf(err, "compare the users after %q", after)
}

func (d *Drift) scan(row pgx.CollectableRow) (r DriftRow, err error) {
	var held, history []int16
	var earned, since []int64
	err = row.Scan(&r.User, &r.Version, &r.Counters, &held, &earned, &r.DueAt, &r.NextDue, &r.DueWrong, &r.Expected, &r.Sums, &r.MemberSums, &r.True,
		&history, &since, &r.Decided, &r.Changed, &r.HandWrong)
	for i := range min(len(held), len(earned)) {
		r.Held = append(r.Held, processor.Held{Badge: held[i], At: earned[i]})
	}
	for i := range history {
		r.History = append(r.History, processor.Held{Badge: history[i], At: since[i]})
	}
	return r, err
}

// MemberKeys returns keys of users with members after a key, ascending: those
// of the next so many rows, as their index has them.
func (d *Drift) MemberKeys(ctx context.Context, after int64, limit int) ([]int64, error) {
	gen := generationSchema(d.store.group, d.in.Generation)
	rows, err := d.conn.Query(ctx, `SELECT DISTINCT user_key FROM (SELECT user_key FROM `+gen+`.member WHERE user_key > $1 ORDER BY user_key LIMIT $2) x ORDER BY 1`, after, limit)
	if err != nil {
		return nil, errors.Wrap(err, "list whose members there are")
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return list, errors.Wrap(err, "list whose members there are")
}

// Ownerless returns those of the keys whose members add up to something, though
// no user has the key.
func (d *Drift) Ownerless(ctx context.Context, keys []int64) ([]int64, error) {
	rows, err := d.conn.Query(ctx, d.sql.ofKeys, keys, d.in.Secret[:])
	if err != nil {
		return nil, errors.Wrap(err, "look for members without a user")
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return list, errors.Wrap(err, "look for members without a user")
}

// compile makes the statements for the catalogue.
func (d *Drift) compile() {
	base, gen := schema(d.store.group), generationSchema(d.store.group, d.in.Generation)
	x := d.expressions()
	columns := counterColumns(d.cat)
	compared := make([]string, len(columns))
	for i, c := range columns {
		compared[i] = "u." + c
		if x.expected[i] != "NULL" {
			compared[i] = "(" + x.expected[i] + ")"
		}
	}
	counters := "ARRAY[" + prefixed("u.", columns) + "]::bigint[]"
	member := `SELECT user_key` + commaList(x.members) + ` FROM ` + gen + `.member JOIN keys USING (user_key) GROUP BY user_key`
	entity := `SELECT user_key` + commaList(x.entities) + ` FROM ` + gen + `.entity JOIN keys USING (user_key) GROUP BY user_key`
	d.sql.rows = `WITH c AS MATERIALIZED (SELECT coalesce((extract(epoch FROM at) * 1000000)::bigint, 0) AS clock, EXISTS (SELECT FROM ` + base + `.fold_offset WHERE step > 0) AS ticking FROM ` + gen + `.clock),
u AS MATERIALIZED (SELECT t.*, ` + userKeySQL("id", "$3") + ` AS "~key", coalesce(held, '{}') AS "~has", coalesce(earned_at, '{}') AS "~since",
  coalesce((extract(epoch FROM due_at) * 1000000)::bigint, 0) AS "~due" FROM ` + gen + `.users t WHERE id > $1 AND id <= $2),
keys AS (SELECT "~key" AS user_key FROM u),
m AS MATERIALIZED (` + member + `),
e AS MATERIALIZED (` + entity + `),
l AS (SELECT DISTINCT ON (h.user_id, h.badge) h.user_id, b.id, h.revoked, h.earned_at, h.reason, h.user_version
  FROM u JOIN ` + base + `.history h ON h.user_id = u.id LEFT JOIN ` + base + `.badge b ON b.slug = h.badge ORDER BY h.user_id, h.badge, h.user_version DESC, h.ordinal DESC),
h AS MATERIALIZED (SELECT user_id, max(user_version) AS changed, coalesce(array_agg(id ORDER BY id) FILTER (WHERE NOT revoked AND id IS NOT NULL), '{}') AS held,
  coalesce(array_agg(earned_at ORDER BY id) FILTER (WHERE NOT revoked AND id IS NOT NULL), '{}') AS since,
  coalesce(array_agg(id) FILTER (WHERE reason NOT IN ('activity', 'backfill', 'manual') AND id IS NOT NULL), '{}') AS decided FROM l GROUP BY user_id),
d AS MATERIALIZED (SELECT user_id, array_agg(id ORDER BY id) FILTER (WHERE verb = 'grant') AS granted, array_agg(id ORDER BY id) FILTER (WHERE verb = 'revoke') AS withheld
  FROM (SELECT DISTINCT ON (x.user_id, x.badge) x.user_id, b.id, x.verb FROM u JOIN ` + base + `.decision x ON x.user_id = u.id JOIN ` + base + `.badge b ON b.slug = x.badge
    WHERE x.verb IN ('grant', 'revoke', 'release') ORDER BY x.user_id, x.badge, x.topic, x.partition DESC, x."offset" DESC) last GROUP BY user_id),
p AS MATERIALIZED (SELECT user_id, coalesce(array_agg(id ORDER BY at) FILTER (WHERE at IS NOT NULL), '{}') AS pins, count(*) AS ever
  FROM (SELECT user_id, id, min(at) FILTER (WHERE verb = 'pin' AND at > unpinned) AS at
    FROM (SELECT x.user_id, b.id, x.verb, x."offset" AS at, coalesce(max(x."offset") FILTER (WHERE x.verb = 'unpin') OVER (PARTITION BY x.user_id, b.id), -1) AS unpinned
      FROM u JOIN ` + base + `.decision x ON x.user_id = u.id JOIN ` + base + `.badge b ON b.slug = x.badge WHERE x.verb IN ('pin', 'unpin')) each GROUP BY user_id, id) stands GROUP BY user_id),
r AS (SELECT u.id, u.version, ` + counters + ` AS counters, u."~has" AS has, u."~since" AS since, u."~due" AS due, ` + x.nextDue + ` AS next_due,
  CASE WHEN u."~due" <> 0 AND u."~due" <= c.clock THEN NOT c.ticking ELSE u."~due" <> ` + x.nextDue + ` END AS due_wrong,
  ARRAY[` + strings.Join(x.expected, ", ") + `]::bigint[] AS expected, ARRAY[` + strings.Join(compared, ", ") + `]::bigint[] AS compared,
  ARRAY[` + strings.Join(x.sums, ", ") + `]::bigint[] AS sums, ARRAY[` + strings.Join(x.memberSums, ", ") + `]::bigint[] AS member_sums,
  array_remove(ARRAY[` + strings.Join(x.badges, ", ") + `]::smallint[], NULL) AS truly,
  coalesce(h.held, '{}') AS h_held, coalesce(h.since, '{}') AS h_since, coalesce(h.decided, '{}') || coalesce(u.granted, '{}') || coalesce(u.withheld, '{}') AS decided, (coalesce(u.granted, '{}'), coalesce(u.withheld, '{}')) IS DISTINCT FROM (coalesce(d.granted, '{}'), coalesce(d.withheld, '{}'))
    OR CASE WHEN coalesce(p.ever, 0) <= ` + strconv.Itoa(schemas.MaxPins) + ` THEN coalesce(u.pinned_badges, '{}') <> coalesce(p.pins, '{}') ELSE NOT coalesce(u.pinned_badges, '{}') <@ p.pins END AS hand_wrong, coalesce(h.changed, 0) AS changed
  FROM u CROSS JOIN c LEFT JOIN m ON m.user_key = u."~key" LEFT JOIN e ON e.user_key = u."~key" LEFT JOIN h ON h.user_id = u.id LEFT JOIN d ON d.user_id = u.id LEFT JOIN p ON p.user_id = u.id)
SELECT id, version, counters, has, ` + micros("since") + `, due, next_due, due_wrong, expected, sums, member_sums, truly, h_held, ` + micros("h_since") + `, decided, changed, hand_wrong
FROM r WHERE counters <> compared OR sums <> member_sums OR (has <> truly AND (cardinality(decided) = 0 OR ` + except("has") + ` <> ` + except("truly") + `)) OR has <> h_held OR since <> h_since OR version + ` + strconv.FormatInt(d.in.Version(0), 10) + ` < changed OR version < 1 OR due_wrong OR hand_wrong
ORDER BY id`
	d.sql.one = strings.Replace(d.sql.rows, `id > $1 AND id <= $2`, `id = $1 AND id = $2`, 1)
	nonzero := []string{"false"}
	for i, text := range x.expected {
		if text != "NULL" && d.cat.Counters[i].Kind != catalog.Since {
			nonzero = append(nonzero, text+" <> 0")
		}
	}
	d.sql.ofKeys = `WITH keys AS (SELECT unnest($1::bigint[]) AS user_key), m AS MATERIALIZED (` + member + `), e AS MATERIALIZED (` + entity + `),
s AS MATERIALIZED (SELECT k.user_key FROM keys k LEFT JOIN m USING (user_key) LEFT JOIN e USING (user_key) WHERE ` + strings.Join(nonzero, " OR ") + `),
n AS (SELECT ` + userKeySQL("id", "$2") + ` AS user_key FROM ` + gen + `.users WHERE EXISTS (SELECT FROM s))
SELECT user_key FROM s EXCEPT SELECT user_key FROM n`
}

// except leaves out of an array of badges those that not the rules decided.
func except(column string) string {
	return `ARRAY(SELECT unnest(` + column + `) EXCEPT SELECT unnest(decided) ORDER BY 1)`
}

// micros makes an array of times one of Unix microseconds.
func micros(column string) string {
	return `ARRAY(SELECT (extract(epoch FROM x) * 1000000)::bigint FROM unnest(` + column + `) WITH ORDINALITY y (x, n) ORDER BY n)`
}

func prefixed(prefix string, columns []string) string {
	list := slices.Clone(columns)
	for i := range list {
		list[i] = prefix + list[i]
	}
	return strings.Join(list, ", ")
}

func commaList(list []string) string {
	var b strings.Builder
	for i, text := range list {
		fmt.Fprintf(&b, ", %s AS a%d", text, i)
	}
	return b.String()
}
