package oracle

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// digest stands for a record's bytes.
type digest [sha256.Size]byte

// published is what this pass has to see of a topic that the engine writes.
// What a row of Postgres backs is marked; what is not marked in the end is
// backed by none.
type published struct {
	topic     string
	committed map[string]*seen
	// torn are records that only a reader of uncommitted records sees, of
	// transactions that were aborted: each decision once.
	torn map[string]*seen
	// events are the badge events by their keys, and strays the keys of tombstones
	// that follow none of them in their partition.
	events map[[16]byte]*seen
	strays map[[16]byte]struct{}
	// whole says that the topic is there from its beginning.
	whole bool
}

// seen is one record of a topic.
type seen struct {
	digest digest
	at     string // TOPIC/PARTITION@OFFSET
	backed bool
	bare   bool // a dead letter whose bytes did not fit
	own    bool // a dead letter that has a key of its own
	// user and event are of a badge event. dead says that a tombstone follows in the
	// partition.
	user      schemas.UserHash
	event     [16]byte
	partition int32
	dead      bool
}

// taken is what a record says: which decision it is, with what bytes.
type taken struct {
	key    string
	digest digest
	bare   bool
	own    bool
	user   schemas.UserHash
	event  [16]byte
}

func (t *taken) seen(at string, partition int32) *seen {
	return &seen{digest: t.digest, at: at, bare: t.bare, own: t.own, user: t.user, event: t.event, partition: partition}
}

// published reads a topic, as consumers should and as they should not. take
// says what a record is, and false if another pass looks at it.
func (p *pass) published(ctx context.Context, topic string, ends map[recount.Partition]int64, take func(*kgo.Record, bool) (taken, bool)) (*published, error) {
	out := &published{topic: topic, committed: map[string]*seen{}, torn: map[string]*seen{}, events: map[[16]byte]*seen{}, strays: map[[16]byte]struct{}{}, whole: true}
	offsets := map[string]bool{} // where committed records stand
	check := map[string]string{p.cfg.AwardTopic: AwardsOnce, p.cfg.DeadLetterTopic: DeadLettersOnce, p.cfg.ledgerTopic(): LedgerTopic}[topic]
	starts, err := p.readTopic(ctx, topic, kgo.ReadCommitted(), ends, func(r *kgo.Record) {
		at := place(r)
		offsets[at] = true
		if id, is := eventID(r.Key); is && r.Value == nil && topic == p.cfg.AwardTopic {
			out.entomb(id, r.Partition)
			return
		}
		if topic == p.cfg.DeadLetterTopic && r.Value == nil && len(r.Headers) == 0 {
			if l := out.committed[ofLetter+string(r.Key)]; l != nil && l.partition == r.Partition {
				l.dead = true
			}
			return
		}
		t, mine := take(r, true)
		if !mine {
			return
		}
		if before := out.committed[t.key]; before != nil {
			p.report.Find(check, "%s is at %s a second time, after %s", shorten(t.key), at, before.at)
			return
		}
		first := t.seen(at, r.Partition)
		out.committed[t.key] = first
		if topic == p.cfg.AwardTopic {
			out.events[t.event] = first
		}
	})
	if err != nil {
		return nil, err
	}
	for id, start := range starts {
		if start > 0 {
			out.whole = false
			p.report.Note("%s/%d begins at offset %d: what stood before cannot be looked for", id.Topic, id.Partition, start)
		}
	}
	_, err = p.readTopic(ctx, topic, kgo.ReadUncommitted(), ends, func(r *kgo.Record) {
		if at := place(r); !offsets[at] {
			if t, mine := take(r, false); mine {
				out.torn[t.key+"\x00"+string(t.digest[:])] = t.seen(at, r.Partition)
			}
		}
	})
	return out, err
}

// entomb notes a tombstone. Compaction removes what stands before it in its
// partition, and nothing else.
func (s *published) entomb(event [16]byte, partition int32) {
	if r := s.events[event]; r != nil && r.partition == partition {
		r.dead = true
		return
	}
	s.strays[event] = struct{}{}
}

func place(r *kgo.Record) string {
	return r.Topic + "/" + strconv.Itoa(int(r.Partition)) + "@" + strconv.FormatInt(r.Offset, 10)
}

// back marks what a row of Postgres backs. It gives the committed record, nil
// if there is none.
func (s *published) back(key string, d digest) *seen {
	if t := s.torn[key+"\x00"+string(d[:])]; t != nil {
		t.backed = true
	}
	r := s.committed[key]
	if r != nil {
		r.backed = true
	}
	return r
}

// leftOver reports what no row backs.
func (p *pass) leftOver() {
	for check, topic := range map[string]*published{AwardsOnce: p.awards, DeadLettersOnce: p.letters, LedgerTopic: p.ledgerTopic} {
		for key, r := range topic.committed {
			if !r.backed {
				p.report.Find(check, "%s at %s is backed by no row of Postgres", shorten(key), r.at)
			}
		}
		p.report.Looked(NothingTorn, int64(len(topic.torn)))
		for key, r := range topic.torn {
			if r.backed {
				continue
			}
			key, _, _ = strings.Cut(key, "\x00")
			if p.stored.epoch > 1 {
				// A database that went back may have lost what was folded and, for
				// a moment, on its way out.
				p.report.Note("%s holds %s, of an aborted transaction, which no row backs: Postgres was restored since the group began", topic.topic, shorten(key))
				continue
			}
			p.report.Find(NothingTorn, "%s at %s, of an aborted transaction, is backed by no row of Postgres: it was produced before Postgres had committed", shorten(key), r.at)
		}
	}
}

// order is the last badge event of a user from one source partition.
type order struct{ offset, ordinal int64 }

// award reads a record of the award topic.
func (p *pass) award(r *kgo.Record, committed bool) (taken, bool) {
	var e schemas.BadgeEvent
	if err := schemas.DecodeBadgeEvent(r.Headers, r.Value, &e); err != nil {
		if committed && p.first() && r.Value != nil { // an erased one has no value
			p.report.Find(AwardsOnce, "%s is no badge event: %v", place(r), err)
		}
		return taken{}, false
	}
	if e.Group != p.cfg.Group {
		p.report.Note("topic %s holds badge events of group %s too", r.Topic, e.Group)
		return taken{}, false
	}
	if !p.mine(e.User) {
		return taken{}, false
	}
	if committed {
		p.inOrder(r, &e)
	}
	t := taken{key: awardKey(&e), digest: awardDigest(r.Key, r.Value), user: schemas.HashUser(p.auditor.stored.secret, e.User)}
	t.event, _ = eventID([]byte(e.ID()))
	return t, true
}

// eventID is a badge event's id, which is its key.
func eventID(key []byte) (id [16]byte, is bool) {
	n, err := hex.Decode(id[:], key[:min(len(key), 2*len(id))])
	return id, err == nil && n == len(id) && len(key) == 2*n
}

// awardKey names a badge event's decision for people too.
func awardKey(e *schemas.BadgeEvent) string {
	what := "award"
	if e.Revoked {
		what = "revocation"
	}
	return fmt.Sprintf("the %s of %s to %q by %s/%d@%d", what, e.Badge, e.User, e.Cause.Topic, e.Cause.Partition, e.Cause.Offset)
}

func awardDigest(key, value []byte) digest {
	return sha256.Sum256(append(append(append([]byte(nil), key...), 0), value...))
}

// ledgerRecord reads a record of the ledger topic.
func (p *pass) ledgerRecord(r *kgo.Record, committed bool) (taken, bool) {
	row, err := schemas.ParseLedgerRow(r.Value)
	if err != nil || row.Group != p.cfg.Group {
		if committed && p.first() {
			p.report.Find(LedgerTopic, "%s is no row of this group's ledger: %.200q", place(r), r.Value)
		}
		return taken{}, false
	}
	if row.Noted {
		return taken{}, false // the row itself is published by another
	}
	return taken{key: ledgerKey(row.Number), digest: sha256.Sum256(r.Value)}, p.shard(uint64(row.Number))
}

func ledgerKey(number int64) string { return "row " + strconv.FormatInt(number, 10) + " of the ledger" }

// shard says whether this pass looks at the nth of something.
func (p *pass) shard(n uint64) bool { return int(n%uint64(p.report.Passes)) == p.n }

// shorten keeps what strangers wrote from filling the screen.
func shorten(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// inOrder looks at the order of the award topic: each user's badge events in one
// partition, and those of one source partition in that order.
func (p *pass) inOrder(r *kgo.Record, e *schemas.BadgeEvent) {
	p.report.Looked(AwardsOrdered, 1)
	if at, known := p.where[e.User]; known && at != r.Partition {
		p.report.Find(AwardsOrdered, "%s at %s: earlier ones of this user are in partition %d", shorten(awardKey(e)), place(r), at)
	}
	p.where[e.User] = r.Partition
	source := fmt.Sprintf("%s\x00%s/%d", e.User, e.Cause.Topic, e.Cause.Partition)
	if b, ok := p.last[source]; ok && cmp.Or(cmp.Compare(b.offset, e.Cause.Offset), cmp.Compare(b.ordinal, e.Ordinal)) > 0 {
		p.report.Find(AwardsOrdered, "%s at %s comes after what offset %d gave", shorten(awardKey(e)), place(r), b.offset)
	}
	p.last[source] = order{e.Cause.Offset, e.Ordinal}
}
