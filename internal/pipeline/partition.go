package pipeline

import (
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
)

// partition is one partition that a worker owns. Only the worker's loop
// touches it.
type partition struct {
	projections.TopicPartition
	// published is K and folded is P: published ≤ folded.
	published, folded projections.Position
	// window tells duplicates among the records from folded on.
	window *processor.Window
	// queue holds records that were polled and are not folded yet, replay those
	// from published to folded: a predecessor folded them, and it is not known
	// who of their users has his snapshot.
	queue, replay []record
	room          []record // the memory that queue lies in, from its beginning
	bytes         int
	// unstored are offsets of records that were rejected and that Postgres may not
	// have as such yet, and flushed is up to where those of a generation beside the
	// live one are on their way there. rejected are those ahead that were rejected
	// when they were folded.
	unstored, rejected []int64
	flushed            int64
	// seen is the offset after the last record polled, end the last stable
	// offset then; polled says that any was, as only then a commit for the
	// partition can be sent.
	seen, end int64
	polled    bool
	// forgotten says that Kafka's committed offset is behind published.
	forgotten bool
	// tick is set while the record at folded.Offset is a tick whose users are
	// folded step by step; the queue waits, other partitions do not.
	tick *processor.Source
	// asked is set while the record at folded.Offset is a switch that nobody has
	// done or refused yet; refused is the offset after one that was.
	asked   *projections.Switch
	refused int64
	// erasing is set while the record at folded.Offset erases users.
	erasing *projections.Erasing
}

// push takes polled records. stable is the last stable offset then.
func (p *partition) push(records []record, stable int64) {
	if len(records) == 0 {
		return
	}
	p.polled = true
	p.end = stable
	p.grow(len(records))
	for i := range records {
		r := &records[i]
		p.seen = r.offset + 1
		switch {
		case r.offset >= p.folded.Offset:
			p.queue = append(p.queue, *r)
			p.bytes += r.size()
		case r.offset >= p.published.Offset:
			p.replay = append(p.replay, *r)
		}
	}
}

// grow makes room for n more records in the queue: where others were popped, if
// those are at least half of all.
func (p *partition) grow(n int) {
	waiting := len(p.queue)
	if cap(p.queue)-waiting >= n {
		return
	}
	if 2*(waiting+n) > cap(p.room) {
		p.room = make([]record, 0, 4*(waiting+n))
		p.queue = append(p.room, p.queue...)
		return
	}
	moved := append(p.room[:0], p.queue...)
	clear(p.room[waiting:cap(p.room)])
	p.queue = moved
}

// release lets go of the first n records' bytes: they are part of a batch, which
// keeps what it needs of them.
func (p *partition) release(n int) {
	for i := range p.queue[:n] {
		p.bytes -= len(p.queue[i].packed)
		p.queue[i].packed = nil
	}
}

// pop drops the first n records of the queue.
func (p *partition) pop(n int) {
	for i := range p.queue[:n] {
		p.bytes -= p.queue[i].size()
	}
	clear(p.queue[:n])
	if p.queue = p.queue[n:]; len(p.queue) == 0 && cap(p.room) > keptRoom {
		p.queue, p.room = nil, nil
	}
}

// keptRoom is for how many records an empty queue keeps its memory.
const keptRoom = 1 << 16

// waits reports whether the record at its head is folded by itself, and what
// comes after it waits.
func (p *partition) waits() bool { return p.tick != nil || p.asked != nil || p.erasing != nil }

// behind reports whether Kafka holds records of the partition that were not
// polled yet, and can be now.
func (p *partition) behind() bool { return p.polled && p.seen < p.end && !p.waits() }

// recovering reports whether something is folded that is not published.
func (p *partition) recovering() bool { return compare(p.published, p.folded) < 0 }

// recoverable reports whether all records of what is to be recovered are here.
func (p *partition) recoverable() bool {
	return p.polled && p.recovering() && p.seen >= p.folded.Offset
}
