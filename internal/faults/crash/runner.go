package crash

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
)

// Servers are the real servers that all cases share.
type Servers struct {
	Brokers         []string
	Postgres, Redis string
	// Prefix begins the names of all groups and topics.
	Prefix string
}

// Runner runs cases. They may run at the same time: each has its own group,
// topics, proxies and engine.
type Runner struct {
	servers Servers
	binary  string
	cat     *catalog.Catalog
	kafka   *kgo.Client
	adm     *kadm.Client
	pool    *pgxpool.Pool
	rdb     *redis.Client

	mu   sync.Mutex
	runs int
}

// NewRunner connects to the servers. The binary is badgestream's; see Build.
func NewRunner(ctx context.Context, servers Servers, binary string) (_ *Runner, err error) {
	r := &Runner{servers: servers, binary: binary}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.cat, err = catalog.Load("starview"); err != nil {
		return nil, err
	}
	r.kafka, err = kgo.NewClient(kgo.SeedBrokers(servers.Brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		return nil, errors.Wrap(err, "make a Kafka client")
	}
	r.adm = kadm.NewClient(r.kafka)
	if r.pool, err = pgxpool.New(ctx, servers.Postgres); err != nil {
		return nil, errors.Wrap(err, "open Postgres")
	}
	opts, err := redis.ParseURL(servers.Redis)
	if err != nil {
		return nil, errors.Wrap(err, "read the Redis URL")
	}
	r.rdb = redis.NewClient(opts)
	return r, nil
}

// Close ends the connections.
func (r *Runner) Close() {
	if r.kafka != nil {
		r.kafka.Close()
	}
	if r.pool != nil {
		r.pool.Close()
	}
	if r.rdb != nil {
		_ = r.rdb.Close() // nothing is in flight
	}
}

// RunAll runs cases, a few at a time, and hands each result to the function as
// it comes, one at a time. It ends early when the context does.
func (r *Runner) RunAll(ctx context.Context, cases []Case, parallel int, result func(Result)) {
	todo := make(chan Case)
	var workers sync.WaitGroup
	var one sync.Mutex
	for range parallel {
		workers.Go(func() {
			for c := range todo {
				got := r.Run(ctx, c)
				one.Lock()
				result(got)
				one.Unlock()
			}
		})
	}
	for _, c := range cases {
		select {
		case todo <- c:
		case <-ctx.Done():
		}
	}
	close(todo)
	workers.Wait()
}

// Build compiles badgestream, of the module in which the command runs, into a
// directory, and gives the program's path.
func Build(ctx context.Context, dir string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", errors.Wrap(err, "find the module: go list -m")
	}
	binary := filepath.Join(dir, "badgestream")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/badgestream")
	build.Dir = strings.TrimSpace(string(root))
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.Wrapf(err, "build badgestream: %s", out)
	}
	return binary, nil
}
