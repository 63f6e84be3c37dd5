package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/settings"
)

// devPort is where one of dev's servers shall listen; port 0 is any.
type devPort struct {
	flag, address string // HOST:PORT
	port          int
}

// devPorts reads the ports from the settings' addresses, which must be on
// this machine.
func devPorts(s *settings.Settings) (kafka, postgres, redis devPort, err error) {
	if kafka, err = readDevPort("brokers", strings.Join(s.Brokers, ",")); err != nil {
		return
	}
	if postgres, err = portOfURL("postgres", s.Postgres); err != nil {
		return
	}
	redis, err = portOfURL("redis", s.Redis)
	return
}

func portOfURL(flag, given string) (devPort, error) {
	u, err := url.Parse(given)
	if err != nil {
		return devPort{}, usage(errors.Newf("--%s is no URL", flag))
	}
	return readDevPort(flag, u.Host)
}

func readDevPort(flag, address string) (devPort, error) {
	host, text, err := net.SplitHostPort(address)
	port, badPort := strconv.ParseUint(text, 10, 16)
	if err != nil || badPort != nil || host != "127.0.0.1" && host != "localhost" {
		return devPort{}, usage(errors.Newf("dev starts servers of its own on this machine, so --%s must name 127.0.0.1 and a port, not %s: to use servers that are there, take `badgestream run`", flag, address))
	}
	return devPort{flag, address, int(port)}, nil
}

// startDevServers starts the servers on the settings' ports.
func startDevServers(ctx context.Context, s *settings.Settings, dir string, screen *screen) (*devstack.Stack, error) {
	kafka, postgres, redis, err := devPorts(s)
	if err != nil {
		return nil, err
	}
	if err := portsAreFree(ctx, kafka, postgres, redis); err != nil {
		return nil, err
	}
	if err := screen.say("Starting Kafka, Postgres and Redis on the data in %s (the first start may take a minute).\n", dir); err != nil {
		return nil, err
	}
	stack, err := devstack.StartAll(ctx, devstack.Options{
		Dir: dir, KafkaPort: kafka.port, PostgresPort: postgres.port, RedisPort: redis.port,
	})
	if err != nil && ctx.Err() != nil {
		return nil, errors.New("interrupted before the servers were up")
	}
	if err != nil {
		return nil, err
	}
	if err := screen.say("  %s\n", strings.Join(stack.Descriptions(), "\n  ")); err != nil {
		return nil, errors.CombineErrors(err, stopDevServers(ctx, stack))
	}
	return stack, nil
}

// portsAreFree says in one sentence who is in the way. That the servers find
// out too, but one after another, and not that it is another dev.
func portsAreFree(ctx context.Context, ports ...devPort) error {
	var taken, flags []string
	for _, p := range ports {
		if p.port == 0 {
			continue
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.address)
		if err == nil {
			err = listener.Close()
		}
		if err != nil {
			taken = append(taken, fmt.Sprintf("%d", p.port))
			flags = append(flags, "--"+p.flag)
		}
	}
	switch {
	case len(taken) == 0:
		return nil
	case len(taken) == len(ports) && isKfake(ctx, ports[0].address):
		return errors.Newf("another `badgestream dev` already runs on ports %s: use that one, stop it, or choose other ports with %s",
			sentence(taken), sentence(flags))
	case len(taken) == 1:
		return errors.Newf("port %s of 127.0.0.1 is taken by another program: stop it, or choose another port with %s", taken[0], flags[0])
	}
	return errors.Newf("ports %s of 127.0.0.1 are taken by other programs: stop them, or choose other ports with %s", sentence(taken), sentence(flags))
}

// sentence lists words as one writes them.
func sentence(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// isKfake asks a broker for its cluster's name, which no real Kafka has.
func isKfake(ctx context.Context, broker string) bool {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return false
	}
	defer client.Close()
	limited, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	metadata, err := kadm.NewClient(client).BrokerMetadata(limited)
	return err == nil && metadata.Cluster == "kfake"
}

// openLog makes the telemetry. The log goes to standard error, or to a file
// while the screen is ours. What it returns ends both.
func (d *devSession) openLog(ctx context.Context, errOut io.Writer) (func(*error), error) {
	to, closeFile := errOut, func() error { return nil }
	if d.screen.terminal {
		file, err := os.OpenFile(filepath.Join(d.flags.dataDir, "badgestream.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, errors.Wrap(err, "opening the log")
		}
		to, closeFile = file, file.Close
	}
	tel, shutdown, err := openTelemetry(ctx, d.settings, to)
	if err != nil {
		return nil, errors.CombineErrors(err, closeFile())
	}
	d.tel = tel
	return func(err *error) {
		shutdown(err)
		*err = errors.CombineErrors(*err, closeFile())
	}, nil
}
