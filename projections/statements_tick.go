package projections

import (
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// ofTicks adds what the steps of a tick need besides.
//
// Every step has the clock for itself: it waits until each fold that read the
// clock has ended, and folds that come later, and the steps of other ticks,
// wait for it. So a later statement finds all who are due, with the dates that
// they have, and whoever becomes due afterwards reads the new clock and is seen
// to at once. It is the table that is locked and not the row: who waits for a
// row's shared lockers is overtaken by new ones, for as long as several workers
// fold without a pause; for a table, all wait in line.
func (s *statements) ofTicks(base, gen string, cat *catalog.Catalog) {
	s.standing = pgbatch.Statement{Name: "fold offset", SQL: `SELECT pg_current_xact_id()::xid FROM ` + base + `.fold_offset
WHERE topic = $1 AND partition = $2 AND next = $3 AND step = $4 FOR UPDATE`}
	s.alone = pgbatch.Statement{Name: "lock the clock", SQL: `LOCK TABLE ` + gen + `.clock IN EXCLUSIVE MODE`}
	s.raise = pgbatch.Statement{Name: "raise the clock", SQL: `UPDATE ` + gen + `.clock SET at = greatest(at, $1::timestamptz) RETURNING at`}
	s.dueNow = pgbatch.Statement{Name: "due users", SQL: `SELECT ` + strings.Join(append([]string{"id", "due_at"}, counterColumns(cat)...), ", ") + `
FROM ` + gen + `.users WHERE due_at <= $1::timestamptz ORDER BY due_at, id LIMIT $2::bigint`}
	s.move = pgbatch.Statement{Name: "fold offset", SQL: `UPDATE ` + base + `.fold_offset SET next = $3, step = $4, ordinal = $5
WHERE topic = $1 AND partition = $2`}
}
