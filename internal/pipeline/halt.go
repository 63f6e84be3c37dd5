package pipeline

import (
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kerr"
)

// haltError stops the engine: trying again would not mend it, and going on
// could break the promise.
type haltError struct{ error }

func (h haltError) Unwrap() error { return h.error }

func halt(format string, args ...any) error { return haltError{errors.Newf(format, args...)} }

// Halts reports whether an error must stop the engine: another start would meet
// it again. All others end only the worker that met them: a new one reads
// everything anew and goes on.
func Halts(err error) bool {
	var h haltError
	var differ *projections.RulesDiffer
	return errors.As(err, &h) || errors.As(err, &differ) || errors.Is(err, projections.ErrWrittenTwice) || errors.IsAssertionFailure(err)
}

// explain turns errors whose text would not tell an operator what to do into
// halts that do.
func explain(err error) error {
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return haltError{errors.Wrap(err, "records that were not folded yet are gone from the log (retention, or the topic was made anew): the counters would miss them; restore the topic, or begin anew with another --group")}
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		return haltError{errors.Wrap(err, "the topic was deleted and created again: its offsets mean other records now; begin anew with another --group")}
	}
	return err
}
