package projections

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
)

// The server ends what hangs, so that a worker which stopped answering holds
// nobody up for longer than this.
const (
	idleInTransaction = 10 * time.Second
	lockWait          = 10 * time.Second
	statementTime     = 60 * time.Second
	settleTime        = 30 * time.Second
	settlePause       = 100 * time.Millisecond
	// foldTime is longer than a fold takes at a server that ends what hangs. It is
	// for a connection on which nothing comes any more, though the server has
	// answered or given up: what stands between may keep it open for ever.
	foldTime = 2 * time.Minute
)

// attempts bounds how often one transaction is tried again after a deadlock.
const attempts = 8

// Folder folds batches, one transaction each, on a connection of its own. It
// is used by one goroutine. Any error costs it the connection; the next call
// makes a new one.
type Folder struct {
	cfg   *pgconn.Config
	cat   *catalog.Catalog
	in    Installed
	stmts *statements
	// prepares are those of them that are prepared with the connection.
	prepares []pgbatch.Statement
	conn     *pgbatch.Conn
	// patience bounds one attempt to fold.
	patience time.Duration

	// known says which rows are new; nil where nobody can tell.
	known *knownRows

	// full are the First collections of which all places are taken, as
	// transactions on this connection have seen before they committed. A full
	// one stays full, unless Postgres is restored, and then the connection ends.
	full map[int16]bool

	answers answers
	// Parameters are built here. What goes in parts is sent as soon as it is
	// built, so that all such statements share their columns.
	cols       [17]pgbatch.Column
	wide       []pgbatch.Column // users
	rejectCols [9]pgbatch.Column
	ledgerCols [8]pgbatch.Column
	copied     pgbatch.Copy
	text       []byte
	history    []HistoryRow
}

// NewFolder makes a folder for the catalogue as it was installed. name is what
// Postgres shows as the application's name. It connects at the first fold, unless
// Connect did.
func (s *Store) NewFolder(in Installed, cat *catalog.Catalog, name string) *Folder {
	f := s.newFolder(in, cat, name)
	f.known = s.knownRows(in.Generation)
	return f
}

func (s *Store) newFolder(in Installed, cat *catalog.Catalog, name string) *Folder {
	cfg := s.pool.Config().ConnConfig.Config.Copy()
	cfg.RuntimeParams["application_name"] = name
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = milliseconds(idleInTransaction)
	cfg.RuntimeParams["lock_timeout"] = milliseconds(lockWait)
	cfg.RuntimeParams["statement_timeout"] = milliseconds(statementTime)
	noticeDeadClient(cfg)
	cfg.RuntimeParams["default_transaction_isolation"] = "read committed"
	// The statements have one sensible plan each: planning them anew for every
	// batch would only copy its parameters.
	cfg.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	cfg.RuntimeParams["work_mem"] = "64MB"
	stmts := newStatements(s.group, in, cat)
	return &Folder{cfg: cfg, cat: cat, in: in, stmts: stmts, prepares: stmts.all(), patience: foldTime}
}

// Connect makes the connection, if there is none. A database can only be
// restored while nobody is connected: what is read after Connect, and before a
// Check or a fold that went well, is all of one database.
func (f *Folder) Connect(ctx context.Context) error { return f.connect(ctx) }

// Check asks whether the connection still lives.
func (f *Folder) Check(ctx context.Context) error {
	if f.conn == nil {
		return errors.New("the folding connection has ended")
	}
	if err := f.conn.Exec(ctx, "SELECT 1"); err != nil {
		f.dropConn()
		return errors.Wrap(err, "ask whether the folding connection still lives")
	}
	return nil
}

// Close ends the connection.
func (f *Folder) Close(ctx context.Context) error {
	if f.conn == nil {
		return nil
	}
	conn := f.conn
	f.conn = nil
	return errors.Wrap(conn.Close(ctx), "close the folding connection")
}

// Fold folds the work in one transaction. It returns
//
//   - ErrStale if a range does not begin where its partition stands,
//   - a *RegimeChanged if another catalogue or generation holds,
//   - ErrNotCommitted if the connection was lost and nothing took effect,
//   - any other error with nothing having taken effect, or, if it also could
//     not be found out, an *Unsettled.
func (f *Folder) Fold(ctx context.Context, w *Work) (*Outcome, error) {
	if w.Batch.Catalog() != f.cat {
		return nil, errors.AssertionFailedf("the batch was made for another catalogue than its folder")
	}
	if f.in.Secret == (Secret{}) {
		return nil, errors.AssertionFailedf("the folder has no secret: it would not find the members that are there")
	}
	t := &transaction{ranges: w.Ranges, rejects: w.Rejects, reason: w.Reason, number: w.Number, batch: w.Batch, history: f.history}
	end := f.known.folding()
	out, err := f.run(ctx, t, f.foldStages)
	end()
	if err == nil {
		f.known.wrote(ctx, len(f.answers.members)+len(f.answers.entities))
	}
	return out, err
}

// foldStages runs all but the last stage of a fold: the rows, in the order
// that the processor names them.
func (f *Folder) foldStages(ctx context.Context, t *transaction) error {
	if err := f.openStage(ctx, t, t.batch.Members()); err != nil {
		return err
	}
	if err := f.copyNewMembers(ctx, t.batch.Members()); err != nil {
		return err
	}
	return f.applyStages(ctx, t)
}

// applyStages goes on once the members have answered.
func (f *Folder) applyStages(ctx context.Context, t *transaction) error {
	b := t.batch
	if f.cat.HasAgeBadges {
		b.SetClock(t.clock)
	}
	if err := b.ApplyMembers(f.answers.members); err != nil {
		return err
	}
	entities := b.Entities()
	rows, err := f.entityStage(ctx, entities)
	if err != nil {
		return err
	}
	if err := b.ApplyEntities(rows); err != nil {
		return err
	}
	taken, err := f.placeStage(ctx, t, b.Places())
	if err != nil {
		return err
	}
	if err := b.ApplyPlaces(taken); err != nil {
		return err
	}
	return f.userStage(ctx, t, b.Users())
}

// userStage adds to the users' rows and lets the batch judge them.
func (f *Folder) userStage(ctx context.Context, t *transaction, ops []processor.UserOp) error {
	rows, err := f.writeUsers(ctx, ops)
	if err != nil {
		return err
	}
	return t.batch.ApplyUsers(rows)
}

// connect makes the connection and prepares what every fold needs.
func (f *Folder) connect(ctx context.Context) error {
	if f.conn != nil {
		return nil
	}
	conn, err := pgbatch.Connect(ctx, f.cfg)
	if err != nil {
		return unreachable(err, f.cfg)
	}
	if err := conn.Prepare(ctx, f.prepares...); err != nil {
		drop(conn)
		return err
	}
	f.conn = conn
	f.full = map[int16]bool{}
	return nil
}

// dropConn throws the connection away. The server rolls back what it had not
// committed.
func (f *Folder) dropConn() {
	if f.conn != nil {
		drop(f.conn)
		f.conn = nil
	}
}

func drop(conn *pgbatch.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// The error tells nothing: the connection was given up already.
	_ = conn.Close(ctx)
}
