package oracle

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// pass is one range of users, looked at from one cut.
type pass struct {
	*auditor
	n      int // of report.Passes
	tx     pgx.Tx
	stored stored // as of the transaction
	// before is who was erased before Kafka was looked at, and erasures is how many
	// records of the log erase users.
	before   map[schemas.UserHash]*erasure
	erasures int64

	ks, ps, ends map[recount.Partition]position // K, P, and the ends of the log
	// counts are recounts by each set of rules that ever held, and count is that of
	// those which hold; held is the one that did before a switch.
	counts      map[string]*recount.Recount
	count, held *recount.Recount
	turn        int64 // how many switches there were so far
	awards      *published
	letters     *published
	ledgerTopic *published
	// where is the partition of each user's badge events, last his last one from
	// each source partition.
	where map[string]int32
	last  map[string]order
}

// first says whether this pass looks at what is nobody's in particular.
func (p *pass) first() bool { return p.n == 0 }

func (a *auditor) pass(ctx context.Context, n int) error {
	p := &pass{auditor: a, n: n, where: map[string]int32{}, last: map[string]order{}}
	var err error
	if p.before, err = a.stored.readErasures(ctx, a.pg); err != nil {
		return err
	}
	if err := p.readKafka(ctx); err != nil {
		return err
	}
	tx, err := a.pg.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return errors.Wrap(err, "begin a snapshot of Postgres")
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	p.tx = tx
	if err := p.readPostgres(ctx); err != nil {
		return err
	}
	if err := p.refold(ctx); err != nil {
		return err
	}
	p.forgotten()
	p.leftOver()
	if err := p.erasedAbsent(ctx); err != nil {
		return err
	}
	if err := p.rows(ctx); err != nil {
		return err
	}
	// What follows waits for Redis: the snapshot need not.
	if err := tx.Rollback(ctx); err != nil {
		return errors.Wrap(err, "end the snapshot of Postgres")
	}
	return p.snapshots(ctx)
}

// readKafka looks at K, then at the ends of the topics, and reads those that
// the engine writes.
func (p *pass) readKafka(ctx context.Context) (err error) {
	if p.ks, err = watermarks(ctx, p.adm, p.cfg.Group, p.cfg.sources()...); err != nil {
		return err
	}
	ends, err := offsets(ctx, "last", p.adm.ListEndOffsets, p.cfg.AwardTopic, p.cfg.DeadLetterTopic, p.cfg.ledgerTopic())
	if err != nil {
		return err
	}
	logEnds, err := offsets(ctx, "last stable", p.adm.ListCommittedOffsets, p.cfg.sources()...)
	if err != nil {
		return err
	}
	p.ends = map[recount.Partition]position{}
	for id, end := range logEnds {
		p.ends[id] = position{Offset: end}
	}
	if p.awards, err = p.published(ctx, p.cfg.AwardTopic, ends, p.award); err != nil {
		return err
	}
	if p.letters, err = p.published(ctx, p.cfg.DeadLetterTopic, ends, p.letter); err != nil {
		return err
	}
	p.ledgerTopic, err = p.published(ctx, p.cfg.ledgerTopic(), ends, p.ledgerRecord)
	return err
}

// readPostgres reads what the pass needs to know before it begins.
func (p *pass) readPostgres(ctx context.Context) (err error) {
	if p.stored, err = readStored(ctx, p.tx, p.cfg.Group); err != nil {
		return err
	}
	if p.stored.generation != p.auditor.stored.generation || p.stored.secret != p.auditor.stored.secret {
		return errors.New("Postgres holds another generation or another group's tables than when the audit began: start it again")
	}
	if p.ps, err = p.stored.foldOffsets(ctx, p.tx); err != nil {
		return err
	}
	if p.first() {
		p.checkWatermark()
	}
	return nil
}

// checkWatermark compares K with P. Where a range ends, refold looks.
func (p *pass) checkWatermark() {
	for id, at := range p.ps {
		p.report.Looked(Watermark, 1)
		k, ok := p.ks[id]
		switch {
		case !ok:
			p.report.Find(Watermark, "%s/%d has no committed offset, and is folded up to %s", id.Topic, id.Partition, at)
		case k.compare(at) > 0:
			p.report.Find(Watermark, "%s/%d is published up to %s, and Postgres has folded up to %s: it was restored from a backup, or lost what it had committed", id.Topic, id.Partition, k, at)
		}
	}
	for id, k := range p.ks {
		if _, ok := p.ps[id]; !ok {
			p.report.Find(Watermark, "%s/%d is published up to %s, and Postgres knows nothing of it", id.Topic, id.Partition, k)
		}
	}
}
