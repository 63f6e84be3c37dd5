package pipeline_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/differential"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/schemas"
)

var hostileEvents = flag.Int("hostile.events", 50_000, "how many events of one user the engine is flooded with")

// hostile is a community in which somebody misbehaves while others go on.
type hostile struct {
	*community
	rng     *rand.Rand
	records []*kgo.Record
	offsets []int64 // the next of each partition
	others  int     // bystanders with one badge each
}

func newHostile(t *testing.T, stack *stacktest.Stack, partitions, batch int) *hostile {
	h := &hostile{community: found(t, stack, grouptest.Catalog(t, "starview"), partitions), rng: rand.New(rand.NewPCG(1, 6)), offsets: make([]int64, partitions)}
	h.Config.Batch, h.Config.Workers = batch, min(partitions, 2)
	return h
}

// add writes a record to a partition, and now and then what a bystander does,
// who gets a badge for it.
func (h *hostile) add(partition int, r *kgo.Record) (offset int64) {
	place := func(p int, r *kgo.Record) int64 {
		r.Topic, r.Partition = h.Config.ActivityTopic, int32(p)
		h.records = append(h.records, r)
		h.offsets[p]++
		return h.offsets[p] - 1
	}
	if h.rng.IntN(100) == 0 {
		place(h.rng.IntN(len(h.offsets)), visits(1, fmt.Sprint("other-", h.others))[0])
		h.others++
	}
	return place(partition, r)
}

// run folds all of it, and wants nobody's badge to be late: see prompt.
func (h *hostile) run(tel *telemetry.Telemetry) (pipeline.Summary, []schemas.BadgeEvent) {
	h.T.Helper()
	h.producePlaced(h.records...)
	ctx, cancel := context.WithTimeout(h.T.Context(), time.Minute+time.Duration(len(h.records))*time.Millisecond)
	defer cancel()
	cfg := h.Config
	cfg.Drain = true
	sum, err := pipeline.Run(ctx, cfg, h.Catalog, tel)
	if err != nil || ctx.Err() != nil {
		h.T.Fatalf("not drained: %+v, %v, %v", sum, err, ctx.Err())
	}
	if sum.Events != int64(len(h.records)) {
		h.T.Errorf("%d records were written and %d folded", len(h.records), sum.Events)
	}
	badges := h.prompt()
	got := map[string]int{}
	for i := range badges {
		if strings.HasPrefix(badges[i].User, "other-") {
			got[badges[i].User]++
		}
	}
	if len(got) != h.others || h.others == 0 {
		h.T.Errorf("%d of %d bystanders have their badge", len(got), h.others)
	}
	h.Verify()
	return sum, badges
}

// prompt wants every badge event to be decided in the batch that holds its
// cause, batches to be no larger than they may, and each badge event to be
// published by the very Kafka transaction that publishes its batch: so nobody
// waits for more than the batch before his own. Each transaction has a producer
// epoch of its own (KIP-890).
func (h *hostile) prompt() []schemas.BadgeEvent {
	h.T.Helper()
	type transaction struct {
		id    int64
		epoch int16
	}
	type batch struct {
		row schemas.LedgerRow
		by  transaction
	}
	of := map[int32][]batch{}
	for _, r := range h.Read(h.Config.Group + ".ledger") {
		row, err := schemas.ParseLedgerRow(r.Value)
		h.do("read a ledger row", err)
		if row.Noted || row.Topic != h.Config.ActivityTopic {
			continue
		}
		if n := row.To - row.From; n > int64(h.Config.Batch) {
			h.T.Errorf("ledger row %d has %d records, and a batch at most %d", row.Number, n, h.Config.Batch)
		}
		of[row.Partition] = append(of[row.Partition], batch{row, transaction{r.ProducerID, r.ProducerEpoch}})
	}
	var badges []schemas.BadgeEvent
	for _, r := range h.Read(h.Config.AwardTopic) {
		var e schemas.BadgeEvent
		h.do("read a badge event", schemas.DecodeBadgeEvent(r.Headers, r.Value, &e))
		badges = append(badges, e)
		list := of[e.Cause.Partition]
		i, found := slices.BinarySearchFunc(list, e.Cause.Offset, func(b batch, offset int64) int {
			switch {
			case b.row.To <= offset:
				return -1
			case b.row.From > offset:
				return 1
			}
			return 0
		})
		if by := (transaction{r.ProducerID, r.ProducerEpoch}); !found || list[i].by != by {
			h.T.Fatalf("the badge %s of %s, by offset %d of partition %d, is not published with its batch", e.Badge, e.User, e.Cause.Offset, e.Cause.Partition)
		}
	}
	return badges
}

// testPoison puts records of each kind that is rejected into the middle of load.
func testPoison(t *testing.T, stack *stacktest.Stack) {
	h := newHostile(t, stack, 3, 400)
	kinds := differential.Poison(fmt.Appendf(nil, visit, "x", "victim", "L"))
	names := slices.Sorted(maps.Keys(kinds))
	want := map[string]schemas.Reason{}
	for i := range 6_000 {
		p := h.rng.IntN(3)
		if i%25 != 0 {
			h.add(p, visits(1, fmt.Sprint("u", i%500))[0])
			continue
		}
		name := names[i/25%len(names)]
		poison := kinds[name]
		r := &kgo.Record{Key: []byte(name), Value: poison.Record.Value}
		for _, header := range poison.Record.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader(header))
		}
		want[fmt.Sprintf("%d/%d %s", p, h.add(p, r), name)] = poison.Reason
	}
	sum, badges := h.run(h.Telemetry())
	if sum.Rejected != int64(len(want)) || len(want) < 10*len(names) {
		t.Errorf("%d records are poison, and %d were rejected", len(want), sum.Rejected)
	}
	got := map[string]schemas.Reason{}
	for _, r := range h.Read(h.Config.DeadLetterTopic) {
		d, original, err := unbury(r)
		h.do("read a dead letter", err)
		got[fmt.Sprintf("%d/%d %s", d.Partition, d.Offset, original.Key)] = d.Reason
	}
	if !maps.Equal(got, want) {
		t.Errorf("dead letters are\n%v, want\n%v", got, want)
	}
	for i := range badges {
		if badges[i].User == "victim" {
			t.Errorf("poison earned the badge %s", badges[i].Badge)
		}
	}
}

// testUnknownTypes floods the engine with events of 10,000 types that it does
// not know. What metrics tell of them stays small, and counts them all.
func testUnknownTypes(t *testing.T, stack *stacktest.Stack) {
	h := newHostile(t, stack, 2, 1_000)
	const types = 10_000
	for i := range types {
		name := fmt.Sprintf("hostile.%d.%s", i, strings.Repeat("x", i%500))
		r := lines(bytes.Replace(fmt.Appendf(nil, visit, fmt.Sprint("x", i), "u", "L"), []byte("starview.location.visited"), []byte(name), 1))[0]
		h.add(i%2, r)
	}
	tel, err := telemetry.New(t.Context(), telemetry.Config{})
	h.do("start telemetry", err)
	h.run(tel)
	answer := httptest.NewRecorder()
	tel.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	series, counted, text := 0, 0.0, answer.Body.String()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "badgestream_type_unknown") {
			var n float64
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			series++
			counted += n
		}
	}
	if series < 2 || series > 51 || counted != types || len(text) > 200_000 {
		t.Errorf("%d types are told in %d series, which count %v, of %d bytes of metrics", types, series, counted, len(text))
	}
}

// testHugeTexts writes ids, subjects, types, headers and keys of 1 MB. Those that
// are too large are rejected, and the dead letter has the record, or says where
// it is.
func testHugeTexts(t *testing.T, stack *stacktest.Stack) {
	h := newHostile(t, stack, 2, 300)
	huge := strings.Repeat("é", 500_000)
	beyond := strings.Repeat("y", schemas.MaxValueBytes)
	event := func(old, now string) *kgo.Record {
		return lines(bytes.Replace(fmt.Appendf(nil, visit, "x", "victim", "L"), []byte(old), []byte(now), 1))[0]
	}
	keyed := visits(1, "keyed")[0]
	keyed.Key = []byte(huge)
	spoiled := event(`"id":"x"`, `"id":""`)
	spoiled.Key = []byte(huge)
	binary := &kgo.Record{Value: []byte(`{"location":"L"}`), Headers: []kgo.RecordHeader{{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(huge)},
		{Key: "ce_source", Value: []byte("/s")}, {Key: "ce_type", Value: []byte("starview.location.visited")}, {Key: "ce_subject", Value: []byte("victim")}}}
	stray := visits(1, "stray")[0]
	stray.Headers = append(stray.Headers, kgo.RecordHeader{Key: huge, Value: []byte(huge)})
	bad := []*kgo.Record{
		event(`"id":"x"`, `"id":"`+huge+`"`), event(`"subject":"victim"`, `"subject":"`+huge+`"`), event(`"source":"/s"`, `"source":"`+huge+`"`),
		event(`starview.location.visited`, huge), event(`"L"`, `"`+huge+`"`), event(`"id":"x"`, `"id":"`+beyond+`"`), spoiled, binary,
	}
	good := []*kgo.Record{keyed, stray}
	const rounds = 12
	for range rounds {
		for _, r := range bad {
			for range 20 {
				h.add(h.rng.IntN(2), visits(1, fmt.Sprint("u", h.rng.IntN(100)))[0])
			}
			c := *r
			h.add(h.rng.IntN(2), &c)
		}
	}
	for _, r := range good {
		h.add(0, r)
	}
	sum, badges := h.run(h.Telemetry())
	if sum.Rejected != int64(rounds*len(bad)) {
		t.Errorf("%d records are too large, and %d were rejected", rounds*len(bad), sum.Rejected)
	}
	letters := h.Read(h.Config.DeadLetterTopic)
	if len(letters) != rounds*len(bad) {
		t.Errorf("%d records are too large, and %d are dead letters", rounds*len(bad), len(letters))
	}
	for _, r := range letters {
		d, original, err := unbury(r)
		h.do("read a dead letter", err)
		if len(d.Detail) > 1_000 || len(original.Key)+len(r.Value)+len(r.Headers[0].Value)+len(r.Headers[1].Value) < 900_000 && !strings.Contains(d.Detail, "in the table of rejects") {
			t.Errorf("the dead letter of offset %d has %d bytes, and says %.300q", d.Offset, len(r.Value), d.Detail)
		}
	}
	for _, user := range []string{"keyed", "stray"} {
		if !slices.ContainsFunc(badges, func(e schemas.BadgeEvent) bool { return e.User == user }) {
			t.Errorf("%s has no badge", user)
		}
	}
}

// testOneUser floods the engine with the events of one user.
func testOneUser(t *testing.T, stack *stacktest.Stack) {
	h := newHostile(t, stack, 2, 5_000)
	for i := range *hostileEvents {
		h.add(0, lines(fmt.Appendf(nil, visit, fmt.Sprint("f", i), "flood", fmt.Sprint("L", i%700)))[0])
	}
	_, badges := h.run(h.Telemetry())
	n := 0
	for i := range badges {
		if badges[i].User == "flood" {
			n++
		}
	}
	if n < 3 {
		t.Errorf("who was everywhere has %d badges", n)
	}
}

// testCrossing lets a thousand users of each batch cross a badge's threshold at
// once, and again at the next.
func testCrossing(t *testing.T, stack *stacktest.Stack) {
	h := newHostile(t, stack, 2, 1_000)
	for round := range 5 {
		for user := range 3_000 {
			h.add(user%2, lines(fmt.Appendf(nil, visit, fmt.Sprint("c", user, "-", round), fmt.Sprint("c", user), fmt.Sprint("L", round)))[0])
		}
	}
	_, badges := h.run(h.Telemetry())
	if len(badges) != h.others+2*3_000 {
		t.Errorf("%d badges, want %d of bystanders, and two of each of 3000 others", len(badges), h.others)
	}
}

func TestPoison(t *testing.T)           { t.Parallel(); testPoison(t, stacktest.Embedded(t)) }
func TestRealPoison(t *testing.T)       { t.Parallel(); testPoison(t, stacktest.Real(t)) }
func TestUnknownTypes(t *testing.T)     { t.Parallel(); testUnknownTypes(t, stacktest.Embedded(t)) }
func TestRealUnknownTypes(t *testing.T) { t.Parallel(); testUnknownTypes(t, stacktest.Real(t)) }
func TestHugeTexts(t *testing.T)        { t.Parallel(); testHugeTexts(t, stacktest.Embedded(t)) }
func TestRealHugeTexts(t *testing.T)    { t.Parallel(); testHugeTexts(t, stacktest.Real(t)) }
func TestRealOneUser(t *testing.T)      { t.Parallel(); testOneUser(t, stacktest.Real(t)) }
func TestRealCrossing(t *testing.T)     { t.Parallel(); testCrossing(t, stacktest.Real(t)) }
