// Package control writes records of people's to the topic GROUP.control, and
// waits for an engine to fold them.
package control

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

const (
	sendTime = 60 * time.Second
	lookTime = 50 * time.Millisecond
)

// Record is what people write.
type Record struct {
	Type string
	// Subject is whom it is about, empty for nobody. It is the key, too.
	Subject string
	// Of is what it is one of, such as decisions: it ends the event's source.
	Of   string
	Data []byte
}

// Write appends the record to the group's control topic. Its id is its own, so
// that two are never taken for one. opts are of the Kafka client, beside its own.
func Write(ctx context.Context, group string, brokers []string, r *Record, opts ...kgo.Opt) (at projections.Place, err error) {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		return at, errors.Wrap(err, "make a Kafka client")
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	rec := &kgo.Record{Topic: group + ".control", Partition: 0, Value: r.Data, Headers: []kgo.RecordHeader{
		header("ce_specversion", "1.0"), header("ce_id", rand.Text()),
		header("ce_source", "/badgestream/"+group+"/"+r.Of), header("ce_type", r.Type),
		header("ce_time", schemas.FormatTime(time.Now().UnixMicro())), header("content-type", "application/json"),
	}}
	if r.Subject != "" {
		rec.Key, rec.Headers = []byte(r.Subject), append(rec.Headers, header("ce_subject", r.Subject))
	}
	if err := cl.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return at, errors.Wrapf(err, "write a record of type %s to topic %s: whether it is there is not known; to write it twice does no harm", r.Type, rec.Topic)
	}
	return projections.Place{TopicPartition: projections.TopicPartition{Topic: rec.Topic, Partition: rec.Partition}, Offset: rec.Offset}, nil
}

// Folded waits for as long as it is told for an engine to fold a record, and
// reports whether one has.
func Folded(ctx context.Context, store *projections.Store, at *projections.Place, patience time.Duration) (bool, error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		standing, err := store.Positions(ctx, at.Topic)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(standing, func(s projections.Standing) bool {
			return s.TopicPartition == at.TopicPartition && s.Offset > at.Offset
		}) {
			return true, nil
		}
		select {
		case <-time.After(lookTime):
		case <-ctx.Done():
			return false, errors.Wrapf(ctx.Err(), "the record stands at %s/%d offset %d, and takes effect as soon as an engine comes to it", at.Topic, at.Partition, at.Offset)
		}
	}
	return false, nil
}
