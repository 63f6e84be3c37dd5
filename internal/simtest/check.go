package simtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/awards"
	"github.com/badgestream/badgestream/schemas"
	"github.com/twmb/franz-go/pkg/kgo"
)

// logs are the folded topics' records.
type logs map[projections.TopicPartition][]*kgo.Record

// result checks what must hold once everything is published, whatever happened
// before.
func (w *World) result(ctx context.Context) (*Result, error) {
	topics := map[string][]*kgo.Record{}
	for _, topic := range []string{w.cfg.ActivityTopic, w.control(), w.cfg.AwardTopic, w.cfg.DeadLetterTopic, w.ledgerTopic()} {
		records, err := w.read(ctx, topic)
		if err != nil {
			return nil, err
		}
		topics[topic] = records
	}
	log := logs{}
	for _, r := range slices.Concat(topics[w.cfg.ActivityTopic], topics[w.control()]) {
		log[partitionOf(r)] = append(log[partitionOf(r)], r)
	}
	ledger := w.Postgres.Ledger()
	w.checkTiling(ledger, log)
	w.checkRecount(ledger, log)
	w.checkAwards(topics[w.cfg.AwardTopic])
	w.checkLedgerTopic(ledger, topics[w.ledgerTopic()])
	w.checkRejects(topics[w.cfg.DeadLetterTopic])
	w.mu.Lock()
	defer w.mu.Unlock()
	return &Result{Failures: w.failures, Trace: w.plan.String() + "\n" + w.trace.String(),
		Events: w.trip.n, Badges: len(topics[w.cfg.AwardTopic]), Deaths: strings.Count(w.trace.String(), " killed"), Stuck: w.hung}, nil
}

func (w *World) control() string     { return w.cfg.Group + ".control" }
func (w *World) ledgerTopic() string { return w.cfg.Group + ".ledger" }

// checkTiling wants the ledger's ranges of each partition to lead from its
// first record past its last, and the fold offset to be where they end.
func (w *World) checkTiling(ledger []projections.LedgerRow, log logs) {
	at := map[projections.TopicPartition]projections.Position{}
	for _, row := range ledger {
		if from := at[row.TopicPartition]; row.From != from {
			w.fail("tiling: ledger row %d of %s/%d begins at %v, and the one before it ended at %v", row.Number, row.Topic, row.Partition, row.From, from)
		}
		at[row.TopicPartition] = row.To
	}
	for p, records := range log {
		if last := records[len(records)-1].Offset; at[p].Offset <= last {
			w.fail("tiling: %s/%d is folded up to %v, and its last record is at %d", p.Topic, p.Partition, at[p], last)
		}
	}
	for _, s := range w.Postgres.Standings() {
		if s.Position != at[s.TopicPartition] {
			w.fail("tiling: %s/%d stands at %v, and the ledger ends at %v", s.Topic, s.Partition, s.Position, at[s.TopicPartition])
		}
	}
}

// checkRecount counts the ledger's ranges one after another, event by event, and
// wants the very history, rows and snapshots. The recount shares nothing with
// the engine but formats and the catalogue.
func (w *World) checkRecount(ledger []projections.LedgerRow, log logs) {
	epoch, version := w.Postgres.Regime()
	count := recount.New(w.cfg.Group, w.Cat, int64(version), nil)
	var want, got, decided, recorded []string
	rejected := 0
	for _, row := range ledger {
		for _, r := range log[row.TopicPartition] {
			if r.Offset < row.From.Offset || r.Offset >= row.To.Offset {
				continue
			}
			rec := &recount.Record{Partition: recount.Partition{Topic: r.Topic, Partition: r.Partition}, Offset: r.Offset,
				Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				rec.Headers = append(rec.Headers, schemas.Header(h))
			}
			verdict, changes, _ := count.Record(rec)
			switch verdict {
			case recount.Decided:
				d := count.Decision(rec.Partition)
				decided = append(decided, fmt.Sprint(d.Cause.Topic, d.Cause.Partition, d.Cause.Offset, d.Decision))
			case recount.Rejected:
				rejected++
			case recount.Tick:
				var due int64
				if due, changes = count.Step(rec.Partition, true, 1<<30, 0); due != int64(row.Due) {
					w.fail("ledger row %d sees to %d users, and %d are due", row.Number, row.Due, due)
				}
			}
			for i := range changes {
				want = append(want, string(changes[i].AppendStructured(nil)))
			}
		}
	}
	for _, h := range w.Postgres.History() {
		e := awards.Event(w.cfg.Group, &h)
		got = append(got, string(e.AppendStructured(nil)))
	}
	w.same("the ledger counted event by event, and the history", want, got)
	if n := len(w.Postgres.AllRejects()); rejected != w.trip.bad || n != rejected {
		w.fail("%d records are no events, %d are counted as such, and %d are rejects", w.trip.bad, rejected, n)
	}
	for _, d := range w.Postgres.Decisions() {
		recorded = append(recorded, fmt.Sprint(d.Source.Topic, d.Source.Partition, d.Source.Offset, d.Decision))
	}
	w.same("the decisions of the log, and those recorded", decided, recorded)
	w.checkUsers(count, epoch, version)
}

// checkUsers wants each user's row and snapshot to be what was counted.
func (w *World) checkUsers(count *recount.Recount, epoch int64, version int32) {
	var want, got, snapshots, redis []string
	for _, u := range count.Users() {
		if u.Version == 0 {
			continue
		}
		var held []processor.Held
		for i := range w.Cat.Badges {
			if at, has := u.Held[w.Cat.Badges[i].Slug]; has {
				held = append(held, processor.Held{Badge: w.Cat.Badges[i].ID, At: at})
			}
		}
		slices.SortFunc(held, func(a, b processor.Held) int { return int(a.Badge) - int(b.Badge) })
		want = append(want, fmt.Sprintln(u.Name, u.Version, u.Counters, held, w.settled(u), u.Pins))
		s := count.Snapshot(u, epoch, w.Cat, int64(version))
		snapshots = append(snapshots, string(s.Append(nil)))
	}
	for _, f := range w.Postgres.Rows() {
		if f.Version > 0 { // nothing that credited the others had an effect
			hand := f.ByHand
			if hand == nil {
				hand = &processor.ByHand{}
			}
			got = append(got, fmt.Sprintln(f.User, f.Version, f.Counters, f.Held, hand.Granted, hand.Withheld, w.slugs(hand.Pins)))
		}
	}
	w.same("the ledger counted event by event, and the rows", want, got)
	for _, text := range w.Redis.Snapshots() {
		if s, err := schemas.ParseSnapshot([]byte(text)); err != nil || s.Version > 0 {
			redis = append(redis, text)
		}
	}
	w.same("the ledger counted event by event, and Redis", snapshots, redis)
	if w.Redis.View() != version {
		w.fail("Redis has version %d of the catalogue's view, and %d holds", w.Redis.View(), version)
	}
}

// settled are the badges that were granted and those that were withheld, by id.
func (w *World) settled(u *recount.User) string {
	var granted, withheld []int16
	for id, at := range w.Cat.ByID {
		switch held, settled := u.Settled[w.Cat.Badges[at].Slug]; {
		case held:
			granted = append(granted, int16(id))
		case settled:
			withheld = append(withheld, int16(id))
		}
	}
	return fmt.Sprint(granted, withheld)
}

func (w *World) slugs(ids []int16) (slugs []string) {
	for _, id := range ids {
		slugs = append(slugs, w.Cat.Badges[w.Cat.ByID[id]].Slug)
	}
	return slugs
}

// checkAwards wants each row of the history on the award topic, once, and a
// user's in their order within each source partition.
func (w *World) checkAwards(records []*kgo.Record) {
	var want, got []string
	for _, h := range w.Postgres.History() {
		e := awards.Event(w.cfg.Group, &h)
		want = append(want, string(e.AppendStructured(nil)))
	}
	last := map[string]schemas.BadgeEvent{}
	for _, r := range records {
		got = append(got, string(r.Value))
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
			w.fail("award topic: %v", err)
			continue
		}
		source := fmt.Sprintf("%s %s/%d", e.User, e.Cause.Topic, e.Cause.Partition)
		before, ok := last[source]
		if ok && cmp.Or(cmp.Compare(before.Cause.Offset, e.Cause.Offset), cmp.Compare(before.Ordinal, e.Ordinal)) >= 0 {
			w.fail("award topic: %s after %s", r.Value, before.AppendStructured(nil))
		}
		last[source] = e
	}
	w.same("history, and the award topic", want, got)
}

func (w *World) checkLedgerTopic(ledger []projections.LedgerRow, records []*kgo.Record) {
	var want, got []string
	for _, r := range ledger {
		want = append(want, fmt.Sprint(r.Number, r.Topic, r.Partition, r.From, r.To, r.Due))
	}
	for _, rec := range records {
		r, err := schemas.ParseLedgerRow(rec.Value)
		if err != nil {
			w.fail("ledger topic: %v", err)
			continue
		}
		if r.Noted {
			continue // it is not published by this record
		}
		got = append(got, fmt.Sprint(r.Number, r.Topic, r.Partition, projections.Position{Offset: r.From, Step: r.FromStep, Ordinal: r.FromOrdinal},
			projections.Position{Offset: r.To, Step: r.ToStep, Ordinal: r.ToOrdinal}, r.Due))
	}
	w.same("ledger, and its topic", want, got)
}

// checkRejects wants each record that is no event as a reject and as a dead
// letter, once.
func (w *World) checkRejects(records []*kgo.Record) {
	var want, got []string
	for _, r := range w.Postgres.AllRejects() {
		want = append(want, fmt.Sprintf("%s/%d/%d %s %q", r.Topic, r.Partition, r.Offset, r.Reason, r.Value))
	}
	for _, rec := range records {
		d, _, err := schemas.ParseDeadLetter(rec.Headers)
		if err != nil {
			w.fail("dead letter: %v", err)
			continue
		}
		got = append(got, fmt.Sprintf("%s/%d/%d %s %q", d.Topic, d.Partition, d.Offset, d.Reason, rec.Value))
	}
	w.same("rejects, and dead letters", want, got)
}

// same compares two lists as sets that may hold things twice.
func (w *World) same(what string, want, got []string) {
	slices.Sort(want)
	slices.Sort(got)
	if slices.Equal(want, got) {
		return
	}
	left, right := minus(want, got), minus(got, want)
	w.fail("%s differ: %d and %d\n  only in the first:\n    %s\n  only in the second:\n    %s", what, len(want), len(got),
		strings.Join(left[:min(5, len(left))], "\n    "), strings.Join(right[:min(5, len(right))], "\n    "))
}

// minus takes the members of b, each as often as it is there, from a.
func minus(a, b []string) (left []string) {
	count := map[string]int{}
	for _, s := range b {
		count[s]++
	}
	for _, s := range a {
		if count[s]--; count[s] < 0 {
			left = append(left, s)
		}
	}
	return left
}
