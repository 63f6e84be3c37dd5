package devstack

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"

	"github.com/alicebob/miniredis/v2"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// RedisDatabases is how many numbered databases our Redis servers have, so
// that each of many tests can have its own.
const RedisDatabases = 1024

// oldestRedis is the first major version that badgestream supports.
const oldestRedis = 7

// RedisConfig says where and how a Redis server runs.
type RedisConfig struct {
	// Dir holds the server's log and data. It is made if it is missing.
	Dir string
	// Port on 127.0.0.1; 0 is a free one.
	Port int
	// Durable keeps the data on disk, so that a later start finds them. Without
	// it, and always with miniredis, a server starts empty.
	Durable bool
	// Real fails where no redis-server is found, instead of using miniredis.
	Real bool
	// ReplicaOf, if it is set, is the server that this one copies, until it is
	// promoted. Not with miniredis.
	ReplicaOf *Redis
}

// Redis is one server: a redis-server of version 7 or later if one is on the
// PATH, else miniredis, which runs in this process.
type Redis struct {
	config  RedisConfig
	dir     string
	program string // of redis-server; empty with miniredis
	version string
	proc    *process
	mini    *miniredis.Miniredis
}

// StartRedis starts a server. ctx bounds the start alone.
func StartRedis(ctx context.Context, config RedisConfig) (*Redis, error) {
	dir, err := makeDir(config.Dir)
	if err != nil {
		return nil, err
	}
	r := &Redis{config: config, dir: dir}
	if r.config.Port, err = portOr(ctx, config.Port); err != nil {
		return nil, err
	}
	if r.program, r.version, err = findRedis(ctx); err != nil && config.Real {
		return nil, err
	}
	if err := r.Start(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// URL is the address of the server's database 0.
func (r *Redis) URL() string { return "redis://" + loopback(r.config.Port) + "/0" }

// String says which Redis this is and where it was found.
func (r *Redis) String() string {
	if r.program == "" {
		return "miniredis in this process (no redis-server of version 7 or later on the PATH)"
	}
	return "Redis " + r.version + " found at " + r.program
}

// Start brings the server up again after Stop or Kill, on the same port.
func (r *Redis) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if r.program == "" {
		r.mini = miniredis.NewMiniRedis()
		r.mini.ClockTTL(true)
		err := bind(ctx, r.config.Port, func() error { return r.mini.StartAddr(loopback(r.config.Port)) })
		return errors.Wrap(err, "starting miniredis")
	}
	if err := portIsFree(ctx, r.config.Port); err != nil {
		return errors.Wrap(err, "starting Redis")
	}
	durable := "no"
	if r.config.Durable {
		durable = "yes"
	}
	args := []string{
		"--bind", "127.0.0.1",
		"--port", strconv.Itoa(r.config.Port),
		"--dir", r.dir,
		"--databases", strconv.Itoa(RedisDatabases),
		"--appendonly", durable,
		"--save", "",
		"--daemonize", "no",
	}
	if r.config.ReplicaOf != nil {
		args = append(args, "--replicaof", "127.0.0.1 "+strconv.Itoa(r.config.ReplicaOf.config.Port), "--repl-diskless-sync-delay", "0")
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), r.program, args...)
	cmd.Dir = r.dir
	var err error
	if r.proc, err = startProcess("Redis", cmd, filepath.Join(r.dir, "redis.log"), syscall.SIGTERM); err != nil {
		return err
	}
	if err := r.proc.await(ctx, r.ask); err != nil {
		return errors.CombineErrors(err, r.proc.kill())
	}
	return nil
}

// ask succeeds once the server answers and has loaded its data. It dials
// first: go-redis would print each time that nobody listens yet.
func (r *Redis) ask(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", loopback(r.config.Port))
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: loopback(r.config.Port), MaxRetries: -1})
	defer client.Close()
	return client.Ping(ctx).Err()
}

// Stop stops the server in order.
func (r *Redis) Stop(ctx context.Context) error {
	if r.proc == nil {
		r.mini.Close()
		return nil
	}
	return r.proc.stop(ctx, syscall.SIGTERM)
}

// Kill takes the server away at once, as a crash would.
func (r *Redis) Kill() error {
	if r.proc == nil {
		r.mini.Close()
		return nil
	}
	return r.proc.kill()
}

// Pause stops the server where it stands: connections stay open and nothing
// answers. Not with miniredis.
func (r *Redis) Pause() error {
	if r.proc == nil {
		return errors.New("miniredis cannot be paused: install redis-server")
	}
	return r.proc.pause()
}

// Resume lets a paused server go on.
func (r *Redis) Resume() error {
	if r.proc == nil {
		return errors.New("miniredis cannot be paused: install redis-server")
	}
	return r.proc.resume()
}

// Promote makes a replica a server of its own, with what it has copied by now.
// Whoever it copied goes on without it.
func (r *Redis) Promote(ctx context.Context) error {
	client := redis.NewClient(&redis.Options{Addr: loopback(r.config.Port)})
	defer client.Close()
	r.config.ReplicaOf = nil
	return errors.Wrap(client.ReplicaOf(ctx, "NO", "ONE").Err(), "promoting a Redis replica")
}

// findRedis looks for a redis-server that is new enough. It prints its
// version as "Redis server v=7.0.15 sha=…".
func findRedis(ctx context.Context) (program, version string, err error) {
	program, err = exec.LookPath("redis-server")
	if err != nil {
		return "", "", errors.Wrap(err, "looking for redis-server (install Redis 7 or later)")
	}
	out, err := exec.CommandContext(ctx, program, "--version").CombinedOutput()
	if err != nil {
		return "", "", errors.Wrapf(err, "asking %s for its version: %s", program, out)
	}
	match := regexp.MustCompile(`\bv=((\d+)\S*)`).FindSubmatch(out)
	if match == nil {
		return "", "", errors.Newf("%s --version answers %q, which names no version", program, out)
	}
	if major, err := strconv.Atoi(string(match[2])); err != nil || major < oldestRedis {
		return "", "", errors.Newf("%s is Redis %s, and badgestream needs %d or later", program, match[1], oldestRedis)
	}
	return program, string(match[1]), nil
}
