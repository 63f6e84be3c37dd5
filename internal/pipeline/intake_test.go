package pipeline

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// judged is what the engine makes of one record, and what the oracle does. The
// timestamp is in Kafka's milliseconds: a producer may write any.
func judged(t *testing.T, cat *catalog.Catalog, headers []kgo.RecordHeader, value []byte, timestamp int64) (engine, oracle string) {
	t.Helper()
	at := projections.TopicPartition{Topic: "activity"}
	in := newIntake(cat, "g.control", telemetry.Discard().Link)
	var packer packer
	packed := packer.pack(&kgo.Record{Key: []byte("k"), Value: value, Headers: headers})
	packed.timestamp = timestamp
	tick, err := in.record(t.Context(), &partition{TopicPartition: at, window: processor.NewWindow(0)}, &packed)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case len(in.rejects) > 0:
		r := in.rejects[0]
		if n := len(r.Detail); n == 0 || n > 2000 || !utf8.ValidString(r.Detail) || strings.ContainsAny(r.Detail, "\x00\n") {
			t.Errorf("the reject says %d bytes: %q", n, r.Detail)
		}
		if !bytes.Equal(r.Value, value) || len(r.Headers) != len(headers) || r.Timestamp != timestamp {
			t.Errorf("the reject is not the record: %+v", r)
		}
		engine = "rejected: " + string(r.Reason)
	case tick:
		engine = "tick"
	case in.tally.unknown > 0:
		engine = "unknown"
	default:
		engine = "counted"
	}
	rec := &recount.Record{Partition: recount.Partition{Topic: at.Topic}, Timestamp: timestamp, Value: value}
	for _, h := range headers {
		rec.Headers = append(rec.Headers, schemas.Header(h))
	}
	verdict, _, why := recount.New("g", cat, 1, nil).Record(rec)
	switch verdict {
	case recount.Rejected:
		oracle = "rejected: " + string(why.Reason)
	case recount.Tick:
		oracle = "tick"
	case recount.Unknown:
		oracle = "unknown"
	default:
		oracle = "counted"
	}
	return engine, oracle
}

const (
	timelessVisit   = `{"specversion":"1.0","id":"1","source":"/s","type":"starview.location.visited","subject":"u","data":{"location":"L"}}`
	timelessUnknown = `{"specversion":"1.0","id":"1","source":"/s","type":"nobody.knows","subject":"u"}`
	timelessTick    = `{"specversion":"1.0","id":"1","source":"/s","type":"badgestream.tick","data":{}}`
	timedTick       = `{"specversion":"1.0","id":"1","source":"/s","type":"badgestream.tick","time":"2026-03-01T12:00:00Z","data":{}}`
)

// TestNoTimeAndNoTimestamp: what bears no time at all is no event, but of an
// unknown type nothing is asked.
func TestNoTimeAndNoTimestamp(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Load("starview")
	if err != nil {
		t.Fatal(err)
	}
	march := int64(1772366400000)
	for _, c := range []struct {
		value     string
		timestamp int64
		want      string
	}{
		{timelessUnknown, math.MinInt64, "unknown"}, {timelessUnknown, math.MaxInt64, "unknown"}, {timelessUnknown, march, "unknown"},
		{timelessVisit, math.MinInt64 + 1, "rejected: attribute"}, {timelessVisit, schemas.MaxTime/1000 + 1, "rejected: attribute"},
		{timelessVisit, schemas.MinTime/1000 - 1, "rejected: attribute"}, {timelessVisit, schemas.MaxTime / 1000, "counted"}, {timelessVisit, schemas.MinTime / 1000, "counted"},
		{timelessTick, math.MaxInt64, "rejected: attribute"}, {timelessTick, march, "tick"},
		{timedTick, march, "tick"}, {timedTick, march - 25*3600*1000, "rejected: attribute"}, {timedTick, math.MaxInt64, "tick"},
	} {
		if engine, oracle := judged(t, cat, nil, []byte(c.value), c.timestamp); engine != c.want || oracle != c.want {
			t.Errorf("%s at %d is %s to the engine and %s to the oracle; want %s", c.value, c.timestamp, engine, oracle, c.want)
		}
	}
}

// Any record: the engine and the oracle judge it alike, and a reject says why in
// a few words and keeps the record.
func FuzzRecord(f *testing.F) {
	cat, err := catalog.Load("starview")
	if err != nil {
		f.Fatal(err)
	}
	for _, value := range []string{timelessVisit, timelessUnknown, timelessTick, timedTick, `{`, ``,
		`{"specversion":"1.0","id":"1","source":"/s","type":"starview.review.voted","subject":"u","time":"2026-03-01T12:00:00Z","data":{"review":"r","author":"a","vote":"sideways"}}`} {
		f.Add("content-type", "application/cloudevents+json", "", "", []byte(value), int64(1772366400000))
		f.Add("ce_id", "1", "ce_type", "starview.location.visited", []byte(value), int64(math.MaxInt64))
	}
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string, value []byte, timestamp int64) {
		if timestamp == math.MinInt64 {
			return // to the oracle, that is a line of a file, which has none
		}
		headers := []kgo.RecordHeader{{Key: key1, Value: []byte(value1)}, {Key: key2, Value: []byte(value2)}}
		if key2 == "ce_type" { // then most of the rest is there
			headers = append(headers, kgo.RecordHeader{Key: "ce_specversion", Value: []byte("1.0")}, kgo.RecordHeader{Key: "ce_source", Value: []byte("/s")},
				kgo.RecordHeader{Key: "ce_subject", Value: []byte("u")})
		}
		if engine, oracle := judged(t, cat, headers, value, timestamp); engine != oracle {
			t.Errorf("%s to the engine, %s to the oracle", engine, oracle)
		}
	})
}
