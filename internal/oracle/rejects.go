package oracle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// rejected is a record that is no valid event, as Postgres keeps it.
type rejected struct {
	offset    int64
	timestamp int64
	reason    schemas.Reason
	detail    string
	key       []byte
	value     []byte
	headers   []byte // as the table has them, see appendHeaders
	// emptied says that it names a user who was erased, so that its bytes go, and
	// gone that they must have gone.
	emptied, gone bool
}

// openRejects streams the rejects of a partition.
func (p *pass) openRejects(ctx context.Context, n int, id recount.Partition) (*cursor[rejected], error) {
	return openCursor(ctx, p.tx, fmt.Sprintf("audit_rejects_%d", n), `SELECT "offset", timestamp_ms, reason, detail, key, value, headers
FROM `+p.stored.base()+`.reject WHERE topic = $1 AND partition = $2 ORDER BY "offset"`, func(row pgx.CollectableRow) (r rejected, err error) {
		err = row.Scan(&r.offset, &r.timestamp, &r.reason, &r.detail, &r.key, &r.value, &r.headers)
		return r, err
	}, id.Topic, id.Partition)
}

// rejectOf is what the table should have of a record.
func (p *pass) rejectOf(r *recount.Record, why *schemas.Reject) rejected {
	out := rejected{offset: r.Offset, timestamp: r.Timestamp, reason: why.Reason, detail: storable(why.Detail), key: r.Key, value: r.Value, headers: appendHeaders(r.Headers)}
	if len(p.stored.erased) > 0 {
		schemas.Names(func(name string) bool {
			e := p.stored.erasure(name)
			out.emptied = out.emptied || e != nil
			out.gone = out.gone || e != nil && e.done
			return false
		}, r.Key, r.Value, r.Headers)
	}
	return out
}

// matches says whether a row is what it should be.
func (r *rejected) matches(want *rejected) bool {
	return want.emptied && r.same(want.empty()) || !want.gone && r.same(want)
}

// empty is what is left of a record that names a user who was erased.
func (r *rejected) empty() *rejected {
	return &rejected{offset: r.offset, timestamp: r.timestamp, reason: r.reason, headers: []byte{}}
}

// storable is a text as Postgres takes it.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// appendHeaders writes headers as the table keeps them: key and value, each
// after its length as 4 bytes, -1 for a value that is null.
func appendHeaders(headers []schemas.Header) []byte {
	text := []byte{}
	for _, h := range headers {
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(h.Key))), h.Key...)
		text = appendPart(text, h.Value)
	}
	return text
}

func appendPart(text, part []byte) []byte {
	if part == nil {
		return binary.BigEndian.AppendUint32(text, 1<<32-1)
	}
	return append(binary.BigEndian.AppendUint32(text, uint32(len(part))), part...)
}

func (r *rejected) same(o *rejected) bool {
	return r.offset == o.offset && r.timestamp == o.timestamp && r.reason == o.reason && r.detail == o.detail && bytes.Equal(r.headers, o.headers) &&
		bytes.Equal(r.key, o.key) && (r.key == nil) == (o.key == nil) && bytes.Equal(r.value, o.value) && (r.value == nil) == (o.value == nil)
}

func (r *rejected) text(id recount.Partition) string {
	return fmt.Sprintf("%s/%d@%d, %s: %s, with a key of %d bytes, a value of %d and headers of %d", id.Topic, id.Partition, r.offset, r.reason, shorten(r.detail), len(r.key), len(r.value), len(r.headers))
}

// rowsBelow takes the next rows, of records below an offset.
func rowsBelow(ctx context.Context, c *cursor[rejected], offset int64) (rows []rejected, err error) {
	for {
		row, err := c.peek(ctx)
		if err != nil || row == nil || row.offset >= offset {
			return rows, err
		}
		rows = append(rows, *row)
		c.pop()
	}
}

// rejects compares the rows of one range with what the recount rejects there.
// Both are in the order of the log. One pass looks at a record.
func (p *pass) rejects(id recount.Partition, rows, want []rejected) {
	for len(rows) > 0 || len(want) > 0 {
		if len(rows) == 0 || len(want) > 0 && want[0].offset < rows[0].offset {
			if p.shard(uint64(want[0].offset)) {
				p.report.Find(RejectsRecounted, "there is no row of %s", want[0].text(id))
			}
			want = want[1:]
			continue
		}
		row, dead := &rows[0], rows[:1]
		mine := p.shard(uint64(row.offset))
		if len(want) == 0 || row.offset < want[0].offset {
			if mine {
				p.report.Find(RejectsRecounted, "the log does not reject %s", row.text(id))
			}
		} else {
			if mine && !row.matches(&want[0]) {
				p.report.Find(RejectsRecounted, "the table has %s, and the log %s", row.text(id), want[0].text(id))
			}
			if want[0].emptied { // its dead letter may be older than that
				dead = []rejected{want[0], *want[0].empty()}
			}
			want = want[1:]
		}
		if mine {
			p.report.Looked(RejectsRecounted, 1)
			p.buried(id, row, dead)
		}
		rows = rows[1:]
	}
}

// A dead letter that would be larger than its topic takes goes without key,
// value and headers, and says so.
const (
	bareDetail = "; the record is larger than this topic takes"
	bareBytes  = 900_000
)

// letter reads a record of the dead-letter topic.
func (p *pass) letter(r *kgo.Record, committed bool) (taken, bool) {
	d, original, err := schemas.Unbury(schemas.Buried[kgo.RecordHeader]{Key: r.Key, Value: r.Value, Headers: r.Headers})
	if err != nil {
		if committed && p.first() {
			p.report.Find(DeadLettersOnce, "%s is no dead letter: %v", place(r), err)
		}
		return taken{}, false
	}
	if d.Topic != p.cfg.ActivityTopic && d.Topic != p.cfg.controlTopic() {
		p.report.Note("topic %s holds dead letters from topic %s too", r.Topic, d.Topic)
		return taken{}, false
	}
	t := taken{key: letterKey(recount.Partition{Topic: d.Topic, Partition: d.Partition}, d.Offset)}
	rec := rejected{offset: d.Offset, timestamp: d.Timestamp, reason: d.Reason, detail: d.Detail, key: original.Key, value: original.Value, headers: appendHeaders(headersOf(original.Headers))}
	if at := strings.LastIndex(d.Detail, bareDetail); at >= 0 && original.Key == nil && original.Value == nil && len(original.Headers) == 0 {
		rec.detail, t.bare = d.Detail[:at], true
	}
	t.own = string(r.Key) == string(schemas.DeadLetterKey(&d))
	t.digest = rec.digest()
	return t, p.shard(uint64(d.Offset))
}

func headersOf(list []kgo.RecordHeader) []schemas.Header {
	headers := make([]schemas.Header, len(list))
	for i, h := range list {
		headers[i] = schemas.Header(h)
	}
	return headers
}

func letterKey(id recount.Partition, offset int64) string {
	return ofLetter + string(schemas.DeadLetterKey(&schemas.DeadLetter{Topic: id.Topic, Partition: id.Partition, Offset: offset}))
}

// ofLetter stands before a dead letter's own key.
const ofLetter = "the dead letter of "

func (r *rejected) digest() digest {
	text := fmt.Appendf(nil, "%d %d %q %q ", r.offset, r.timestamp, r.reason, r.detail)
	return sha256.Sum256(appendPart(appendPart(appendPart(text, r.key), r.value), r.headers))
}

// buried compares a row with its dead letter, which is one of some: of a row that
// was emptied, as it named somebody who was erased, the first is what it was. Such
// a one is followed by a tombstone, and may be gone.
func (p *pass) buried(id recount.Partition, row *rejected, dead []rejected) {
	p.report.Looked(DeadLettersOnce, 1)
	key := letterKey(id, row.offset)
	rec := p.letters.committed[key]
	right := false
	for i := range dead {
		is := &dead[i]
		d := is.digest()
		p.letters.back(key, d)
		if rec != nil && rec.bare && len(is.key)+len(is.value)+len(is.headers) > bareBytes {
			bare := rejected{offset: is.offset, timestamp: is.timestamp, reason: is.reason, detail: is.detail, headers: []byte{}}
			d = bare.digest()
			p.letters.back(key, d)
		}
		right = right || rec != nil && rec.digest == d
	}
	k := p.ks[id]
	emptied := len(dead) > 1
	switch {
	case rec == nil && emptied:
	case rec == nil && row.offset < k.Offset && p.letters.whole:
		p.report.Find(DeadLettersOnce, "%s is below the watermark %s, and has no dead letter", row.text(id), k)
	case rec != nil && !right:
		p.report.Find(DeadLettersOnce, "the dead letter at %s is not what was rejected: %s", rec.at, row.text(id))
	case rec != nil && rec.dead != (emptied && rec.digest == dead[0].digest()) && rec.own && !rec.bare && p.nobodyLeft():
		p.report.Find(ErasedAbsent, "the dead letter at %s has a tombstone and names nobody who was erased, or names such a user and has none: %s", rec.at, row.text(id))
	}
}
