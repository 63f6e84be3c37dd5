package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/cockroachdb/errors"
)

// beside folds a generation beside the live one: the ledger's ranges in the
// ledger's order, many in one transaction, while the next ones are read. It
// lives until the first error; the next one goes on where Postgres says.
type beside struct {
	*Rebuilder
	gen   projections.Generation
	rules *catalog.Catalog // the generation's
	in    projections.Installed

	versions map[int32]*version // by the ledger's version of the catalogue
	now      *version           // what the batch in the making is folded by
	parts    map[projections.TopicPartition]*partition
	begins   map[projections.TopicPartition]int64 // the first offset ever folded
	log      *ledgerLog
	// seen are the records of ticks whose steps are under way: the tick, or nil
	// where the generation's rules see none.
	seen map[projections.TopicPartition]*processor.Source
	// erased are who is passed over, as far as it has come; swept says that nothing
	// is left of who was before it had caught up.
	erased *projections.Erased
	swept  bool

	// running is the transaction of the batch before, which goes on while the
	// next is made; queued counts the records of that one, folded those of all
	// before.
	running        *fold
	queued, folded int
	pace           pace
	looked         time.Time // when that was looked at
	still          time.Time // when folds began to wait
}

// version is what a ledger's version of the catalogue is folded by.
type version struct {
	*projections.BesideFolder
	// bulk folds while the generation is built; nil where it is not, or not yet.
	bulk *projections.BulkFolder
	// same says that it has the generation's rules: then its names and its order
	// hold, and ticks have the steps that they had.
	same bool
	cat  *catalog.Catalog
	// intakes take turns: one is filled while the other is folded.
	intakes [2]*intake
}

// open makes ready to fold a generation on.
func (r *Rebuilder) open(ctx context.Context, gen projections.Generation) (*beside, error) {
	if err := r.fill(ctx, &gen); err != nil {
		return nil, err
	}
	b := &beside{Rebuilder: r, gen: gen, versions: map[int32]*version{}, parts: map[projections.TopicPartition]*partition{},
		begins: map[projections.TopicPartition]int64{}, seen: map[projections.TopicPartition]*processor.Source{}, pace: pace{max: gen.MaxRate, most: besideBatch}}
	if b.bulky() {
		b.pace.most = bulkBatch
	} else if err := r.store.MakeIndexes(ctx, gen.Number, b.pace.cores()); err != nil {
		return nil, err
	}
	stored, err := r.store.CatalogVersion(ctx, gen.CatalogVersion)
	if err != nil {
		return nil, err
	}
	if b.rules, err = stored.Parse(); err != nil {
		return nil, haltError{err}
	}
	if _, b.in, err = r.store.CurrentCatalog(ctx); err != nil {
		return nil, err
	}
	if b.erased, err = r.store.ErasedBeside(ctx, b.in.Secret, gen.Number); err != nil {
		return nil, err
	}
	offsets, err := r.store.BesideOffsets(ctx, gen.Number)
	if err != nil {
		return nil, err
	}
	for _, o := range offsets {
		b.parts[o.TopicPartition] = &partition{TopicPartition: o.TopicPartition, published: o.Position, folded: o.Position}
		b.begins[o.TopicPartition] = o.Begins
	}
	if b.log, err = openLedgerLog(ctx, b.reading(), b.rules, b.parts, besideBytes); err != nil {
		return nil, explain(err)
	}
	return b, nil
}

// close ends what is running.
func (b *beside) close(ctx context.Context) error {
	err := b.settled()
	b.log.close()
	for _, v := range b.versions {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
		if v.bulk != nil {
			if err == nil {
				v.bulk.Leave(closing)
			}
			err = errors.CombineErrors(err, v.bulk.Close(closing))
		}
		err = errors.CombineErrors(err, v.Close(closing))
		cancel()
	}
	return err
}

// by makes what ranges of a version of the catalogue are folded by.
func (b *beside) by(ctx context.Context, number int32) (*version, error) {
	if v := b.versions[number]; v != nil {
		return v, nil
	}
	v := &version{cat: b.rules}
	named := b.gen.CatalogVersion
	if v.same = number == b.gen.CatalogVersion; !v.same {
		stored, err := b.store.CatalogVersion(ctx, number)
		if err != nil {
			return nil, err
		}
		if v.same = stored.RulesHash == b.rules.RulesHash; v.same {
			if v.cat, err = stored.Parse(); err != nil {
				return nil, haltError{err}
			}
			named = number
		}
	}
	v.BesideFolder = b.store.NewBesideFolder(b.in, v.cat, b.gen.Number, named)
	for i := range v.intakes {
		v.intakes[i] = newIntake(v.cat, b.cfg.controlTopic(), b.reading().link)
		v.intakes[i].refusals, v.intakes[i].facts = b.refusals, v.same
		v.intakes[i].passOver(b.erased)
	}
	b.versions[number] = v
	return v, nil
}

// advance folds what one look at the ledger shows, and returns how many ranges
// that were.
func (b *beside) advance(ctx context.Context) (ranges int, err error) {
	stands := make([]projections.BesideOffset, 0, len(b.parts))
	for id, p := range b.parts {
		stands = append(stands, projections.BesideOffset{TopicPartition: id, Position: p.folded})
	}
	rows, err := b.store.LedgerAhead(ctx, stands, ledgerPage)
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, b.drain(ctx)
	}
	if err := b.rejectedBefore(ctx, rows); err != nil {
		return 0, err
	}
	enough := b.folded + maxFolded
	for i := range rows {
		if b.folded > enough {
			break
		}
		if err := b.row(ctx, &rows[i]); err != nil {
			return 0, errors.CombineErrors(errors.Wrapf(err, "fold row %d of the ledger into generation %d", rows[i].Number, b.gen.Number), b.settled())
		}
	}
	if err := b.flush(ctx); err != nil {
		return 0, err
	}
	if b.now.bulk != nil {
		return len(rows), nil // the next look can be had meanwhile
	}
	return len(rows), b.settled()
}

// rejectedBefore looks what of these ranges was rejected when it was folded.
// Where the same rules held, that stays so, whatever this program would say.
func (b *beside) rejectedBefore(ctx context.Context, rows []projections.LedgerRow) (err error) {
	for id, p := range b.parts {
		to := p.folded.Offset
		for i := range rows {
			if rows[i].TopicPartition == id {
				to = max(to, rows[i].To.Offset)
			}
		}
		if p.rejected = nil; to > p.folded.Offset {
			if p.rejected, err = b.store.RejectedBetween(ctx, id, p.folded.Offset, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// refusals are those of the generation. What is folded in bulk is committed
// first, if records of it were rejected.
func (b *beside) refusals(ctx context.Context, p projections.TopicPartition, from, to int64) ([]int64, error) {
	if b.now != nil && b.now.bulk != nil {
		if err := b.settled(); err != nil {
			return nil, err
		}
		if err := b.now.bulk.StoreRefused(ctx); err != nil {
			return nil, err
		}
	}
	return b.store.Refused(ctx, b.gen.Number, p, from, to)
}

func (b *beside) reading() reading {
	r := b.Rebuilder.reading()
	r.refusals = b.refusals
	return r
}

// caughtUp notes that the generation has reached the live one, and how it is.
func (b *beside) caughtUp(ctx context.Context) error {
	// While nothing comes, no transaction tells that it was given up.
	if now, err := b.store.Beside(ctx); err != nil || now.Number != b.gen.Number {
		return errors.CombineErrors(err, errors.Wrapf(projections.ErrNotBeside, "generation %d", b.gen.Number))
	}
	if b.gen.State == projections.Building {
		if err := b.store.Followed(ctx, b.gen.Number, b.pace.cores()); err != nil {
			return err
		}
		b.gen.State = projections.Following
		b.Rebuilder.log.InfoContext(ctx, "a generation has caught up, and follows the live one", "generation", b.gen.Number)
	}
	if !b.swept {
		var err error
		if b.swept, err = b.store.SweepErased(ctx, b.gen.Number); err != nil {
			return err
		}
	}
	return b.report(ctx)
}

// report notes now and then how fast the generation gets on, and how far it is.
func (b *beside) report(ctx context.Context) error {
	rate, due := b.pace.report(time.Now())
	if !due {
		return nil
	}
	var folded int64
	for id, p := range b.parts {
		folded += p.folded.Offset - b.begins[id]
	}
	return b.store.ReportRate(ctx, b.gen.Number, rate, folded)
}

const (
	// ledgerPage is how many ranges of each partition one look shows at most.
	ledgerPage = 2_000
	// lookEvery is how often it is looked whether something live is folded.
	lookEvery = 100 * time.Millisecond
	// maxFolded is about how many records are folded after one look.
	maxFolded = 2 * besideBatch
	// besideBatch is how many records a transaction folds at most, and
	// besideBytes about how many bytes of them wait to be folded.
	besideBatch = 100_000
	besideBytes = 16 << 20
)
