package pipeline_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/awards"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
	"github.com/twmb/franz-go/pkg/kgo"
)

// verify checks what must hold once everything is drained, whatever happened
// before:
//
//   - the ledger's ranges tile each partition, from its first record to its last,
//   - folding them one by one in the ledger's order, in memory, gives the very
//     history and rows that are in Postgres,
//   - the award topic holds each row of the history once, and nothing else,
//   - the ledger topic holds the ledger,
//   - each reject is a dead letter, as it was,
//   - Redis holds what Postgres has.
func (c *community) verify() {
	c.t.Helper()
	ctx := c.t.Context()
	store, err := projections.Open(ctx, c.cfg.Postgres, c.cfg.Group)
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	ledger, err := store.LedgerAfter(ctx, 0, 1_000_000)
	if err != nil {
		c.t.Fatal(err)
	}
	logs := map[projections.TopicPartition][]*kgo.Record{}
	for _, topic := range []string{c.cfg.ActivityTopic, c.cfg.Group + ".control"} {
		for _, r := range c.read(topic) {
			p := projections.TopicPartition{Topic: r.Topic, Partition: r.Partition}
			logs[p] = append(logs[p], r)
		}
	}
	c.verifyTiling(ledger, logs)
	history := c.history(store)
	memory := c.refold(ledger, logs, history)
	c.verifyRows(ctx, store, memory)
	c.verifyTopic(history)
	c.verifyLedgerTopic(ledger)
	c.verifyDeadLetters(ctx, store, logs)
}

func (c *community) verifyTiling(ledger []projections.LedgerRow, logs map[projections.TopicPartition][]*kgo.Record) {
	c.t.Helper()
	at := map[projections.TopicPartition]projections.Position{}
	for _, row := range ledger {
		if from := at[row.TopicPartition]; row.From != from {
			c.t.Errorf("ledger row %d of %s/%d begins at %v, and the one before it ended at %v", row.Number, row.Topic, row.Partition, row.From, from)
		}
		at[row.TopicPartition] = row.To
	}
	for p, log := range logs {
		if last := log[len(log)-1].Offset; at[p].Offset <= last {
			c.t.Errorf("%s/%d is folded up to %v, and its last record is at %d", p.Topic, p.Partition, at[p], last)
		}
	}
}

// history is the whole history as badge events, in the order of their causes.
func (c *community) history(store *projections.Store) []schemas.BadgeEvent {
	c.t.Helper()
	var all []schemas.BadgeEvent
	for _, topic := range []string{c.cfg.ActivityTopic, c.cfg.Group + ".control"} {
		for id := range int32(c.cfg.Partitions) {
			err := store.HistoryRange(c.t.Context(), projections.TopicPartition{Topic: topic, Partition: id}, projections.Mark{}, projections.Mark{Offset: 1 << 60},
				func(row *projections.HistoryRow) error {
					all = append(all, awards.Event(c.cfg.Group, row))
					return nil
				})
			if err != nil {
				c.t.Fatal(err)
			}
		}
	}
	return all
}

// refold folds the ledger's ranges one after another in memory, and compares
// the badges that this gives with the history.
func (c *community) refold(ledger []projections.LedgerRow, logs map[projections.TopicPartition][]*kgo.Record, history []schemas.BadgeEvent) *processor.Memory {
	c.t.Helper()
	memory, batch := processor.NewMemory(c.cat), processor.New(c.cat)
	windows := map[projections.TopicPartition]*processor.Window{}
	var changes []string
	for _, row := range ledger {
		if windows[row.TopicPartition] == nil {
			windows[row.TopicPartition] = processor.NewWindow(c.cat.DedupeWindow)
		}
		batch.Reset()
		var tick *processor.Source
		for _, r := range logs[row.TopicPartition] {
			if r.Offset < row.From.Offset || r.Offset > row.To.Offset || r.Offset == row.To.Offset && row.To.Step == 0 {
				continue
			}
			var ev schemas.Event
			if schemas.Decode(r.Headers, r.Value, &ev) != nil {
				continue
			}
			src := processor.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
			if !ev.HasTime {
				src.Time = r.Timestamp.UnixMicro()
			}
			if verdict, err := batch.Add(&ev, src, windows[row.TopicPartition]); err == nil && verdict == processor.Tick {
				tick = &src
			}
		}
		if tick != nil {
			c.t.Fatalf("ledger row %d folds a tick: this check does not", row.Number)
		}
		if err := memory.Fold(batch); err != nil {
			c.t.Fatal(err)
		}
		for _, ch := range batch.Changes() {
			changes = append(changes, changeText(ch.Source.Partition, ch.Source.Offset, ch.Ordinal, ch.User, c.cat.Badges[ch.Badge].Slug, ch.Revoked, ch.Version, ch.EarnedAt, ch.Counters))
		}
	}
	var stored []string
	for _, e := range history {
		var counters []int64
		for _, n := range e.Counters {
			counters = append(counters, n.Value)
		}
		stored = append(stored, changeText(e.Cause.Partition, e.Cause.Offset, e.Ordinal, e.User, e.Badge, e.Revoked, e.UserVersion, e.EarnedAt, counters))
	}
	c.same("history, and the ledger refolded", changes, stored)
	return memory
}

func changeText(partition int32, offset, ordinal int64, user, badge string, revoked bool, version, earned int64, counters []int64) string {
	return fmt.Sprintf("%d/%09d/%03d %q %s revoked=%t version=%d earned=%d counters=%v", partition, offset, ordinal, user, badge, revoked, version, earned, counters)
}

// same compares two lists as sets that may hold things twice.
func (c *community) same(what string, want, got []string) {
	c.t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if slices.Equal(want, got) {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(s string) bool { _, ok := slices.BinarySearch(got, s); return ok })
	extra := slices.DeleteFunc(slices.Clone(got), func(s string) bool { _, ok := slices.BinarySearch(want, s); return ok })
	c.t.Errorf("%s: %d and %d; only in the first:\n%s\nonly in the second:\n%s", what, len(want), len(got), few(missing), few(extra))
}

func few(lines []string) string { return strings.Join(lines[:min(5, len(lines))], "\n") }

// verifyRows compares the rows in Postgres with those in memory, and the
// snapshots in Redis with the rows.
func (c *community) verifyRows(ctx context.Context, store *projections.Store, memory *processor.Memory) {
	c.t.Helper()
	want := map[string]string{}
	memory.Users(func(f processor.Final) { want[f.User] = fmt.Sprint(f.Version, f.Counters, f.Held) })
	_, regime, err := store.CurrentCatalog(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	rdb := c.redis()
	rows := store.Users(projections.Installed{Regime: regime}, c.cat)
	users := 0
	for after := ""; ; {
		page, err := rows.After(ctx, after, 1000)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			f := &page[i]
			users++
			if got := fmt.Sprint(f.Version, f.Counters, f.Held); got != want[f.User] {
				c.t.Errorf("row of %q: Postgres %s, refolded %s", f.User, got, want[f.User])
			}
			var s schemas.Snapshot
			processor.FillSnapshot(c.cat, f, &s)
			s.Epoch, s.Catalog = regime.Epoch, int64(regime.CatalogVersion)
			text, err := rdb.Get(ctx, snapshots.Key(c.cfg.Group, f.User)).Result()
			if err != nil || text != string(s.Append(nil)) {
				c.t.Errorf("snapshot of %q: Redis %s (%v), row %s", f.User, text, err, s.Append(nil))
			}
		}
		after = page[len(page)-1].User
	}
	if users != len(want) {
		c.t.Errorf("%d users in Postgres, %d refolded", users, len(want))
	}
}

// verifyTopic wants each row of the history on the award topic, once, and for
// each user in the order of his versions per source partition.
func (c *community) verifyTopic(history []schemas.BadgeEvent) {
	c.t.Helper()
	var want, got []string
	for _, e := range history {
		want = append(want, string(e.AppendStructured(nil)))
	}
	last := map[string]schemas.BadgeEvent{}
	for _, e := range c.badges() {
		got = append(got, string(e.AppendStructured(nil)))
		source := fmt.Sprintf("%s\x00%s/%d", e.User, e.Cause.Topic, e.Cause.Partition)
		if before, ok := last[source]; ok && cmp.Or(cmp.Compare(before.Cause.Offset, e.Cause.Offset), cmp.Compare(before.Ordinal, e.Ordinal)) >= 0 {
			c.t.Errorf("the award topic has %s after %s", e.AppendStructured(nil), before.AppendStructured(nil))
		}
		last[source] = e
	}
	c.same("history, and the award topic", want, got)
}

func (c *community) verifyLedgerTopic(ledger []projections.LedgerRow) {
	c.t.Helper()
	var want, got []string
	for _, r := range ledger {
		want = append(want, fmt.Sprintf("%d %s/%d %d-%d", r.Number, r.Topic, r.Partition, r.From.Offset, r.To.Offset))
	}
	for _, rec := range c.read(c.cfg.Group + ".ledger") {
		r, err := schemas.ParseLedgerRow(rec.Value)
		if err != nil {
			c.t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s/%d %d-%d", r.Number, r.Topic, r.Partition, r.From, r.To))
	}
	c.same("ledger, and its topic", want, got)
}

func (c *community) verifyDeadLetters(ctx context.Context, store *projections.Store, logs map[projections.TopicPartition][]*kgo.Record) {
	c.t.Helper()
	var want, got []string
	for p := range logs {
		err := store.Rejects(ctx, p, 0, 1<<60, func(r *projections.Reject) error {
			want = append(want, fmt.Sprintf("%s/%d/%d %s %q %q %q", r.Topic, r.Partition, r.Offset, r.Reason, r.Key, r.Value, r.Detail))
			return nil
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	for _, rec := range c.read(c.cfg.DeadLetterTopic) {
		d, _, err := schemas.ParseDeadLetter(rec.Headers)
		if err != nil {
			c.t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s/%d/%d %s %q %q %q", d.Topic, d.Partition, d.Offset, d.Reason, rec.Key, rec.Value, d.Detail))
	}
	c.same("rejects, and dead letters", want, got)
}
