package projections

import (
	"slices"
	"strconv"
	"strings"

	"github.com/badgestream/badgestream/projections/pgbatch"
)

// bulkStatements is what a BulkFolder says to Postgres. Its upserts set what
// rows are, and its rows come sorted by their keys.
type bulkStatements struct {
	members, entities            tableStatements
	newUsers, newHistory         pgbatch.Statement // COPY
	users, places, clock         pgbatch.Statement
	findUsers                    pgbatch.Statement
	allUsers, allPlaces, present pgbatch.Statement
}

const (
	memberFields  = `user_key, row_key, collection, state, prev, at`
	entityFields  = `user_key, row_key, collection, state, prev, s0, s1, s2, s3`
	historyFields = 19
)

// copyInto copies rows into a table of a schema.
func copyInto(schema, name, table, fields string) pgbatch.Statement {
	return pgbatch.Statement{Name: name, SQL: `COPY ` + schema + `.` + table + ` (` + fields + `) FROM STDIN (FORMAT binary)`}
}

func newBulkStatements(f *BesideFolder) bulkStatements {
	gen := generationSchema(f.group, f.generation)
	counters := counterColumns(f.folder.cat)
	userFields := strings.Join(append([]string{"id", "version", "due_at", "held", "earned_at"}, counters...), ", ")
	userRow := strings.Join(slices.Concat([]string{"id", "version", "due_at", "held", "earned_at"}, handColumns(), counters), ", ")
	types := []string{"text", "bigint", "timestamptz", "int", "int"}
	sets := []string{"version = excluded.version", "due_at = excluded.due_at", "held = excluded.held", "earned_at = excluded.earned_at"}
	for _, c := range counters {
		types, sets = append(types, "bigint"), append(sets, c+" = excluded."+c)
	}
	arrays := strings.Split(rows(types...), ", ")
	for i, name := range append([]string{"id", "version", "due_at", "lo", "hi"}, counters...) {
		arrays[i] += " AS " + name
	}
	return bulkStatements{
		members: tableStatements{
			add: copyInto(gen, "new members", "member", memberFields),
			change: pgbatch.Statement{Name: "members", SQL: `INSERT INTO ` + gen + `.member (` + memberFields + `)
SELECT ` + rows(`bigint`, `bigint`, `smallint`, `int`, `int`, `timestamptz`) + `
ON CONFLICT (user_key, row_key) DO UPDATE SET state = excluded.state, prev = excluded.prev, at = excluded.at`},
			find:   findRows(gen, "member", "state", "at"),
			all:    pgbatch.Statement{Name: "members", SQL: `SELECT user_key, row_key, collection, state, at FROM ` + gen + `.member`},
			addKey: addKey(gen, "member"),
			hasKey: hasKey(gen, "member"),
		},
		entities: tableStatements{
			add: copyInto(gen, "new entities", "entity", entityFields),
			change: pgbatch.Statement{Name: "entities", SQL: `INSERT INTO ` + gen + `.entity (` + entityFields + `)
SELECT ` + rows(`bigint`, `bigint`, `smallint`, `int`, `int`, `bigint`, `bigint`, `bigint`, `bigint`) + `
ON CONFLICT (user_key, row_key) DO UPDATE SET state = excluded.state, prev = excluded.prev, s0 = excluded.s0, s1 = excluded.s1, s2 = excluded.s2, s3 = excluded.s3`},
			find:   findRows(gen, "entity", "state", "s0", "s1", "s2", "s3"),
			all:    pgbatch.Statement{Name: "entities", SQL: `SELECT user_key, row_key, collection, state, s0, s1, s2, s3 FROM ` + gen + `.entity`},
			addKey: addKey(gen, "entity"),
			hasKey: hasKey(gen, "entity"),
		},
		newUsers: copyInto(gen, "new users", "users", userFields),
		newHistory: copyInto(gen, "history", "history", `topic, partition, "offset", ordinal, user_id, badge, category, criterion, tier, revoked, at, earned_at,
event_id, event_source, counters, user_version, catalog_version, reason, generation`),
		// A user's badges are a slice of what comes for all.
		users: pgbatch.Statement{Name: "users", SQL: `INSERT INTO ` + gen + `.users (` + userFields + `)
SELECT id, version, due_at, CASE WHEN lo <= hi THEN ($` + strconv.Itoa(len(types)+1) + `::smallint[])[lo:hi] END, CASE WHEN lo <= hi THEN ($` + strconv.Itoa(len(types)+2) + `::timestamptz[])[lo:hi] END` + afterComma(counters) + `
FROM (SELECT ` + strings.Join(arrays, ", ") + `) x
ON CONFLICT (id) DO UPDATE SET ` + strings.Join(sets, ", ")},
		places: pgbatch.Statement{Name: "places", SQL: `INSERT INTO ` + gen + `.place (collection, taken, prev) SELECT ` + rows(`smallint`, `bigint`, `bigint`) + `
ON CONFLICT (collection) DO UPDATE SET taken = excluded.taken, prev = excluded.prev`},
		clock: pgbatch.Statement{Name: "clock", SQL: `UPDATE ` + gen + `.clock SET at = $1::timestamptz`},
		findUsers: pgbatch.Statement{Name: "find users", SQL: `SELECT u.* FROM (SELECT unnest($1::text[]) AS id) x,
LATERAL (SELECT ` + userRow + ` FROM ` + gen + `.users WHERE id = x.id COLLATE "C" OFFSET 0) u`},
		allUsers:  pgbatch.Statement{Name: "users", SQL: `SELECT ` + userRow + ` FROM ` + gen + `.users LIMIT $1::bigint`},
		allPlaces: pgbatch.Statement{Name: "places", SQL: `SELECT collection, taken FROM ` + gen + `.place`},
		present:   pgbatch.Statement{Name: "clock", SQL: `SELECT at, (SELECT min(due_at) FROM ` + gen + `.users) FROM ` + gen + `.clock`},
	}
}

// findRows finds rows by their keys.
func findRows(schema, table string, fields ...string) pgbatch.Statement {
	list := strings.Join(fields, ", ")
	return pgbatch.Statement{Name: "find rows of " + table, SQL: `SELECT x.u, x.r, t.collection, t.` + strings.Join(fields, ", t.") + `
FROM (SELECT unnest($1::bigint[]) AS u, unnest($2::bigint[]) AS r) x,
LATERAL (SELECT collection, ` + list + ` FROM ` + schema + `.` + table + ` WHERE user_key = x.u AND row_key = x.r OFFSET 0) t`}
}

// addKey makes a table's key within a transaction, however long that takes.
func addKey(schema, table string) string {
	return `SET LOCAL statement_timeout = 0; ` + rowsKey(schema, table) + `; SET LOCAL statement_timeout = ` + milliseconds(foldTime)
}

// hasKey gives a row if the table has its key.
func hasKey(schema, table string) pgbatch.Statement {
	return pgbatch.Statement{Name: "key", SQL: `SELECT 1 WHERE to_regclass('` + schema + `.` + table + `_pkey') IS NOT NULL`}
}

func afterComma(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return ", " + strings.Join(columns, ", ")
}
