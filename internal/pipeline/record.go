package pipeline

import (
	"encoding/binary"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"
)

// record is a polled record, copied. The client's own would hold what it was
// fetched with, a dozen times its size and full of pointers, for as long as it
// waits: with a long backlog the garbage collector then takes as much time as
// all the folding.
type record struct {
	offset    int64
	timestamp int64 // Unix milliseconds, as Kafka has it
	control   bool
	// packed holds key, value and headers: each text after its length in 4
	// bytes, -1 for null, the headers after their number.
	packed []byte
}

// recordOverhead is about what a record holds beside its bytes.
const recordOverhead = 64

func (r *record) size() int { return recordOverhead + len(r.packed) }

// packer copies records into chunks. A chunk lives for as long as anything
// points into it, a record or what was decoded from one.
type packer struct{ chunk []byte }

const chunkBytes = 64 << 10

// all packs records.
func (p *packer) all(records []*kgo.Record) []record {
	packed := make([]record, len(records))
	for i, r := range records {
		packed[i] = p.pack(r)
	}
	return packed
}

// pack copies a record and gives the client's back to its pools.
func (p *packer) pack(r *kgo.Record) record {
	packed := record{offset: r.Offset, timestamp: r.Timestamp.UnixMilli(), control: r.Attrs.IsControl()}
	if !packed.control {
		packed.packed = p.bytes(r)
	}
	r.Recycle()
	return packed
}

func (p *packer) bytes(r *kgo.Record) []byte {
	n := 12 + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += 8 + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	if cap(p.chunk)-len(p.chunk) < n {
		p.chunk = make([]byte, 0, max(n, chunkBytes))
	}
	from := len(p.chunk)
	b := appendText(p.chunk, r.Key)
	b = appendText(b, r.Value)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Headers)))
	for i := range r.Headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Headers[i].Key)))
		b = append(b, r.Headers[i].Key...)
		b = appendText(b, r.Headers[i].Value)
	}
	p.chunk = b
	return b[from:len(b):len(b)]
}

func appendText(b, text []byte) []byte {
	if text == nil {
		return binary.LittleEndian.AppendUint32(b, null)
	}
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
}

const null = 1<<32 - 1

// unpack takes a record apart. All that it returns aliases the record; the
// headers are appended to those given.
func (r *record) unpack(headers []kgo.RecordHeader) (key, value []byte, _ []kgo.RecordHeader) {
	rest := r.packed
	next := func() []byte {
		n := binary.LittleEndian.Uint32(rest)
		if rest = rest[4:]; n == null {
			return nil
		}
		text := rest[:n:n]
		rest = rest[n:]
		return text
	}
	key, value = next(), next()
	n := binary.LittleEndian.Uint32(rest)
	rest = rest[4:]
	for range n {
		name := next()
		headers = append(headers, kgo.RecordHeader{Key: unsafe.String(unsafe.SliceData(name), len(name)), Value: next()})
	}
	return key, value, headers
}
