package projections

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/jackc/pgx/v5"
)

// statements is the fold's SQL for one catalogue and generation.
//
// Each statement looks only at rows that it locks, and each sees what
// committed before it began: none joins, none has a WITH or a sub-select for
// old values, none deletes, none says DO NOTHING. An upsert answers for every
// row it is given, in the order given, also where it changes nothing.
type statements struct {
	begin, regime, advance, readClock    pgbatch.Statement
	members, timed                       pgbatch.Statement
	newMembers, newEntities              pgbatch.Statement // COPY
	entities, places                     pgbatch.Statement
	users, due                           pgbatch.Statement
	held, history, rejects, refused      pgbatch.Statement
	byHand, decisions                    pgbatch.Statement
	ledger, numbered, commit             pgbatch.Statement
	standing, alone, raise, dueNow, move pgbatch.Statement
	await, written                       pgbatch.Statement
}

// outcome is what becomes of a row's state: processor.Next.After, as SQL. The
// outcome for an absent row comes in excluded.state, that for a present one in
// excluded.prev as -10 minus it, so that an inserted row answers with a prev of
// -8 or less, which no state is.
const outcome = `CASE
    WHEN t.state = -1 THEN -1
    WHEN t.state = 0 THEN excluded.state
    WHEN excluded.prev = -8 THEN t.state
    ELSE -10 - excluded.prev END`

func newStatements(group string, in Installed, cat *catalog.Catalog) *statements {
	base, gen := schema(group), generationSchema(group, in.Generation)
	s := &statements{
		begin:  pgbatch.Statement{Name: "begin", SQL: `BEGIN ISOLATION LEVEL READ COMMITTED`},
		commit: pgbatch.Statement{Name: "commit", SQL: `COMMIT`},
		regime: pgbatch.Statement{Name: "regime", SQL: `SELECT ` + regimeColumns + ` FROM ` + base + `.regime FOR SHARE`},
		advance: pgbatch.Statement{Name: "fold offset", SQL: `UPDATE ` + base + `.fold_offset SET next = $5, step = $6, ordinal = $7
WHERE topic = $1 AND partition = $2 AND next = $3 AND step = $4 RETURNING pg_current_xact_id()::xid`},
		readClock: pgbatch.Statement{Name: "clock", SQL: `SELECT at FROM ` + gen + `.clock FOR SHARE`},
		members: pgbatch.Statement{Name: "members", SQL: `INSERT INTO ` + gen + `.member AS t (user_key, row_key, collection, state, prev)
SELECT ` + rows(`bigint`, `bigint`, `smallint`, `int`, `int`) + `
ON CONFLICT (user_key, row_key) DO UPDATE SET prev = t.state, state = ` + outcome + `
RETURNING prev`},
		timed: pgbatch.Statement{Name: "members by time", SQL: `INSERT INTO ` + gen + `.member AS t (user_key, row_key, collection, state, prev, at)
SELECT ` + rows(`bigint`, `bigint`, `smallint`, `int`, `int`, `timestamptz`) + `
ON CONFLICT (user_key, row_key) DO UPDATE SET prev = t.state, prev_at = t.at,
state = CASE WHEN t.at > excluded.at THEN t.state ELSE ` + outcome + ` END, at = greatest(t.at, excluded.at)
RETURNING prev, prev_at`},
		newMembers:  copyInto(gen, "new members", "member", memberFields),
		newEntities: copyInto(gen, "new entities", "entity", entityFields),
		entities: pgbatch.Statement{Name: "entities", SQL: `INSERT INTO ` + gen + `.entity AS t (user_key, row_key, collection, state, prev, s0, s1, s2, s3)
SELECT ` + rows(`bigint`, `bigint`, `smallint`, `int`, `int`, `bigint`, `bigint`, `bigint`, `bigint`) + `
ON CONFLICT (user_key, row_key) DO UPDATE SET prev = t.state, state = ` + outcome + `,
s0 = t.s0 + excluded.s0, s1 = t.s1 + excluded.s1, s2 = t.s2 + excluded.s2, s3 = t.s3 + excluded.s3
RETURNING prev, s0, s1, s2, s3`},
		places: pgbatch.Statement{Name: "places", SQL: `INSERT INTO ` + gen + `.place AS t (collection, taken, prev)
SELECT ` + rows(`smallint`, `bigint`, `bigint`) + `
ON CONFLICT (collection) DO UPDATE SET prev = t.taken, taken = least(t.taken + excluded.taken, -excluded.prev) RETURNING prev`},
		held: pgbatch.Statement{Name: "held", SQL: `INSERT INTO ` + gen + `.users AS t (id, version, held, earned_at)
SELECT id, 0, ($4::smallint[])[lo:hi], ($5::timestamptz[])[lo:hi] FROM unnest($1::text[], $2::int[], $3::int[]) x (id, lo, hi)
ON CONFLICT (id) DO UPDATE SET held = excluded.held, earned_at = excluded.earned_at`},
		history: pgbatch.Statement{Name: "history", SQL: historySQL(base, in.Generation)},
		rejects: pgbatch.Statement{Name: "rejects", SQL: `INSERT INTO ` + base + `.reject (topic, partition, "offset", reason, detail, key, value, headers, timestamp_ms)
SELECT ` + rows(`text`, `int`, `bigint`, `text`, `text`, `bytea`, `bytea`, `bytea`, `bigint`)},
		refused: pgbatch.Statement{Name: "refused", SQL: `INSERT INTO ` + gen + `.refused (topic, partition, "offset")
SELECT ` + rows(`text`, `int`, `bigint`)},
		ledger: pgbatch.Statement{Name: "ledger", SQL: `INSERT INTO ` + base + `.ledger (` + ledgerRange + `, due, catalog_version)
SELECT ` + ledgerRows() + ` RETURNING number`},
		numbered: pgbatch.Statement{Name: "numbered ledger", SQL: `INSERT INTO ` + base + `.ledger (` + ledgerRange + `, due, catalog_version, number)
SELECT ` + ledgerRows() + `, $11::bigint RETURNING number`},
	}
	s.users = pgbatch.Statement{Name: "users", SQL: usersSQL(gen, cat, `least(t.due_at, excluded.due_at)`)}
	s.due = pgbatch.Statement{Name: "users due", SQL: usersSQL(gen, cat, `excluded.due_at`)}
	s.await = pgbatch.Statement{Name: "await the fold offset", SQL: `SELECT next FROM ` + base + `.fold_offset WHERE topic = $1 AND partition = $2 FOR UPDATE`}
	s.written = pgbatch.Statement{Name: "ledger row", SQL: `SELECT number FROM ` + base + `.ledger
WHERE topic = $1 AND partition = $2 AND from_offset = $3 AND from_step = $4 AND xmin = $5::xid`}
	s.ofTicks(base, gen, cat)
	s.ofDecisions(base, gen)
	return s
}

const ledgerRange = `topic, partition, from_offset, from_step, from_ordinal, to_offset, to_step, to_ordinal`

func ledgerRows() string {
	return rows(`text`, `int`, `bigint`, `bigint`, `bigint`, `bigint`, `bigint`, `bigint`) + `, $9::int, $10::int`
}

// rows makes rows of array parameters, one for each column, from $1 on. They
// stand in the list of what is selected, where Postgres takes one row after
// another: as functions in FROM, each would first be written out by itself,
// which costs 0.12 µs more for each value.
func rows(types ...string) string {
	columns := make([]string, len(types))
	for i, t := range types {
		columns[i] = fmt.Sprintf("unnest($%d::%s[])", i+1, t)
	}
	return strings.Join(columns, ", ")
}

// historySQL adds to the history in a schema what a generation gives.
func historySQL(in string, generation int32) string {
	return `INSERT INTO ` + in + `.history (topic, partition, "offset", ordinal, user_id, badge, category, criterion, tier,
revoked, at, earned_at, event_id, event_source, counters, user_version, catalog_version, reason, generation)
SELECT ` + rows(`text`, `int`, `bigint`, `bigint`, `text`, `text`, `text`, `text`, `int`,
		`boolean`, `timestamptz`, `timestamptz`, `text`, `text`, `json`, `bigint`) + `, $18::int, unnest($17::text[]), ` + strconv.Itoa(int(generation))
}

// usersSQL is the additive upsert of the users' rows.
func usersSQL(gen string, cat *catalog.Catalog, dueAt string) string {
	columns := counterColumns(cat)
	types := []string{"text", "bigint", "timestamptz"}
	sums := []string{"version = t.version + excluded.version"}
	if cat.HasAgeBadges {
		sums = append(sums, "due_at = "+dueAt)
	}
	for _, c := range columns {
		types = append(types, "bigint")
		sums = append(sums, c+" = t."+c+" + excluded."+c)
	}
	return `INSERT INTO ` + gen + `.users AS t (` + strings.Join(append([]string{"id", "version", "due_at"}, columns...), ", ") + `)
SELECT ` + rows(types...) + `
ON CONFLICT (id) DO UPDATE SET ` + strings.Join(sums, ", ") + `
RETURNING ` + strings.Join(append(rowColumns(), columns...), ", ")
}

// counterColumns are the columns of the counters, quoted.
func counterColumns(cat *catalog.Catalog) []string {
	columns := make([]string, len(cat.Counters))
	for i := range cat.Counters {
		columns[i] = counterColumn(&cat.Counters[i])
	}
	return columns
}

// counterColumn is a counter's column, quoted. An age's holds the instant at
// which it began, in Unix microseconds, and is named so.
func counterColumn(c *catalog.Counter) string {
	name := c.Name
	if c.Kind == catalog.Since {
		name = "since_" + name
	}
	return pgx.Identifier{name}.Sanitize()
}

// all lists the statements that a fold of the live generation may need, to
// prepare at once.
func (s *statements) all() []pgbatch.Statement {
	return append(s.beside(), s.regime, s.advance, s.rejects, s.ledger)
}

// beside lists those that a fold of a generation beside it may need. To prepare
// a statement takes the locks that it takes: one of the regime would wait for the
// standstill in which such a fold may be made.
func (s *statements) beside() []pgbatch.Statement {
	return []pgbatch.Statement{s.begin, s.readClock, s.members, s.timed, s.entities, s.places, s.users, s.held, s.history, s.refused, s.commit}
}
