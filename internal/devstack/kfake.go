package devstack

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kfake is Kafka's stand-in: one broker in this process that speaks the
// protocol, transactions and consumer groups included.
type Kfake struct {
	dir     string
	port    int
	cluster *kfake.Cluster
}

// telemetryInterval is when a client asks again whether its metrics are wanted:
// telemetry's default in Kafka.
const telemetryInterval = 5 * time.Minute

// StartKfake starts a broker on a port of 127.0.0.1 (0 is a free one) which
// keeps its data in dir, so that a later start finds them. With no dir it
// keeps them in memory.
func StartKfake(ctx context.Context, dir string, port int) (*Kfake, error) {
	var err error
	if dir != "" {
		if dir, err = makeDir(dir); err != nil {
			return nil, err
		}
	}
	if port, err = portOr(ctx, port); err != nil {
		return nil, err
	}
	k := &Kfake{dir: dir, port: port}
	if err := k.Start(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// Brokers are the addresses to connect to.
func (k *Kfake) Brokers() []string { return []string{loopback(k.port)} }

// String says what this is.
func (k *Kfake) String() string { return "kfake in this process" }

// Start brings the broker up again after Stop, on the same port.
func (k *Kfake) Start(ctx context.Context) error {
	options := []kfake.Opt{
		kfake.Ports(k.port),
		kfake.DefaultNumPartitions(4),
		kfake.GroupMinSessionTimeout(500 * time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(MaxMessageBytes)}),
	}
	if k.dir != "" {
		options = append(options, kfake.DataDir(k.dir))
	}
	err := bind(ctx, k.port, func() (err error) {
		k.cluster, err = kfake.NewCluster(options...)
		return err
	})
	if err != nil {
		return errors.Wrapf(err, "starting kfake on the data in %q", k.dir)
	}
	k.wantNoTelemetry()
	return nil
}

// wantNoTelemetry has clients told that nobody wants their metrics, as by a broker
// to which nobody subscribed. kfake wants all, and whoever sends them, if only when
// it closes, makes ready to compress them in every way there is: many megabytes.
func (k *Kfake) wantNoTelemetry() {
	k.cluster.ControlKey(kmsg.GetTelemetrySubscriptions.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.cluster.KeepControl()
		resp := req.ResponseKind().(*kmsg.GetTelemetrySubscriptionsResponse)
		resp.PushIntervalMillis = int32(telemetryInterval.Milliseconds())
		_, err := rand.Read(resp.ClientInstanceID[:])
		return resp, err, true
	})
}

// Stop stops the broker. Without a directory its data are gone.
func (k *Kfake) Stop(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		k.cluster.Close()
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return errors.Wrap(ctx.Err(), "kfake did not stop in time")
	}
}
