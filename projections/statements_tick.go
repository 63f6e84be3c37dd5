package projections

import (
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// ofTicks adds what the steps of a tick need besides.
//
// A tick's first step raises the clock row, for which it waits until every
// fold that read the old clock has ended. So a later statement finds all who
// are due, and whoever becomes due after it reads the new clock and is seen to
// at once. The steps of two ticks are kept apart by an advisory lock, as both
// look for who is due before they lock him.
func (s *statements) ofTicks(base, gen string, cat *catalog.Catalog) {
	s.standing = pgbatch.Statement{Name: "fold offset", SQL: `SELECT pg_current_xact_id()::xid FROM ` + base + `.fold_offset
WHERE topic = $1 AND partition = $2 AND next = $3 AND step = $4 FOR UPDATE`}
	s.alone = pgbatch.Statement{Name: "tick lock", SQL: `SELECT pg_advisory_xact_lock($1::int, $2::int)`}
	s.raise = pgbatch.Statement{Name: "raise the clock", SQL: `UPDATE ` + gen + `.clock SET at = greatest(at, $1::timestamptz) RETURNING at`}
	s.dueNow = pgbatch.Statement{Name: "due users", SQL: `SELECT ` + strings.Join(append([]string{"id", "due_at"}, counterColumns(cat)...), ", ") + `
FROM ` + gen + `.users WHERE due_at <= $1::timestamptz ORDER BY due_at, id LIMIT $2::bigint`}
	s.move = pgbatch.Statement{Name: "fold offset", SQL: `UPDATE ` + base + `.fold_offset SET next = $3, step = $4, ordinal = $5
WHERE topic = $1 AND partition = $2`}
}
