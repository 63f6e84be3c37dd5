package deadletters

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/logreader"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// One Kafka transaction appends no more than this. Its time-out also is how
// long a transaction of somebody who was killed stays open if nobody comes.
const (
	chunkLetters       = 500
	chunkBytes         = 8 << 20
	transactionTimeout = 30 * time.Second
	sendTime           = 60 * time.Second
	recordOverhead     = 256
)

// Result is what a redrive did.
type Result struct {
	Redriven int `json:"redriven"`
	// Before is how many of the letters were redriven already, Rejected how many
	// would be rejected again; these stay.
	Before   int `json:"redriven_before"`
	Rejected int `json:"would_be_rejected"`
	// Looked is how many records of the log were looked through for letters that
	// were redriven and not noted, and Found how many were.
	Looked int64 `json:"log_records_looked_through"`
	Found  int   `json:"found_in_log"`
}

// Redriver appends letters to the log again.
type Redriver struct {
	store   *projections.Store
	brokers []string
	by      string
	judge   *Judge
	log     *logreader.Reader
	cl      *kgo.Client
	result  Result
}

// Redrive appends the letters at the places to the log: each to the partition
// where it stood, with its key, value, headers and timestamp. One process of
// the group does so at a time. Letters that were redriven before, or that would
// be rejected again, stay as they are. After an error it can be called again.
func Redrive(ctx context.Context, store *projections.Store, brokers []string, by string, places []projections.Place) (result Result, err error) {
	err = store.Alone(ctx, "redrive", func() error {
		r := &Redriver{store: store, brokers: brokers, by: by}
		err := r.run(ctx, places)
		result = r.result
		return err
	})
	return result, errors.Wrap(err, "redrive dead letters")
}

func (r *Redriver) run(ctx context.Context, places []projections.Place) (err error) {
	if r.judge, err = NewJudge(ctx, r.store); err != nil {
		return err
	}
	if r.log, err = logreader.Open(ctx, r.brokers); err != nil {
		return err
	}
	defer r.log.Close()
	if err := r.connect(ctx, places); err != nil {
		return err
	}
	defer r.cl.Close()
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	for chunk := range slices.Chunk(places, chunkLetters) {
		if err := r.redrive(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// connect makes the producer. Its transactional id is the group's, so that it
// fences whoever redrove before: that transaction is ended, one way or the
// other, before the log is looked through.
func (r *Redriver) connect(ctx context.Context, places []projections.Place) (err error) {
	limit := int32(usualLimit)
	r.cl, err = kgo.NewClient(
		kgo.SeedBrokers(r.brokers...),
		kgo.TransactionalID(r.store.Group()+"-redrive"),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return limit }),
	)
	if err != nil {
		return errors.Wrap(err, "make a Kafka client")
	}
	if len(places) > 0 { // a group's topics are made alike
		configs, err := kadm.NewClient(r.cl).DescribeTopicConfigs(ctx, places[0].Topic)
		if err != nil {
			return errors.Wrapf(err, "read the settings of topic %s", places[0].Topic)
		}
		limit = batchLimit(configs, places[0].Topic)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	_, _, err = r.cl.ProducerID(ctx)
	return errors.Wrap(err, "become the one who redrives in this group")
}

// Kafka's default for the size of a batch, and the most that the client sends.
const (
	usualLimit = 1_000_012
	mostLimit  = 64 << 20
)

func batchLimit(configs kadm.ResourceConfigs, topic string) int32 {
	found, err := configs.On(topic, nil)
	if err != nil {
		return usualLimit
	}
	for _, c := range found.Configs {
		if c.Key == "max.message.bytes" && c.Value != nil {
			if n, err := strconv.Atoi(*c.Value); err == nil {
				return int32(min(n, mostLimit))
			}
		}
	}
	return usualLimit
}

// redrive appends those of a chunk that are open, in one Kafka transaction or in
// several if they are large, and notes them after each.
func (r *Redriver) redrive(ctx context.Context, places []projections.Place) error {
	var records []*kgo.Record
	size := 0
	flush := func() error {
		if len(records) == 0 {
			return nil
		}
		err := r.send(ctx, records)
		records, size = nil, 0
		return err
	}
	err := Each(ctx, r.store, Filter{LetterFilter: projections.LetterFilter{Places: places}}, projections.Place{}, func(l *projections.Letter) (bool, error) {
		switch {
		case l.State != projections.LetterOpen && l.State != projections.LetterDiscarded:
			r.result.Before++
			return true, nil
		case r.judge.Look(l).Reject != nil:
			r.result.Rejected++
			return true, nil //nolint:nilerr // that it would be rejected is an answer, and no failure
		}
		records = append(records, r.record(l))
		if size += len(l.Key) + len(l.Value) + recordOverhead; size < chunkBytes {
			return true, nil
		}
		return true, flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// record is a letter's record as it was, with what it is added to its headers.
func (r *Redriver) record(l *projections.Letter) *kgo.Record {
	rec := &kgo.Record{Topic: l.Topic, Partition: l.Partition, Key: l.Key, Value: l.Value, Timestamp: time.UnixMilli(l.Timestamp)}
	for _, h := range l.Headers {
		if h.Key != schemas.RedrivenHeader && h.Key != schemas.RedrivenByHeader {
			rec.Headers = append(rec.Headers, kgo.RecordHeader(h))
		}
	}
	rec.Headers = append(rec.Headers,
		kgo.RecordHeader{Key: schemas.RedrivenHeader, Value: []byte(FormatPlace(l.Place()))},
		kgo.RecordHeader{Key: schemas.RedrivenByHeader, Value: []byte(r.by)})
	return rec
}

// send appends records in one Kafka transaction, and notes them.
func (r *Redriver) send(ctx context.Context, records []*kgo.Record) error {
	if err := r.append(ctx, records); err != nil {
		return err
	}
	list := make([]projections.Redrive, len(records))
	for i, rec := range records {
		list[i], _ = redriven(rec)
	}
	if err := r.store.NoteRedriven(ctx, list, nil); err != nil {
		return err
	}
	r.result.Redriven += len(records)
	return nil
}

func (r *Redriver) append(ctx context.Context, records []*kgo.Record) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	if err := r.cl.BeginTransaction(); err != nil {
		return errors.Wrap(err, "begin the Kafka transaction")
	}
	failed := r.cl.ProduceSync(ctx, records...).FirstErr()
	commit := kgo.TryCommit
	if failed != nil {
		commit = kgo.TryAbort
	}
	if err := r.cl.EndTransaction(ctx, commit); err != nil {
		return errors.Wrap(errors.CombineErrors(failed, err), "end the Kafka transaction")
	}
	return errors.Wrapf(failed, "append %d records to the log", len(records))
}
