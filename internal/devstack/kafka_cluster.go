package devstack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"
)

// KafkaClusterConfig says where and how several brokers run.
type KafkaClusterConfig struct {
	// Dir holds the data, settings and logs of all brokers. It is made if it is
	// missing, and must not hold an earlier cluster's: the controllers' ports
	// are drawn anew.
	Dir string
	// Brokers is how many there are, 3 or more: each is a controller too, and
	// most of them must live. Topics have three replicas, two of which must be
	// in step.
	Brokers int
	// Heap is KafkaConfig.Heap, for each broker.
	Heap string
}

// member is a broker's place in a cluster.
type member struct {
	node       int
	cluster    string // the cluster's id
	controller int    // its own controller's port
	voters     string // all controllers, as Kafka's settings name them
}

// KafkaCluster is several real brokers that replicate to one another, so that
// one of them can be killed and the others lead its partitions.
type KafkaCluster struct {
	// Nodes are the brokers, to be killed and started one by one. The first has
	// the node id 1.
	Nodes []*Kafka
}

// StartKafkaCluster starts brokers of version KafkaVersion. ctx bounds the
// start alone.
func StartKafkaCluster(ctx context.Context, config KafkaClusterConfig) (*KafkaCluster, error) {
	if config.Brokers < 3 {
		return nil, errors.Newf("a cluster of %d brokers does not survive the loss of one: take 3 or more", config.Brokers)
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, errors.Wrap(err, "drawing a cluster id")
	}
	c := &KafkaCluster{}
	var voters []string
	for node := 1; node <= config.Brokers; node++ {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		k, err := newKafka(ctx, KafkaConfig{Dir: filepath.Join(config.Dir, strconv.Itoa(node)), Heap: config.Heap})
		if err != nil {
			return nil, err
		}
		k.member = &member{node: node, cluster: base64.RawURLEncoding.EncodeToString(id[:]), controller: port}
		voters = append(voters, fmt.Sprintf("%d@%s", node, loopback(port)))
		c.Nodes = append(c.Nodes, k)
	}
	// A broker answers once most controllers have found one another.
	starting, ctx := errgroup.WithContext(ctx)
	for _, k := range c.Nodes {
		k.member.voters = strings.Join(voters, ",")
		starting.Go(func() error { return k.Start(ctx) })
	}
	if err := starting.Wait(); err != nil {
		return nil, errors.CombineErrors(err, c.Kill())
	}
	return c, nil
}

// Brokers are the addresses to connect to.
func (c *KafkaCluster) Brokers() []string {
	var all []string
	for _, k := range c.Nodes {
		all = append(all, k.Brokers()...)
	}
	return all
}

// Kill takes all brokers away at once.
func (c *KafkaCluster) Kill() error {
	var err error
	for _, k := range c.Nodes {
		if k.proc != nil {
			err = errors.CombineErrors(err, k.Kill())
		}
	}
	return err
}
