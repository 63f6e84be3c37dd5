package schemas

import (
	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json"
)

// LedgerRow says which range of a partition one transaction folded. The rows
// of a group, by Number, are the order in which its log was folded: whoever
// folds again in that order gets the same history. ledger.schema.json is its
// JSON, in the topic GROUP.ledger.
type LedgerRow struct {
	Number    int64  `json:"number"` // strictly rising in a group; gaps mean nothing
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// From is the first record folded, To the one after the last. Where one
	// record takes several transactions, as a tick may, the steps are how many
	// of these came before, and the ordinals how many badge events they gave:
	// from (From, FromStep, FromOrdinal) to (To, ToStep, ToOrdinal).
	From           int64  `json:"from"`
	FromStep       int64  `json:"from_step"`
	FromOrdinal    int64  `json:"from_ordinal"`
	To             int64  `json:"to"`
	ToStep         int64  `json:"to_step"`
	ToOrdinal      int64  `json:"to_ordinal"`
	Due            int64  `json:"due"` // users whom a tick's step made due
	CatalogVersion int64  `json:"catalog_version"`
	Group          string `json:"group"`
	// Noted says that the row's badge events are not published with it, but
	// will be with the row itself. Other rows are, which may depend on it.
	Noted bool `json:"noted,omitzero"`
}

// Append appends the row's JSON.
func (r *LedgerRow) Append(dst []byte) []byte {
	dst = appendIntMember(dst, `{"number":`, r.Number)
	dst = appendMember(dst, `,"topic":`, r.Topic)
	dst = appendIntMember(dst, `,"partition":`, int64(r.Partition))
	dst = appendIntMember(dst, `,"from":`, r.From)
	dst = appendIntMember(dst, `,"from_step":`, r.FromStep)
	dst = appendIntMember(dst, `,"from_ordinal":`, r.FromOrdinal)
	dst = appendIntMember(dst, `,"to":`, r.To)
	dst = appendIntMember(dst, `,"to_step":`, r.ToStep)
	dst = appendIntMember(dst, `,"to_ordinal":`, r.ToOrdinal)
	dst = appendIntMember(dst, `,"due":`, r.Due)
	dst = appendIntMember(dst, `,"catalog_version":`, r.CatalogVersion)
	dst = appendMember(dst, `,"group":`, r.Group)
	if r.Noted {
		dst = append(dst, `,"noted":true`...)
	}
	return append(dst, '}')
}

// ParseLedgerRow reads a row. The error says that the text is none.
func ParseLedgerRow(text []byte) (LedgerRow, error) {
	var r LedgerRow
	if err := json.Unmarshal(text, &r); err != nil {
		return LedgerRow{}, errors.Wrapf(err, "read the ledger row %s", quoted(text))
	}
	if r.Number <= 0 || r.Topic == "" || r.Group == "" || r.Partition < 0 || r.From < 0 || r.From > r.To ||
		min(r.FromStep, r.FromOrdinal, r.ToStep, r.ToOrdinal, r.Due) < 0 {
		return LedgerRow{}, errors.Newf("read the ledger row %s: it names no number, topic, group or range", quoted(text))
	}
	return r, nil
}
