// Package projections keeps the truth in Postgres: the users' counters and
// badges, the history of awards, the fold offsets and the ledger. It folds a
// batch in one transaction and answers the questions of readers.
//
// A group's tables live in a schema named after it; the rows that a rebuild
// makes anew, in one schema per generation beside it.
package projections

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// maxGroupBytes leaves room in a Postgres name for the generation's suffix.
const maxGroupBytes = 50

// checkGroup says whether a group can be the name of a schema.
func checkGroup(group string) error {
	switch {
	case group == "" || len(group) > maxGroupBytes:
		return errors.Newf("group %q: its name must have 1 to %d bytes", group, maxGroupBytes)
	case strings.HasPrefix(group, "pg_") || group == "information_schema":
		return errors.Newf("group %q: Postgres keeps this name for itself, choose another", group)
	case strings.ContainsRune(group, 0):
		return errors.Newf("group %q: its name must not hold a NUL", group)
	}
	return nil
}

// schema is the group's schema, quoted.
func schema(group string) string { return pgx.Identifier{group}.Sanitize() }

// generationSchema is the schema of one generation's rows, quoted.
func generationSchema(group string, generation int32) string {
	return pgx.Identifier{group + "_g" + strconv.Itoa(int(generation))}.Sanitize()
}

// lockKey is the first part of a group's advisory locks for one purpose.
func lockKey(purpose, group string) int32 {
	h := fnv.New32a()
	h.Write([]byte("badgestream\x00" + purpose + "\x00" + group))
	return int32(h.Sum32())
}
