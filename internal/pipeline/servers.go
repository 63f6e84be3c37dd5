package pipeline

import (
	"context"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/telemetry"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Servers is how the engine reaches the servers that can fail under it. Run
// reaches real ones; RunOn takes others, in whose place faults can be made up.
type Servers struct {
	Store Store
	// Snapshots makes a writer of what is folded by the catalogue as installed.
	Snapshots func(*catalog.Catalog, projections.Installed) Snapshots
	// Kafka are options of every Kafka client, beside the engine's own.
	Kafka []kgo.Opt

	// postgres and rdb are what Connect reached.
	postgres *projections.Store
	rdb      redis.UniversalClient
}

// Close ends the connections.
func (s *Servers) Close() {
	if s.rdb != nil {
		// What was acknowledged is written: an error here loses nothing.
		_ = s.rdb.Close()
	}
	if s.Store != nil {
		s.Store.Close()
	}
}

// Store is the truth in Postgres: projections.Store, which says what each
// method does.
type Store interface {
	Migrate(context.Context) error
	InstallCatalog(context.Context, *catalog.Catalog) (projections.Installed, error)
	BindOutlets(context.Context, projections.Outlets) (bound projections.Outlets, err error)
	CurrentCatalog(context.Context) (projections.StoredCatalog, projections.Installed, error)
	RaiseEpoch(ctx context.Context, least int64) (projections.Regime, error)
	Positions(ctx context.Context, topics ...string) ([]projections.Standing, error)
	Seed(context.Context, []projections.Standing) (standing []projections.Standing, seeded int, err error)
	Alone(ctx context.Context, purpose string, f func() error) error
	// LeaseSlot takes the lowest free slot, which the lease then holds.
	LeaseSlot(context.Context) (Lease, int32, error)
	NewFolder(in projections.Installed, cat *catalog.Catalog, name string) Folder
	Users(projections.Installed, *catalog.Catalog) Users
	HistoryRange(ctx context.Context, p projections.TopicPartition, from, to projections.Mark, f func(*projections.HistoryRow) error) error
	Rejects(ctx context.Context, p projections.TopicPartition, from, to int64, f func(*projections.Reject) error) error
	Refused(ctx context.Context, generation int32, p projections.TopicPartition, from, to int64) ([]int64, error)
	LedgerFrom(ctx context.Context, p projections.TopicPartition, from projections.Position, limit int) ([]projections.LedgerRow, error)
	LedgerBetween(ctx context.Context, above, below int64) ([]projections.LedgerRow, error)
	NumberFrom(ctx context.Context, n int64) error
	Close()
}

// Folder folds batches, one transaction each: projections.Folder.
type Folder interface {
	// Connect makes the connection now, and Check asks whether it still lives.
	Connect(context.Context) error
	Check(context.Context) error
	Fold(context.Context, *projections.Work) (*projections.Outcome, error)
	FoldTick(context.Context, *projections.TickWork) (out *projections.Outcome, done bool, to projections.Position, err error)
	Close(context.Context) error
}

// Lease is a slot of the group that this process alone holds: projections.Lease.
type Lease interface {
	Hold(context.Context) error
	Close(context.Context) error
}

// Users reads users' rows: projections.Users.
type Users interface {
	Of(ctx context.Context, ids ...string) ([]processor.Final, error)
}

// Snapshots writes the users' snapshots to Redis: snapshots.Writer.
type Snapshots interface {
	Expect(context.Context, projections.TopicPartition, projections.Position) error
	Forget(projections.TopicPartition)
	Write(ctx context.Context, finals []processor.Final, from ...projections.LedgerRow) error
	Check(context.Context) error
	Distrust(ctx context.Context, p projections.TopicPartition, before projections.Position) error
	WriteCatalog(context.Context) error
	NextEpoch(context.Context) (int64, error)
	// Refresh writes all snapshots anew, and returns how many users there are.
	Refresh(context.Context) (users int64, err error)
}

// Connect reaches Postgres and Redis at the addresses of the configuration.
func Connect(ctx context.Context, cfg *Config, tel *telemetry.Telemetry) (s *Servers, err error) {
	s = &Servers{}
	defer func(made *Servers) {
		if err != nil {
			made.Close()
		}
	}(s)
	store, err := projections.Open(ctx, cfg.Postgres, cfg.Group)
	if err != nil {
		return nil, err
	}
	s.Store, s.postgres = realStore{store}, store
	tel.Health.Ready(telemetry.Postgres)
	rdb, err := connectRedis(ctx, cfg.Redis)
	if err != nil {
		return nil, err
	}
	s.rdb = rdb
	s.Snapshots = func(cat *catalog.Catalog, in projections.Installed) Snapshots {
		return redisWriter{snapshots.NewWriter(rdb, cfg.Group, cat, in), store}
	}
	if err := tel.RedisHooks(rdb); err != nil {
		return nil, err
	}
	tel.Health.Ready(telemetry.Redis)
	return s, nil
}

// realStore is a projections.Store whose parts are of our types.
type realStore struct{ *projections.Store }

func (p realStore) LeaseSlot(ctx context.Context) (Lease, int32, error) {
	lease, err := p.Store.LeaseSlot(ctx)
	if err != nil {
		return nil, 0, err
	}
	return lease, lease.Slot, nil
}

func (p realStore) NewFolder(in projections.Installed, cat *catalog.Catalog, name string) Folder {
	return p.Store.NewFolder(in, cat, name)
}

func (p realStore) Users(in projections.Installed, cat *catalog.Catalog) Users {
	return p.Store.Users(in, cat)
}

// redisWriter refreshes from the store that it is for.
type redisWriter struct {
	*snapshots.Writer
	store *projections.Store
}

func (w redisWriter) Refresh(ctx context.Context) (int64, error) {
	return w.Writer.Refresh(ctx, w.store)
}
