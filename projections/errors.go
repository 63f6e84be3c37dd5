package projections

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/errors"
)

// ErrStale says that a partition no longer stands where the work begins:
// somebody else folded on. Nothing was written.
var ErrStale = errors.New("the fold offset is no longer where this batch begins: another process folded it")

// ErrNotCommitted says that the connection was lost and that the transaction
// certainly took no effect. The same work can be folded again.
var ErrNotCommitted = errors.New("the connection to Postgres was lost, and the transaction took no effect")

// notCommitted is an ErrNotCommitted with what became of the connection.
type notCommitted struct{ cause error }

func (e *notCommitted) Error() string        { return ErrNotCommitted.Error() + ": " + e.cause.Error() }
func (e *notCommitted) Unwrap() error        { return e.cause }
func (e *notCommitted) Is(target error) bool { return target == ErrNotCommitted }

// RegimeChanged says that another catalogue, generation or epoch holds than the
// Folder was made for. Nothing was written.
type RegimeChanged struct {
	Expected, Found Regime
}

func (e *RegimeChanged) Error() string {
	return fmt.Sprintf("catalogue version %d, generation %d and epoch %d hold now, and this process folds by version %d, generation %d and epoch %d: it must begin anew",
		e.Found.CatalogVersion, e.Found.Generation, e.Found.Epoch, e.Expected.CatalogVersion, e.Expected.Generation, e.Expected.Epoch)
}

// RulesDiffer says that a catalogue would fold otherwise than the stored one,
// so that the rows that are there would be wrong by it.
type RulesDiffer struct {
	Group   string
	Stored  int32 // the stored catalogue's version
	Changes []string
	// Known says that the very catalogue is stored: it held before a switch of
	// generations, or a rebuild folds by it.
	Known bool
}

func (e *RulesDiffer) Error() string {
	return fmt.Sprintf("the catalogue counts or awards otherwise than version %d, which group %q folds by:\n  %s\nRun `badgestream rebuild start --catalog FILE` to fold the log by the new one, or start with the stored one.",
		e.Stored, e.Group, strings.Join(e.Changes, "\n  "))
}
