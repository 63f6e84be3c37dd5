// Package awards makes badge events of the history of awards. Whether a change
// is published right after its transaction or read back after a crash, its
// event is made here, of the same row, and has the same bytes.
package awards

import (
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Event makes the badge event of a row of the group's history, be it an
// Outcome's or read from Postgres. The event shares the row's counters.
func Event(group string, row *projections.HistoryRow) schemas.BadgeEvent {
	return schemas.BadgeEvent{
		Revoked:   row.Revoked,
		Group:     group,
		User:      row.User,
		Time:      row.At,
		Badge:     row.Badge,
		Tier:      int(row.Tier),
		Category:  row.Category,
		Criterion: row.Criterion,
		EarnedAt:  row.EarnedAt,
		Counters:  row.Counters,
		Cause: schemas.Cause{
			Topic:     row.Topic,
			Partition: row.Partition,
			Offset:    row.Offset,
			ID:        row.EventID,
			Source:    row.EventSource,
		},
		Ordinal:        row.Ordinal,
		CatalogVersion: int64(row.CatalogVersion),
		UserVersion:    row.Version,
		Reason:         row.Reason,
	}
}
