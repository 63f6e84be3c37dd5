package deadletters

import (
	"context"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Judge says what would become of letters that are folded now.
type Judge struct {
	batch   *processor.Batch
	control string // the group's control topic
}

// NewJudge makes one for the catalogue that holds.
func NewJudge(ctx context.Context, store *projections.Store) (*Judge, error) {
	cat, _, err := store.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	return &Judge{processor.New(cat), store.Group() + ".control"}, nil
}

// Outlook is what would become of a letter.
type Outlook struct {
	// Reject is set if it would be rejected again.
	Reject *schemas.Reject
	// Unknown says that its type would be passed over.
	Unknown bool
}

// Look decodes a letter as the engine would.
func (j *Judge) Look(l *projections.Letter) Outlook {
	var ev schemas.Event
	err := schemas.Decode(l.Headers, l.Value, &ev)
	if err == nil {
		_, known := j.batch.Catalog().Types[ev.Type]
		err = ev.CheckTime(l.Timestamp, known)
	}
	if _, decides := schemas.VerbOf(ev.Type); err == nil && decides && l.Topic == j.control {
		var o Outlook
		_, _, err = j.batch.Decision(&ev)
		errors.As(err, &o.Reject)
		return o
	}
	var namings []processor.Naming
	if err == nil {
		namings, err = j.batch.Namings(&ev)
	}
	var o Outlook
	errors.As(err, &o.Reject)
	_, known := j.batch.Catalog().Types[ev.Type]
	o.Unknown = o.Reject == nil && len(namings) == 0 && !known
	return o
}
