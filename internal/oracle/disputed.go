package oracle

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// dispute looks whether a record was rejected when it was folded, though it is
// valid by the same rules now: an older program read it otherwise. It then
// counts nowhere, and must have come again to be counted. What is returned is
// why it was rejected, by its row.
func (p *pass) dispute(s *source, rec *recount.Record, rows []rejected) *schemas.Reject {
	at, was := slices.BinarySearchFunc(rows, rec.Offset, func(r rejected, offset int64) int { return cmp.Compare(r.offset, offset) })
	if !was || p.count.Judge(rec) != nil {
		return nil //nolint:nilerr // that it is rejected still is no failure
	}
	rec.Refused = true
	s.disputed[rec.Offset] = contents(rec)
	return &schemas.Reject{Reason: rows[at].reason, Detail: rows[at].detail}
}

// resolve looks whether a record is a disputed one that was appended again, to
// the byte.
func (p *pass) resolve(s *source, rec *recount.Record, verdict recount.Verdict) {
	original, is := schemas.Redriven(rec.Headers, rec.Topic, rec.Partition.Partition, rec.Offset)
	if is && verdict != recount.Rejected && s.disputed[original] == contents(rec) {
		delete(s.disputed, original)
	}
}

// undecided tells of records that were rejected, are valid, and never came again.
func (p *pass) undecided(s *source) {
	for _, offset := range slices.Sorted(maps.Keys(s.disputed)) {
		if p.shard(uint64(offset)) {
			p.report.Find(RejectsRecounted, "%s/%d@%d was rejected, and the log does not reject it: `badgestream dlq redrive` counts it", s.id.Topic, s.id.Partition, offset)
		}
	}
}

func contents(rec *recount.Record) digest {
	return sha256.Sum256(appendPart(appendPart(nil, rec.Key), rec.Value))
}
