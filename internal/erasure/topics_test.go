package erasure

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/schemas"
)

// TestLettersOfSomebody: a dead letter is somebody's if the rejected record names
// him, and not if badgestream's own headers happen to say the same as his id. It is
// removed by a tombstone in its partition. One of before letters had keys of their
// own is told, and nothing that an erasure has left.
func TestLettersOfSomebody(t *testing.T) {
	const user = "3"
	at := schemas.DeadLetter{Reason: schemas.ReasonMalformed, Topic: "activity", Partition: 3, Offset: 3, Timestamp: 3}
	letter := func(value string) *kgo.Record {
		l := schemas.Bury(schemas.Buried[kgo.RecordHeader]{Value: []byte(value)}, &at, false)
		return &kgo.Record{Topic: "dead", Partition: 1, Key: l.Key, Value: l.Value, Headers: l.Headers}
	}
	tombstone := func(partition int32) *kgo.Record {
		return &kgo.Record{Topic: "dead", Partition: partition, Key: schemas.DeadLetterKey(&at)}
	}
	old := &kgo.Record{Topic: "dead", Key: []byte(user), Headers: schemas.DeadLetterHeaders[kgo.RecordHeader](nil, &at)}
	for what, tc := range map[string]struct {
		records   []*kgo.Record
		letters   int
		forgotten int64
		left      bool
	}{
		"his number elsewhere":     {[]*kgo.Record{letter(`{"n":3}`)}, 0, 0, false},
		"his":                      {[]*kgo.Record{letter(`{"who":"3"`)}, 1, 0, true},
		"removed":                  {[]*kgo.Record{letter(`{"who":"3"`), tombstone(1)}, 0, 1, false},
		"removed from a log":       {[]*kgo.Record{letter(`{"who":"3"`), tombstone(1)}, 0, 1, true},
		"removed, and compacted":   {[]*kgo.Record{tombstone(1)}, 0, 0, false},
		"removed in another place": {[]*kgo.Record{letter(`{"who":"3"`), tombstone(0)}, 1, 0, true},
		"old":                      {[]*kgo.Record{old}, 1, 0, false},
	} {
		r := &Report{}
		read := &topics{whose: map[string]*Report{user: r}, events: map[string]*Report{}, letters: map[string]namedLetter{}}
		for _, rec := range tc.records {
			read.letter(rec)
		}
		read.remaining()
		read.keep(&Config{AwardTopic: "awards", DeadLetterTopic: "dead"}, map[string]bool{"dead": what != "removed from a log"})
		if len(r.Letters) != tc.letters || r.LettersForgotten != tc.forgotten || r.Left() != tc.left {
			t.Errorf("%s: %+v, left %t", what, r, r.Left())
		}
	}
}
