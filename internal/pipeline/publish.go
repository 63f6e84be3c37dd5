package pipeline

import (
	"context"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/awards"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// publication is what one Kafka transaction makes visible: records, and how
// far each partition is then published.
type publication struct {
	records []*kgo.Record
	texts   []byte             // the chunk that badge events are written into
	headers []kgo.RecordHeader // of badge events, which share them
	to      map[projections.TopicPartition]projections.Position
}

// errNotCommitted says that a Kafka transaction did not certainly commit. The
// session must be given up, and K read again by a new one.
var errNotCommitted = errors.New("the Kafka transaction was aborted, as the group changed or the broker refused it")

// badge adds a badge event. It goes to the partition of its user, whatever
// its key: the key is the event's id, so that an erasure can remove it.
func (w *worker) badge(p *publication, row *projections.HistoryRow) {
	e := awards.Event(w.cfg.Group, row)
	if p.headers == nil {
		p.headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")}}
	}
	if cap(p.texts)-len(p.texts) < badgeBytes {
		p.texts = make([]byte, 0, chunkBytes)
	}
	from := len(p.texts)
	p.texts = e.AppendStructured(p.texts)
	value := p.texts[from:len(p.texts):len(p.texts)]
	p.records = append(p.records, &kgo.Record{
		Topic: w.cfg.AwardTopic, Partition: spread(e.User, w.topics[w.cfg.AwardTopic].partitions),
		Key: schemas.StructuredID(value), Value: value, Headers: p.headers,
	})
}

// badgeBytes is more than most badge events take. A larger one is copied.
const badgeBytes = 2 << 10

// deadLetter adds a rejected record as it was, with the reason beside it. A
// record that its producer compressed can be larger than any that the topic
// takes: of such a one the reason goes out alone, and its bytes stand in the
// table of rejects.
func (w *worker) deadLetter(p *publication, r *projections.Reject) {
	to := w.topics[w.cfg.DeadLetterTopic]
	letter := schemas.DeadLetter{Reason: r.Reason, Detail: r.Detail, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp}
	headers := make([]kgo.RecordHeader, 0, len(r.Headers))
	for _, h := range r.Headers {
		headers = append(headers, kgo.RecordHeader(h))
	}
	rec := &kgo.Record{Topic: w.cfg.DeadLetterTopic, Partition: r.Partition % to.partitions}
	buried := schemas.Buried[kgo.RecordHeader]{Key: r.Key, Value: r.Value, Headers: headers}
	bury(rec, schemas.Bury(buried, &letter, false))
	if recordBytes(rec) > int(to.maxBytes) {
		letter.Detail += "; the record is larger than this topic takes: its key, value and headers are in the table of rejects"
		bury(rec, schemas.Bury(buried, &letter, true))
	}
	p.records = append(p.records, rec)
}

func bury(rec *kgo.Record, letter schemas.Buried[kgo.RecordHeader]) {
	rec.Key, rec.Value, rec.Headers = letter.Key, letter.Value, letter.Headers
}

// ledgerRow adds a row of the ledger, or a note of one that is not published.
func (w *worker) ledgerRow(p *publication, row *projections.LedgerRow, noted bool) {
	rec := ledgerRecord(w.cfg.Group, row)
	rec.Noted = noted
	p.records = append(p.records, &kgo.Record{
		Topic: w.cfg.ledgerTopic(), Partition: 0,
		Key: strconv.AppendInt(nil, row.Number, 10), Value: rec.Append(nil),
	})
}

// publish is the second commit point. On any error the session is of no more
// use. Kafka has given the transaction up when publishTime is over; the client
// would try on for as long as the broker is away.
func (w *worker) publish(ctx context.Context, p *publication) (err error) {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	ctx, span := w.tel.Stage(ctx, telemetry.StagePublish)
	defer func() { w.tel.End(span, err) }()
	began := time.Now()
	if err := w.session.Begin(); err != nil {
		return errors.Wrap(err, "begin the Kafka transaction")
	}
	var failed error
	for _, r := range p.records {
		w.session.Produce(ctx, r, func(r *kgo.Record, err error) {
			if err != nil && failed == nil {
				failed = errors.Wrapf(err, "produce to %s/%d", r.Topic, r.Partition)
			}
		})
	}
	if err := w.session.Client().Flush(ctx); err != nil {
		return errors.Wrap(err, "flush the Kafka transaction")
	}
	if failed != nil {
		return failed
	}
	ok, err := w.session.End(kgo.PreTxnCommitFnContext(ctx, func(req *kmsg.TxnOffsetCommitRequest) error {
		w.commitOnly(req, p)
		return nil
	}), kgo.TryCommit)
	if err != nil {
		return errors.Wrap(err, "commit the Kafka transaction")
	}
	if !ok {
		return errNotCommitted
	}
	for part, to := range p.to {
		w.parts[part].published = to
	}
	w.last.Store(time.Now().UnixNano())
	w.tel.Pipeline.Published(ctx, time.Since(began))
	return nil
}

// commitOnly makes the offsets of the commit what was published. The client
// would commit all that was polled, some of which still waits in our queues,
// and takes it for committed from then on.
func (w *worker) commitOnly(req *kmsg.TxnOffsetCommitRequest, p *publication) {
	req.Topics = req.Topics[:0]
	for id, to := range p.to {
		part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.Metadata = id.Partition, to.Offset, kmsg.StringPtr(metadata(to))
		at := slices.IndexFunc(req.Topics, func(t kmsg.TxnOffsetCommitRequestTopic) bool { return t.Topic == id.Topic })
		if at < 0 {
			topic := kmsg.NewTxnOffsetCommitRequestTopic()
			topic.Topic, topic.TopicID = id.Topic, w.topics[id.Topic].id
			req.Topics = append(req.Topics, topic)
			at = len(req.Topics) - 1
		}
		req.Topics[at].Partitions = append(req.Topics[at].Partitions, part)
	}
}

// spread is the partition of a user's badge events.
func spread(user string, partitions int32) int32 {
	h := fnv.New32a()
	h.Write([]byte(user))
	return int32(h.Sum32() % uint32(partitions))
}

// recordBytes is about what a record holds in memory.
func recordBytes(r *kgo.Record) int {
	n := 200 + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 40 + len(h.Key) + len(h.Value)
	}
	return n
}
