package oracle

import (
	"context"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/oracle/recount"
)

// The checks of a Watcher, by name. They are of what only shows while it
// happens.
const (
	// WatermarkNeverBack: no committed offset K ever moves back.
	WatermarkNeverBack = "watermark-never-back"
	// FoldNeverBack: no fold offset P does, but of a database that is restored.
	FoldNeverBack = "fold-never-back"
	// WatermarkBelowFold: K is never above P, but while a restored database
	// folds again.
	WatermarkBelowFold = "watermark-below-fold"
	// SnapshotsNeverBack: no snapshot is ever replaced by an earlier one.
	SnapshotsNeverBack = "snapshots-never-back"
	// SnapshotsBacked: no snapshot is ahead of its row.
	SnapshotsBacked = "snapshots-backed"
	// AwardsBacked: a badge event is not on its topic before its row is in
	// Postgres, not even for readers of uncommitted records.
	AwardsBacked = "awards-backed"
	// AwardsShown: nor before a snapshot in Redis shows it.
	AwardsShown = "awards-shown"
)

func watchNames() []string {
	return []string{WatermarkNeverBack, FoldNeverBack, WatermarkBelowFold, SnapshotsNeverBack, SnapshotsBacked, AwardsBacked, AwardsShown}
}

// sampleTime bounds one look: servers that hang or are away are passed over.
const sampleTime = 3 * time.Second

// Watcher samples a group for as long as it runs.
type Watcher struct {
	cfg    Config
	cancel context.CancelFunc
	ended  chan struct{}

	mu       sync.Mutex // guards what follows
	report   *Report
	samples  int
	missed   int
	back     wentBack
	postgres string

	// These belong to the goroutine that samples.
	cl     *kgo.Client
	adm    *kadm.Client
	pg     *pgx.Conn
	pgURL  string
	rdb    *redis.Client
	ks, ps map[recount.Partition]position // the highest K, the last P
	orders map[string]string              // user → the order of his snapshot
	tail   *kgo.Client
	seen   []announced // badge events that are still to be looked up
}

// Watch samples the group every so often, until Stop is called or the context
// ends. Servers may die meanwhile. It keeps the order of each user's snapshot,
// and is for groups whose users fit into memory.
func Watch(ctx context.Context, cfg Config, every time.Duration) (*Watcher, error) {
	cfg.defaults()
	w := &Watcher{cfg: cfg, ended: make(chan struct{}), report: newReport(cfg.Group, 1, cfg.Shown, watchNames()), postgres: cfg.Postgres,
		ks: map[recount.Partition]position{}, ps: map[recount.Partition]position{}, orders: map[string]string{}}
	opts, err := redis.ParseURL(cfg.Redis)
	if err != nil {
		return nil, errors.Wrap(err, "read the URL of Redis")
	}
	opts.DialTimeout, opts.ReadTimeout, opts.MaxRetries = sampleTime, sampleTime, 1
	w.rdb = redis.NewClient(opts)
	if w.cl, err = kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...)); err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	w.adm = kadm.NewClient(w.cl)
	if w.tail, err = kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.ConsumeTopics(cfg.AwardTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()), kgo.FetchMaxWait(100*time.Millisecond)); err != nil {
		w.cl.Close()
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	running, cancel := context.WithCancel(ctx)
	w.cancel = cancel
	go w.run(running, every)
	return w, nil
}

// Stop ends the sampling and tells what it found.
func (w *Watcher) Stop() *Report {
	w.cancel()
	<-w.ended
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Note("%d samples were taken, and %d could not be, as a server did not answer", w.samples, w.missed)
	return w.report
}

// Samples is how many samples were taken so far.
func (w *Watcher) Samples() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.samples
}

// RestoresPostgres says that Postgres is about to go back to what it was
// before, and where it will be then; empty is where it was. Until Rested is
// called, fold offsets below what they were, or below K, are not held against
// anybody.
func (w *Watcher) RestoresPostgres(url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back.postgres = true
	if url != "" {
		w.postgres = url
	}
}

// LosesRedis says that Redis is about to lose snapshots, or to go back to
// earlier ones. Until Rested is called, that is not held against anybody.
func (w *Watcher) LosesRedis() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back.redis = true
}

// KillsKafka says that a broker is about to be killed. Its coordinator can then
// answer for a while from a state older than its log: until Rested is called, a
// watermark below what it was is not held against anybody. After that it must
// be what it was, or higher.
func (w *Watcher) KillsKafka() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back.kafka = true
}

// Rested says that Postgres has folded again what it had forgotten, and Redis
// has all snapshots: from now on nothing goes back.
func (w *Watcher) Rested() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back = wentBack{}
}

func (w *Watcher) run(ctx context.Context, every time.Duration) {
	defer close(w.ended)
	defer func() {
		w.cl.Close()
		w.tail.Close()
		_ = w.rdb.Close()
		if w.pg != nil {
			_ = w.pg.Close(context.WithoutCancel(ctx))
		}
	}()
	for ctx.Err() == nil {
		err := w.sample(ctx)
		w.mu.Lock()
		if err == nil {
			w.samples++
		} else if ctx.Err() == nil {
			w.missed++
		}
		w.mu.Unlock()
		if wait(ctx, every) != nil {
			return
		}
	}
}

// sample looks once at everything that answers.
func (w *Watcher) sample(ctx context.Context) error {
	w.take(ctx) // before the look-ups: what is seen now must be there already
	err := w.connect(ctx)
	if err == nil {
		err = w.limited(ctx, w.positions)
	}
	return errors.CombineErrors(err, errors.CombineErrors(w.limited(ctx, w.snapshots), w.limited(ctx, w.lookUp)))
}

func (w *Watcher) limited(ctx context.Context, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	return look(ctx)
}

// connect makes sure that there is a connection to where Postgres is by now.
func (w *Watcher) connect(ctx context.Context) (err error) {
	w.mu.Lock()
	url := w.postgres
	w.mu.Unlock()
	if w.pg != nil && !w.pg.IsClosed() && w.pgURL == url {
		return nil
	}
	if w.pg != nil {
		_ = w.pg.Close(ctx)
	}
	w.pg = nil
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	w.pg, err = connect(ctx, url)
	w.pgURL = url
	return err
}

// look reports under the lock.
func (w *Watcher) look(f func(r *Report)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.report)
}

// wentBack names the servers that went back to an older state and are not said
// to have caught up. Kafka's is the coordinator of a killed broker, which may
// not have read all of its log yet.
type wentBack struct{ postgres, redis, kafka bool }

func (b wentBack) or(c wentBack) wentBack {
	return wentBack{b.postgres || c.postgres, b.redis || c.redis, b.kafka || c.kafka}
}

// excused says which servers went back.
func (w *Watcher) excused() wentBack {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.back
}
