package devstack

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// PostgresConfig says where and how a Postgres server runs.
type PostgresConfig struct {
	// Dir holds the server's data and its log. It is made if it is missing, and
	// a server found there by an earlier run goes on with what it had.
	Dir string
	// Port on 127.0.0.1; 0 is a free one.
	Port int
	// Volatile gives up safety for speed: what is committed may be lost in a
	// crash of the machine (not of the server). For tests.
	Volatile bool
	// Downloaded has the server's programs downloaded even where some are
	// installed.
	Downloaded bool
	// Settings are further settings by name, as in postgresql.conf.
	Settings map[string]string
}

// Postgres is one server with the user and database `badgestream`, whom it
// trusts without a password on the loopback address.
type Postgres struct {
	config   PostgresConfig
	dir      string
	programs programs
	account  account // whom it runs as; set if we are root
	proc     *process
}

// StartPostgres starts a server: one found on the machine, of version 15 or
// later, or else one that is downloaded once. ctx bounds the start alone.
func StartPostgres(ctx context.Context, config PostgresConfig) (*Postgres, error) {
	dir, err := makeDir(config.Dir)
	if err != nil {
		return nil, err
	}
	pg := &Postgres{config: config, dir: dir}
	if pg.config.Port, err = portOr(ctx, config.Port); err != nil {
		return nil, err
	}
	if isRoot() {
		if pg.account, err = unprivileged(pg.data()); err != nil {
			return nil, err
		}
		if err := giveTo(pg.account, dir); err != nil {
			return nil, err
		}
	}
	made, err := dataVersion(pg.data())
	if err != nil {
		return nil, err
	}
	if pg.programs, err = findPostgres(ctx, made, config.Downloaded); err != nil {
		return nil, err
	}
	if err := pg.Start(ctx); err != nil {
		return nil, err
	}
	return pg, nil
}

// URL is the address of the database, for pgx and psql.
func (pg *Postgres) URL() string { return pg.databaseURL("badgestream") }

func (pg *Postgres) databaseURL(name string) string {
	return "postgres://badgestream@" + loopback(pg.config.Port) + "/" + name + "?sslmode=disable"
}

// String says which Postgres this is and where it was found.
func (pg *Postgres) String() string {
	s := "Postgres " + pg.programs.version + " " + pg.programs.origin
	if pg.account.name != "" {
		s += ", run as " + pg.account.name
	}
	return s
}

// Start brings the server up again after Stop or Kill, on the same port and
// data.
func (pg *Postgres) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := portIsFree(ctx, pg.config.Port); err != nil {
		return errors.Wrap(err, "starting Postgres")
	}
	if err := pg.initialise(ctx); err != nil {
		return err
	}
	left, err := waitForPostmaster(ctx, pg.data())
	if err != nil {
		return err
	}
	if err := pg.launch(ctx, left); err != nil {
		return err
	}
	if err := pg.createDatabase(ctx); err != nil {
		return errors.CombineErrors(err, pg.Kill())
	}
	return nil
}

// Stop ends all connections and stops the server in order.
func (pg *Postgres) Stop(ctx context.Context) error { return pg.proc.stop(ctx, syscall.SIGINT) }

// Kill takes the server away at once, as a crash would. What was committed is
// there after Start.
func (pg *Postgres) Kill() error { return pg.proc.kill() }

// Pause stops the server where it stands, with all its backends: connections
// stay open and nothing answers. On Linux alone.
func (pg *Postgres) Pause() error { return pg.proc.pauseTree() }

// Resume lets a paused server go on.
func (pg *Postgres) Resume() error { return pg.proc.resumeTree() }

func (pg *Postgres) data() string { return filepath.Join(pg.dir, "data") }

// command is one of the server's programs, run as whom it may run as.
func (pg *Postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(pg.programs.dir, name), args...)
	cmd.Dir = pg.dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") || strings.HasPrefix(v, "LC_") })
	cmd.Env = append(cmd.Env, "LC_ALL=C", "TZ=UTC")
	if isRoot() {
		runAs(cmd, pg.account)
	}
	return cmd
}

// initialise makes the data directory if there is none. It appears under its
// name when it is whole, so an interrupted run leaves nothing half done.
func (pg *Postgres) initialise(ctx context.Context) error {
	if made, err := dataVersion(pg.data()); err != nil || made != 0 {
		return err
	}
	half := pg.data() + ".new"
	if err := os.RemoveAll(half); err != nil {
		return errors.Wrapf(err, "removing what an interrupted run left in %s", half)
	}
	args := []string{"-D", half, "-U", "badgestream", "-A", "trust", "-E", "UTF8", "--no-locale"}
	if pg.config.Volatile {
		args = append(args, "--no-sync")
	}
	if out, err := pg.command(ctx, "initdb", args...).CombinedOutput(); err != nil {
		return errors.Wrapf(err, "making a Postgres data directory with %s: %s", filepath.Join(pg.programs.dir, "initdb"), out)
	}
	return errors.Wrap(os.Rename(half, pg.data()), "putting the new data directory in place")
}

// launch starts the server and waits for its answer. After a crash, left, the
// dead server's own children may need a moment to notice, and until then a
// new one refuses to start; so it tries again for a while.
func (pg *Postgres) launch(ctx context.Context, left bool) error {
	const noticing = 15 * time.Second
	until := time.Now().Add(noticing)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		var err error
		cmd := pg.command(context.WithoutCancel(ctx), "postgres", pg.arguments()...)
		// An interrupt is Postgres's fast shutdown: if we die, it ends in order.
		if pg.proc, err = startProcess("Postgres", cmd, filepath.Join(pg.dir, "postgres.log"), syscall.SIGINT); err != nil {
			return err
		}
		if err = pg.proc.await(ctx, pg.ask); err == nil {
			return nil
		}
		if !pg.proc.ended() || !left || time.Now().After(until) {
			return errors.CombineErrors(err, pg.proc.kill())
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func (pg *Postgres) arguments() []string {
	settings := map[string]string{
		"port":                    strconv.Itoa(pg.config.Port),
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "", // nothing outside Dir
		"max_connections":         "300",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"logging_collector":       "off",
	}
	if pg.config.Volatile {
		settings["fsync"] = "off"
		settings["synchronous_commit"] = "off"
		settings["full_page_writes"] = "off"
	}
	for name, value := range pg.config.Settings {
		settings[name] = value
	}
	args := []string{"-D", pg.data()}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// ask succeeds once the server answers a query.
func (pg *Postgres) ask(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, pg.databaseURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.Ping(ctx)
}

func (pg *Postgres) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, pg.databaseURL("postgres"))
	if err != nil {
		return errors.Wrap(err, "connecting to the new Postgres")
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'badgestream')").Scan(&there); err != nil {
		return errors.Wrap(err, "looking for the database badgestream")
	}
	if there {
		return nil
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE badgestream")
	return errors.Wrap(err, "creating the database badgestream")
}
