package pipeline

import (
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// ledgerRecord is a ledger row as the ledger topic has it.
func ledgerRecord(group string, r *projections.LedgerRow) schemas.LedgerRow {
	return schemas.LedgerRow{
		Number: r.Number, Topic: r.Topic, Partition: r.Partition,
		From: r.From.Offset, FromStep: r.From.Step, FromOrdinal: r.From.Ordinal,
		To: r.To.Offset, ToStep: r.To.Step, ToOrdinal: r.To.Ordinal,
		Due: int64(r.Due), CatalogVersion: int64(r.CatalogVersion), Group: group,
	}
}
