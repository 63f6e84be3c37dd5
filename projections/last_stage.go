package projections

import (
	"context"
	"strings"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// lastStage writes what the batch found, draws the ledger's numbers and
// commits, in one round trip. The numbers come after every other answer of the
// server's, and nothing is read or locked after them.
func (f *Folder) lastStage(ctx context.Context, t *transaction) error {
	pipe := f.conn.Begin()
	f.addHeld(pipe, t.batch.HeldUpdates())
	f.addByHand(pipe, t.batch.HandUpdates())
	f.addDecisions(pipe, t.batch.Decisions())
	f.addHistory(pipe, t)
	f.addRejects(pipe, t.rejects)
	if t.move {
		f.addMove(pipe, &t.ranges[0])
	}
	f.addLedger(pipe, t)
	pipe.Add(f.stmts.commit, nil)
	err := pipe.Run(ctx)
	if pipe.Finished() == pipe.Len() {
		if tag := pipe.Tag(pipe.Len() - 1); tag != "COMMIT" {
			return errors.AssertionFailedf("commit: Postgres answered %s", tag)
		}
		if err != nil {
			f.dropConn()
		}
		return nil
	}
	if answered(err) {
		return err
	}
	return f.settle(ctx, t, err)
}

// addHistory adds the statement that records the changes of badges.
func (f *Folder) addHistory(pipe *pgbatch.Pipe, t *transaction) {
	clear(t.history)
	t.history = t.history[:0]
	for i, changes := 0, t.batch.Changes(); i < len(changes); i++ {
		t.history = append(t.history, f.historyRow(&changes[i], t.reason))
	}
	if len(t.history) == 0 {
		return
	}
	version := pgbatch.Int4Param(f.in.CatalogVersion)
	pipe.AddParts(f.stmts.history, nil, parts(len(t.history), func(from, to int) [][]byte {
		return append(f.historyParams(t.history[from:to]), version)
	}))
}

func (f *Folder) historyParams(rows []HistoryRow) [][]byte {
	cols := f.cols[:17]
	start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int8, pgbatch.Int8, pgbatch.Text, pgbatch.Text, pgbatch.Text, pgbatch.Text, pgbatch.Int4,
		pgbatch.Bool, pgbatch.TimestampTZ, pgbatch.TimestampTZ, pgbatch.Text, pgbatch.Text, pgbatch.JSON, pgbatch.Int8, pgbatch.Text)
	for i := range rows {
		h := &rows[i]
		cols[0].AddText(h.Topic)
		cols[1].AddInt4(h.Partition)
		cols[2].AddInt8(h.Offset)
		cols[3].AddInt8(h.Ordinal)
		cols[4].AddText(h.User)
		cols[5].AddText(h.Badge)
		cols[6].AddText(h.Category)
		cols[7].AddText(h.Criterion)
		cols[8].AddInt4(h.Tier)
		cols[9].AddBool(h.Revoked)
		cols[10].AddTime(h.At)
		cols[11].AddTime(h.EarnedAt)
		cols[12].AddText(h.EventID)
		cols[13].AddText(h.EventSource)
		f.text = h.Counters.Append(f.text[:0])
		cols[14].AddBytes(f.text)
		cols[15].AddInt8(h.Version)
		cols[16].AddText(string(h.Reason))
	}
	return params(cols)
}

// historyRow is the row that a change makes. Its badge event is made from it,
// when the change is published at once as well as when it is read back.
func (f *Folder) historyRow(c *processor.Change, reason schemas.BadgeReason) HistoryRow {
	if c.ByHand {
		reason = schemas.ReasonManual
	}
	badge := &f.cat.Badges[c.Badge]
	indexes := f.cat.CriterionCounters(c.Badge)
	counters := make(schemas.Numbers, len(indexes))
	for i, n := range indexes {
		counters[i] = schemas.Number{Name: f.cat.Counters[n].Name, Value: c.Counters[i]}
	}
	return HistoryRow{
		TopicPartition: TopicPartition{c.Source.Topic, c.Source.Partition}, Offset: c.Source.Offset, Ordinal: c.Ordinal,
		User: c.User, Badge: badge.Slug, Category: badge.Category, Criterion: badge.Criterion, Tier: int32(badge.Tier),
		Revoked: c.Revoked, At: c.Source.Time, EarnedAt: c.EarnedAt, EventID: c.Source.ID, EventSource: c.Source.Origin,
		Counters: counters, Version: f.in.Version(c.Version), CatalogVersion: f.in.CatalogVersion, Reason: reason,
	}
}

// addRejects adds the statements that record what is no valid event, and that
// this generation says so.
func (f *Folder) addRejects(pipe *pgbatch.Pipe, rejects []Reject) {
	if len(rejects) == 0 {
		return
	}
	cols := f.rejectCols[:]
	start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int8, pgbatch.Text, pgbatch.Text, pgbatch.Bytea, pgbatch.Bytea, pgbatch.Bytea, pgbatch.Int8)
	for i := range rejects {
		r := &rejects[i]
		cols[0].AddText(r.Topic)
		cols[1].AddInt4(r.Partition)
		cols[2].AddInt8(r.Offset)
		cols[3].AddText(string(r.Reason))
		cols[4].AddText(storable(r.Detail))
		addBytes(&cols[5], r.Key)
		addBytes(&cols[6], r.Value)
		f.text = appendHeaders(f.text[:0], r.Headers)
		cols[7].AddBytes(f.text)
		cols[8].AddInt8(r.Timestamp)
	}
	columns := params(cols)
	pipe.Add(f.stmts.rejects, nil, columns...)
	pipe.Add(f.stmts.refused, nil, columns[:3]...)
}

// storable makes a text one that Postgres takes.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func addBytes(col *pgbatch.Column, b []byte) {
	if b == nil {
		col.Null()
		return
	}
	col.AddBytes(b)
}

// addLedger adds the statement that draws the numbers, one for each range in
// order, or that takes the one that is given.
func (f *Folder) addLedger(pipe *pgbatch.Pipe, t *transaction) {
	t.ledger = t.ledger[:0]
	cols := f.ledgerCols[:]
	start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8, pgbatch.Int8)
	for i := range t.ranges {
		r := &t.ranges[i]
		cols[0].AddText(r.Topic)
		cols[1].AddInt4(r.Partition)
		for c, v := range [...]int64{r.From.Offset, r.From.Step, r.From.Ordinal, r.To.Offset, r.To.Step, r.To.Ordinal} {
			cols[2+c].AddInt8(v)
		}
	}
	stmt, args := f.stmts.ledger, append(params(cols), pgbatch.Int4Param(t.due), pgbatch.Int4Param(f.in.CatalogVersion))
	if t.number != 0 {
		stmt, args = f.stmts.numbered, append(args, pgbatch.Int8Param(t.number))
	}
	pipe.Add(stmt, func(v [][]byte) error {
		if i := len(t.ledger); i < len(t.ranges) {
			t.ledger = append(t.ledger, LedgerRow{Number: pgbatch.ReadInt8(v[0]), Range: t.ranges[i], Due: t.due, CatalogVersion: f.in.CatalogVersion})
		}
		return nil
	}, args...)
}
