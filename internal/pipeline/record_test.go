package pipeline

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestRecordsAreCopiedWhole packs records of all shapes, more than a chunk
// holds and one that is larger than a chunk, spoils the client's own, and takes
// the copies apart: null and empty differ, in keys, values and headers.
func TestRecordsAreCopiedWhole(t *testing.T) {
	t.Parallel()
	large := []byte(strings.Repeat("x", chunkBytes+1))
	shapes := []*kgo.Record{
		{},
		{Key: []byte{}, Value: []byte{}},
		{Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "a"}, {Key: "", Value: []byte{}}, {Key: "a", Value: []byte("\x00\xff")}}},
		{Key: []byte("k"), Value: large, Headers: []kgo.RecordHeader{{Key: "b", Value: large}}},
		{Value: []byte("v"), Headers: []kgo.RecordHeader{{Key: "c", Value: []byte("w")}}},
	}
	var packer packer
	var packed []record
	var want []kgo.Record
	for i := range 3_000 {
		shape := shapes[i%len(shapes)]
		if i > 10 && len(shape.Value) > chunkBytes {
			shape = shapes[4]
		}
		r := clone(shape)
		r.Offset, r.Timestamp = int64(i), time.UnixMilli(int64(-1000+i))
		want = append(want, *clone(r))
		packed = append(packed, packer.pack(r))
		for _, text := range [][]byte{r.Key, r.Value} {
			clear(text)
		}
		for _, h := range r.Headers {
			clear(h.Value)
		}
	}
	for i := range packed {
		key, value, headers := packed[i].unpack(nil)
		got := kgo.Record{Offset: packed[i].offset, Timestamp: time.UnixMilli(packed[i].timestamp), Key: key, Value: value, Headers: headers}
		if !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("record %d: %+v, not %+v", i, got, want[i])
		}
	}
}

// clone copies a record with its own bytes.
func clone(r *kgo.Record) *kgo.Record {
	text := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		return append([]byte{}, b...)
	}
	c := *r
	c.Key, c.Value, c.Headers = text(r.Key), text(r.Value), nil
	for _, h := range r.Headers {
		c.Headers = append(c.Headers, kgo.RecordHeader{Key: h.Key, Value: text(h.Value)})
	}
	return &c
}
