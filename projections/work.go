package projections

import (
	"cmp"
	"strings"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// TopicPartition names one partition of a topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// compare orders partitions by topic and number.
func (p TopicPartition) compare(q TopicPartition) int {
	return cmp.Or(strings.Compare(p.Topic, q.Topic), cmp.Compare(p.Partition, q.Partition))
}

// Position is how far a partition is folded. Offset is the next record to
// fold. Step is how many steps of that record are folded already, and Ordinal
// how many badge changes those gave; both are 0 but within a tick.
type Position struct {
	Offset, Step, Ordinal int64
}

// Range is a stretch of one partition, folded by one transaction.
type Range struct {
	TopicPartition
	From, To Position
}

// Reject is a record that is no valid event.
type Reject struct {
	TopicPartition
	Offset int64
	Reason schemas.Reason
	Detail string
	// Key and Value are the record's bytes; nil where it had none.
	Key, Value []byte
	Headers    []schemas.Header
	// Timestamp is the record's, in Unix milliseconds, as Kafka has it.
	Timestamp int64
}

// Work is what one transaction shall fold.
type Work struct {
	// Batch holds the events of all ranges, range after range. Its catalogue
	// must be the Folder's.
	Batch *processor.Batch
	// Ranges are the stretches that the batch's records came from, in that
	// order, which is the order of their ledger rows.
	Ranges  []Range
	Rejects []Reject
	// Reason is why badges change.
	Reason schemas.BadgeReason
	// Number is that of the ledger's row, where the ledger is folded again, of
	// one range. 0 draws the next.
	Number int64
}

// TickWork is one bounded step of a tick.
type TickWork struct {
	// Batch is an empty batch of the Folder's catalogue.
	Batch *processor.Batch
	// Source is the tick: its time is the present.
	Source processor.Source
	// From is where the partition stands: the tick's own offset, and how many
	// steps of it are done.
	From Position
	// Limit is how many users a step takes at most.
	Limit int
	// To is set where the ledger is refolded: the step takes Limit users and
	// ends there, as it did the first time.
	To     *Position
	Reason schemas.BadgeReason
	// Number is that of the ledger's row, where the ledger is folded again. 0
	// draws the next.
	Number int64
}

// Outcome is what a committed transaction did. Its slices live until the
// Folder's next call and the batch's next Reset.
type Outcome struct {
	// History has a row for each badge that starts or stops being held, in the
	// order of the ranges: what is published. Changes are the same, as the
	// processor has them.
	History []HistoryRow
	Changes []processor.Change
	// Finals are the rows of all users whom the transaction touched.
	Finals []processor.Final
	// Epoch is the first part of the snapshots' version.
	Epoch int64
	// Clock is the time of the latest tick in Unix microseconds, 0 before any
	// or if no badge depends on it.
	Clock int64
	// Ledger has a row for each range, in order.
	Ledger []LedgerRow
	// Attempts is how often the transaction ran until it committed.
	Attempts int
}

// LedgerRow says that a range took effect, as the Number-th of all.
type LedgerRow struct {
	Number int64
	Range
	// Due is how many users a tick's step took.
	Due            int32
	CatalogVersion int32
}
