package projections

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
)

// BulkFolder folds ranges of the ledger into a generation that nobody else
// reads or writes, as a BesideFolder does, and much faster: it keeps rows in
// memory, works out there what becomes of them, and writes each once for many
// batches. Rows that are new go by COPY, which the key judges, if not at once then
// when it is made; others by an upsert that sets what they are. Rows that leave the
// memory are read again when they are needed.
//
// The place of the generation moves in the same transaction as the rows, so a
// crash takes back whole stretches, which are folded again. It is used by one
// goroutine. After an error it is of no more use but to be closed.
type BulkFolder struct {
	plain *BesideFolder
	stmts bulkStatements
	reads *pgbatch.Conn
	write *bulkWriter

	members  bulkTable[memberRow, *memberRow]
	entities bulkTable[entityRow, *entityRow]
	users    userCache
	places   map[int16]int64
	clock    int64 // 0 before any tick
	// nextDue is the earliest instant at which somebody is due, or an earlier one;
	// 0 if nobody is.
	nextDue int64
	// changed says that places or the clock are others than those stored.
	changed bool

	ranges  []Range       // folded and not committed
	history *pgbatch.Copy // rows that wait to be sent
	hands   []*bulkUser   // about whom people decided something that was not sent
	refused []Place       // records that were rejected, and were not sent
	// unsettled says that records were rejected, and that may not be committed.
	unsettled bool
	began     time.Time // when the first of ranges was folded
	// torn says that a fold is under way, or failed: nothing may be committed.
	torn bool
	// written is closed once the rows are that room was made of last; nil if it
	// never was.
	written <-chan struct{}

	answers answers
	room    []byte // for the work on a user's row
}

// A member's row takes about memberBytes in memory and an entity's entityBytes,
// with their part of the hash table; a user's takes userBytes with few badges.
// The memory is shared out so that each kind has room for about as many of the
// workload's rows: members are most, users the most costly to write.
const (
	memberBytes = 38
	entityBytes = 68
	userBytes   = 240

	memberShare = 45 // percent
	entityShare = 22
	userShare   = 33
)

// BulkFolder makes a folder that keeps about so many bytes of rows in memory,
// besides what it sends. Close must be called.
func (f *BesideFolder) BulkFolder(ctx context.Context, memory int64) (_ *BulkFolder, err error) {
	limit := func(share, bytes int64) int { return int(max(16, memory*share/100/bytes)) }
	b := &BulkFolder{plain: f, stmts: newBulkStatements(f), places: map[int16]int64{}}
	b.members.limit, b.members.gone.size = limit(memberShare, memberBytes), filterSize(memory/4)
	b.entities.limit, b.entities.gone.size = limit(entityShare, entityBytes), filterSize(memory/16)
	b.users = newUserCache(limit(userShare, userBytes))
	cfg := f.folder.cfg.Copy()
	// A crash takes back the place with the rows.
	cfg.RuntimeParams["synchronous_commit"] = "off"
	// Within a transaction it is waited for the log. Whoever waits for this one is
	// another that folds the generation.
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = milliseconds(foldTime)
	cfg.RuntimeParams["statement_timeout"] = milliseconds(foldTime)
	// Rows are looked for one by one in their index, whatever the planner knows of
	// tables that have grown since.
	cfg.RuntimeParams["enable_hashjoin"] = "off"
	cfg.RuntimeParams["enable_mergejoin"] = "off"
	if b.write, err = newBulkWriter(ctx, cfg); err != nil {
		return nil, unreachable(err, cfg)
	}
	defer func() {
		if err != nil {
			err = errors.CombineErrors(err, b.Close(context.WithoutCancel(ctx)))
		}
	}()
	b.history = b.write.rows(historyFields)
	b.members.tableStatements, b.members.read, b.members.write = b.stmts.members, b.readMember, b.write
	b.entities.tableStatements, b.entities.read, b.entities.write = b.stmts.entities, b.readEntity, b.write
	cfg.RuntimeParams["statement_timeout"] = "0" // a table may be large
	if b.reads, err = pgbatch.Connect(ctx, cfg); err != nil {
		return nil, unreachable(err, cfg)
	}
	return b, b.load(ctx)
}

// filterSize is the largest power of two that is not above a number of bytes.
func filterSize(most int64) int {
	size := 1 << 10
	for int64(2*size) <= most {
		size *= 2
	}
	return size
}

// Leave commits what is folded, as far as that is done before the context ends:
// otherwise it is folded again.
func (b *BulkFolder) Leave(ctx context.Context) {
	if b.torn || b.write.failed() != nil {
		return
	}
	if err := b.Commit(); err == nil {
		_ = b.Settle(ctx) // the place says what is committed
	}
}

// Close ends the connections. What was not committed is folded again by the next.
func (b *BulkFolder) Close(ctx context.Context) error {
	err := b.write.close(ctx)
	if b.reads != nil {
		err = errors.CombineErrors(err, errors.Wrap(b.reads.Close(ctx), "close the reading connection"))
	}
	return err
}

// Fold folds the batch's events, which come from the ranges in that order, and
// takes note of the records among them that the generation's rules reject. They
// are committed by a later Commit. Errors of earlier writes can come back from
// it; they are as those of BesideFolder.Fold.
func (b *BulkFolder) Fold(ctx context.Context, batch *processor.Batch, ranges []Range, refused []Place) error {
	if b.plain.folder.cat != batch.Catalog() {
		return errors.AssertionFailedf("the batch was made for another catalogue than its folder")
	}
	if err := b.makeRoom(ctx); err != nil {
		return err
	}
	if b.plain.folder.cat.HasAgeBadges {
		batch.SetClock(b.clock)
	}
	b.torn = true
	if err := b.stages(ctx, batch); err != nil {
		return err
	}
	b.folded(ranges)
	b.refused, b.unsettled = append(b.refused, refused...), b.unsettled || len(refused) > 0
	if err := b.addHistory(batch); err != nil {
		return err
	}
	b.torn = false
	if len(b.refused) >= bulkRows {
		if err := b.sendRefused(); err != nil {
			return err
		}
	}
	if len(b.members.fresh) >= min(freshMembers, b.members.limit/4) {
		return b.members.copy()
	}
	return nil
}

// freshMembers is how many new members are sent at once: the more there are, the
// more neighbours in the index are among them.
const freshMembers = 1 << 17

// stages runs the stages of a fold on the rows in memory.
func (b *BulkFolder) stages(ctx context.Context, batch *processor.Batch) error {
	priors, err := b.applyMembers(ctx, batch.Members())
	if err != nil {
		return err
	}
	if err := batch.ApplyMembers(priors); err != nil {
		return err
	}
	rows, err := b.applyEntities(ctx, batch.Entities())
	if err != nil {
		return err
	}
	if err := batch.ApplyEntities(rows); err != nil {
		return err
	}
	if err := batch.ApplyPlaces(b.applyPlaces(batch.Places())); err != nil {
		return err
	}
	users, err := b.applyUsers(ctx, batch.Users())
	if err != nil {
		return err
	}
	if err := batch.ApplyUsers(users); err != nil {
		return err
	}
	for _, h := range batch.HeldUpdates() {
		b.room = b.users.get(h.User).hold(h.Held, b.room)
	}
	for _, h := range batch.HandUpdates() {
		u := b.users.get(h.User)
		if u.hand = h.ByHand; !u.decided {
			u.decided = true
			b.hands = append(b.hands, u)
		}
	}
	return nil
}

// folded notes that ranges are folded in memory.
func (b *BulkFolder) folded(ranges []Range) {
	if len(b.ranges) == 0 {
		b.began = time.Now()
	}
	b.ranges = joined(append(b.ranges, ranges...))
}

// Waiting is how long the first of what is not committed has been folded; 0 if
// all is.
func (b *BulkFolder) Waiting() time.Duration {
	if len(b.ranges) == 0 {
		return 0
	}
	return time.Since(b.began)
}

// catalogue is what the generation is folded by.
func (b *BulkFolder) catalogue() *catalog.Catalog { return b.plain.folder.cat }
