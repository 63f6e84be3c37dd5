package pipeline

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchPools let a client use what it fetched into again: its records are
// copied as soon as they are polled.
type fetchPools struct{ bytes, records sync.Pool }

var (
	_ kgo.PoolDecompressBytes = (*fetchPools)(nil)
	_ kgo.PoolRecords         = (*fetchPools)(nil)
)

// GetDecompressBytes gives some room; the client makes more if it needs more.
func (p *fetchPools) GetDecompressBytes([]byte, kgo.CompressionCodecType) []byte {
	if b, ok := p.bytes.Get().(*[]byte); ok {
		return *b
	}
	return nil
}

// PutDecompressBytes takes it back.
func (p *fetchPools) PutDecompressBytes(b []byte) { p.bytes.Put(&b) }

// GetRecords gives room for n records.
func (p *fetchPools) GetRecords(n int) []kgo.Record {
	if r, ok := p.records.Get().(*[]kgo.Record); ok && cap(*r) >= n {
		return *r
	}
	return make([]kgo.Record, n)
}

// PutRecords takes it back.
func (p *fetchPools) PutRecords(r []kgo.Record) { p.records.Put(&r) }
