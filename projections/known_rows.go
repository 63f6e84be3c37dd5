package projections

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// knownRows knows which members and entities the live generation's tables have,
// and takes some others for such. A row that it does not know is new, as far as
// this process can tell, and goes by COPY, which looks for nothing. The table's
// key is the judge: where another worker wrote the row meanwhile, the transaction
// is made again with upserts alone, and nothing is known any more until it is
// learnt anew. All workers of a process share one.
type knownRows struct {
	pool *pgxpool.Pool
	gen  string // the generation's schema

	state atomic.Int32
	// bits are those of a keyFilter, nil before they are needed; filled is how many
	// keys were added.
	bits   []atomic.Uint64
	filled atomic.Int64
	// written counts the rows that were written; it is learnt at enough.
	written, enough atomic.Int64

	busy     atomic.Bool // somebody learns, or looks whether that pays
	learning sync.WaitGroup

	mu     sync.Mutex
	closed bool
	stop   context.CancelFunc // of who learns
	turn   int
	folds  [2]int    // under way, by the turn in which they began
	ended  sync.Cond // some have
}

// What knownRows can tell: nothing; nothing yet, while it is read what the
// tables have and what is written is added; which rows are new.
const (
	unknown int32 = iota
	learning
	known
)

const (
	// knownBytes is what it takes. With two of its bits for each key, of 30 million
	// that the tables have, one of eight new ones is taken for known; of knownMost, one
	// of three.
	knownBytes = 16 << 20
	knownMost  = 60_000_000
	// The tables are read once a learnPart of the rows that they have, of rowSize
	// bytes each, were written: from then on it pays.
	learnPart = 4
	rowSize   = 70
	learnTime = time.Minute
	// manyNew is how many rows are worth a COPY, which is a round trip of its own,
	// and a look at the tables' size.
	manyNew = 200
)

func newKnownRows(pool *pgxpool.Pool, gen string) *knownRows {
	k := &knownRows{pool: pool, gen: gen}
	k.ended.L = &k.mu
	return k
}

// folding says that a fold is under way, until what it returns is called.
func (k *knownRows) folding() (end func()) {
	if k == nil {
		return func() {}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	turn := k.turn
	k.folds[turn]++
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.folds[turn]--
		k.ended.Broadcast()
	}
}

// settle waits for the folds that are under way, and for none that begin now.
func (k *knownRows) settle(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.ended.Broadcast()
	})()
	k.mu.Lock()
	defer k.mu.Unlock()
	turn := k.turn
	for k.turn = 1 - turn; k.folds[turn] > 0 && ctx.Err() == nil; {
		k.ended.Wait()
	}
	return ctx.Err()
}

// isNew says that there is no such row, and from now on that there is.
func (k *knownRows) isNew(key rowKey) bool {
	if k == nil {
		return false
	}
	state := k.state.Load()
	return state != unknown && k.add(key) && state == known
}

// add reports whether a key was not there.
func (k *knownRows) add(key rowKey) (added bool) {
	for _, bit := range key.places(knownBytes) {
		mask := uint64(1) << (bit % 64)
		if word := &k.bits[bit/64]; word.Load()&mask == 0 {
			added = word.Or(mask)&mask == 0 || added
		}
	}
	if added && k.filled.Add(1) > knownMost {
		k.forget(math.MaxInt64)
	}
	return added
}

// forget makes it know nothing, until so many rows were written in all.
func (k *knownRows) forget(until int64) {
	k.enough.Store(until)
	k.state.Store(unknown)
}

// wrong says that a table has a row that was taken for new.
func (k *knownRows) wrong() {
	if k.filled.Load() <= knownMost { // else it is given up
		k.forget(2 * k.written.Load())
	}
}

// wrote counts the rows of a transaction. Once they are enough, it begins to
// learn which others there are.
func (k *knownRows) wrote(ctx context.Context, rows int) {
	if k == nil {
		return
	}
	n := k.written.Add(int64(rows))
	if rows < manyNew || n < k.enough.Load() || k.state.Load() != unknown || !k.busy.CompareAndSwap(false, true) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), learnTime)
	k.stop = stop
	k.learning.Go(func() {
		defer k.busy.Store(false)
		defer stop()
		if k.learn(ctx) != nil { // what is not known is upserted
			k.wrong()
		}
	})
}

// learn reads which rows the tables have, if it pays.
func (k *knownRows) learn(ctx context.Context) error {
	var size int64
	if err := k.pool.QueryRow(ctx, `SELECT pg_relation_size(to_regclass($1)) + pg_relation_size(to_regclass($2))`, k.gen+".member", k.gen+".entity").Scan(&size); err != nil {
		return err
	}
	if enough := size / rowSize / learnPart; k.written.Load() < enough {
		k.enough.Store(enough)
		return nil
	}
	if k.bits == nil {
		k.bits = make([]atomic.Uint64, knownBytes/8)
	}
	// Folds that begin from here on add what they write. What those before have
	// written must be committed to be seen.
	k.state.Store(learning)
	if err := k.settle(ctx); err != nil {
		return err
	}
	rows, err := k.pool.Query(ctx, `SELECT user_key, row_key FROM `+k.gen+`.member UNION ALL SELECT user_key, row_key FROM `+k.gen+`.entity`)
	if err != nil {
		return err
	}
	var key rowKey
	_, err = pgx.ForEachRow(rows, []any{&key.user, &key.row}, func() error {
		k.add(key)
		return nil
	})
	if err == nil {
		k.state.CompareAndSwap(learning, known)
	}
	return err
}

// close ends the learning. Folds may still be under way.
func (k *knownRows) close() {
	if k == nil {
		return
	}
	k.mu.Lock()
	k.closed = true
	if k.stop != nil {
		k.stop()
	}
	k.mu.Unlock()
	k.learning.Wait()
}
