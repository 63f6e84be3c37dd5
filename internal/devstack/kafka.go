package devstack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaConfig says where and how a real broker runs.
type KafkaConfig struct {
	// Dir holds the broker's data, settings and log. It is made if it is
	// missing, and a broker found there by an earlier run goes on with what it
	// had.
	Dir string
	// Port on 127.0.0.1; 0 is a free one.
	Port int
	// Heap is the most memory that Java's heap may take, such as "512m"; empty
	// is 768m.
	Heap string
}

// Kafka is one real broker, which is its own controller (KRaft).
type Kafka struct {
	config KafkaConfig
	dir    string
	java   string
	jars   string
	proc   *process
	member *member // of a cluster; nil for a broker that is alone
}

// StartKafka starts a broker of version KafkaVersion. It needs Java, and Maven
// the first time. ctx bounds the start alone.
func StartKafka(ctx context.Context, config KafkaConfig) (*Kafka, error) {
	k, err := newKafka(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := k.Start(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// newKafka finds what a broker needs to be started.
func newKafka(ctx context.Context, config KafkaConfig) (*Kafka, error) {
	dir, err := makeDir(config.Dir)
	if err != nil {
		return nil, err
	}
	k := &Kafka{config: config, dir: dir}
	if k.config.Heap == "" {
		k.config.Heap = "768m"
	}
	if k.config.Port, err = portOr(ctx, config.Port); err != nil {
		return nil, err
	}
	if k.java, err = findJava(ctx); err != nil {
		return nil, err
	}
	k.jars, err = kafkaJars(ctx)
	return k, err
}

// Brokers are the addresses to connect to.
func (k *Kafka) Brokers() []string { return []string{loopback(k.config.Port)} }

// String says what this is.
func (k *Kafka) String() string {
	return "Kafka " + KafkaVersion + " (one broker, heap " + k.config.Heap + ") with " + k.java
}

// Start brings the broker up again after Stop or Kill, on the same port and
// data.
func (k *Kafka) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := portIsFree(ctx, k.config.Port); err != nil {
		return errors.Wrap(err, "starting Kafka")
	}
	if err := k.writeProperties(ctx); err != nil {
		return err
	}
	if err := k.format(ctx); err != nil {
		return err
	}
	cmd := k.command(context.WithoutCancel(ctx), "-Xms256m", "-Xmx"+k.config.Heap, "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
		"-Dlog4j2.level=WARN", "kafka.Kafka", k.properties())
	var err error
	if k.proc, err = startProcess("Kafka", cmd, filepath.Join(k.dir, "kafka.log"), syscall.SIGTERM); err != nil {
		return err
	}
	if err := k.proc.await(ctx, k.ask); err != nil {
		return errors.CombineErrors(err, k.proc.kill())
	}
	return nil
}

// Stop stops the broker in order.
func (k *Kafka) Stop(ctx context.Context) error { return k.proc.stop(ctx, syscall.SIGTERM) }

// Kill takes the broker away at once, as a crash would.
func (k *Kafka) Kill() error { return k.proc.kill() }

// Pause stops the broker where it stands: connections stay open and nothing
// answers.
func (k *Kafka) Pause() error { return k.proc.pause() }

// Resume lets a paused broker go on.
func (k *Kafka) Resume() error { return k.proc.resume() }

func (k *Kafka) properties() string { return filepath.Join(k.dir, "server.properties") }
func (k *Kafka) data() string       { return filepath.Join(k.dir, "data") }

func (k *Kafka) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, k.java, append([]string{"-Djava.awt.headless=true", "-cp", filepath.Join(k.jars, "*")}, args...)...)
	cmd.Dir = k.dir
	return cmd
}

// ask succeeds once the broker has registered itself and answers.
func (k *Kafka) ask(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	if err != nil {
		return err
	}
	defer client.Close()
	brokers, err := kadm.NewClient(client).ListBrokers(ctx)
	if err == nil && len(brokers) == 0 {
		err = errors.New("the broker has not registered itself yet")
	}
	return err
}

// format prepares an empty data directory. meta.properties is the last thing
// that Kafka's tool writes there, so an interrupted run is done again.
func (k *Kafka) format(ctx context.Context) error {
	_, err := os.Stat(filepath.Join(k.data(), "meta.properties"))
	if !errors.Is(err, fs.ErrNotExist) {
		return errors.Wrap(err, "looking for Kafka's data")
	}
	if err := os.RemoveAll(k.data()); err != nil {
		return errors.Wrapf(err, "removing what an interrupted run left in %s", k.data())
	}
	cluster, err := k.clusterID()
	if err != nil {
		return err
	}
	out, err := k.command(ctx, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format",
		"--cluster-id="+cluster, // it may begin with a dash
		"--config", k.properties(),
		"--feature", "transaction.version=2").CombinedOutput()
	return errors.Wrapf(err, "formatting Kafka's data directory %s: %s", k.data(), out)
}

func (k *Kafka) clusterID() (string, error) {
	if k.member != nil {
		return k.member.cluster, nil
	}
	var id [16]byte
	_, err := rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:]), errors.Wrap(err, "drawing a cluster id")
}

// writeProperties writes the broker's settings. The controller's port of a
// broker that is alone is its own affair, and another one at each start.
func (k *Kafka) writeProperties(ctx context.Context) error {
	m := k.member
	if m == nil {
		controller, err := freePort(ctx)
		if err != nil {
			return err
		}
		m = &member{node: 1, controller: controller, voters: "1@" + loopback(controller)}
	}
	settings := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        strconv.Itoa(m.node),
		"controller.quorum.voters":       m.voters,
		"listeners":                      "PLAINTEXT://" + loopback(k.config.Port) + ",CONTROLLER://" + loopback(m.controller),
		"advertised.listeners":           "PLAINTEXT://" + loopback(k.config.Port),
		"controller.listener.names":      "CONTROLLER",
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"log.dirs":                       k.data(),
		"num.partitions":                 "4",
		"message.max.bytes":              strconv.Itoa(MaxMessageBytes),
		// Events are old where a log is played again; they stay all the same.
		"log.retention.ms": "-1",
		// What is not created is missing, as it is where an operator rules.
		"auto.create.topics.enable": "false",
		// One broker is all there is.
		"default.replication.factor":                       "1",
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
		"share.coordinator.state.topic.num.partitions":     "1",
		// Groups form at once, and tests may have short sessions.
		"group.initial.rebalance.delay.ms":         "0",
		"group.min.session.timeout.ms":             "500",
		"group.consumer.min.session.timeout.ms":    "500",
		"group.consumer.min.heartbeat.interval.ms": "100",
		// A broker that comes back reads the log of committed offsets twice: once
		// as the leader that it was, and again when the controller has let it in.
		// If the first reading ends after the second was asked for, Kafka (4.1.1
		// and 4.4.0) answers from what the second has read by then, and takes
		// writes. So that log is compacted early, and read in no time.
		"offsets.topic.segment.bytes":     strconv.Itoa(1 << 20), // the least that it takes
		"log.cleaner.backoff.ms":          "1000",
		"log.cleaner.delete.retention.ms": "1000",
		// A killed broker is known to be gone soon, so that it may come back.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
	}
	if k.member != nil {
		for _, name := range []string{"default", "offsets.topic", "transaction.state.log", "share.coordinator.state.topic"} {
			settings[name+".replication.factor"] = "3"
		}
		for _, name := range []string{"min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr"} {
			settings[name] = "2"
		}
		settings["replica.lag.time.max.ms"] = "3000"
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		text.WriteString(name + "=" + settings[name] + "\n")
	}
	return errors.Wrap(os.WriteFile(k.properties(), []byte(text.String()), 0o644), "writing Kafka's settings")
}
