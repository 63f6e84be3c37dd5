// Package snapshots keeps the users' snapshots in Redis, and reads them.
//
// All keys of a group begin with its name and a colon:
//
//	GROUP:progress:USER   a string: the user's snapshot, schemas.Snapshot as
//	                      JSON. One GET answers a page view, from any language.
//	GROUP:catalog         a string: schemas.CatalogView as JSON, which says
//	                      what a snapshot leaves out. It changes rarely.
//	GROUP:marker          a hash: for each partition the position up to which
//	                      the snapshots are acknowledged. It is how the writer
//	                      notices that Redis lost something.
//	GROUP:epoch           a number: the last epoch drawn, once Postgres was
//	                      restored.
//	GROUP:aside           and GROUP:aside:N: keys that are there while a transaction
//	                      runs alone.
//
// A snapshot's version never goes back: what is written is compared by the order
// at the fixed place where every snapshot has it.
package snapshots

import (
	"fmt"
	"strings"

	"github.com/badgestream/badgestream/projections"
)

// Key is where a user's snapshot stands.
func Key(group, user string) string { return group + ":progress:" + user }

// Pattern matches the keys of all snapshots of a group, and no other.
func Pattern(group string) string {
	prefix := Key(group, "")
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix) + "*"
}

// CatalogKey is where the catalogue's view stands.
func CatalogKey(group string) string { return group + ":catalog" }

func markerKey(group string) string { return group + ":marker" }

func epochKey(group string) string { return group + ":epoch" }

// asideKey is the list of the keys that are aside, the n-th at this key and its
// number. There are none but in a transaction.
func asideKey(group string) string { return group + ":aside" }

// field is a partition's field in the marker.
func field(p projections.TopicPartition) string { return fmt.Sprintf("%s/%d", p.Topic, p.Partition) }

// mark writes a position so that a later one is the greater string, and any is
// greater than none.
func mark(p projections.Position) string { return fmt.Sprintf("%019d.%010d", p.Offset, p.Step) }
