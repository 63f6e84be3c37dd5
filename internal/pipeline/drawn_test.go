package pipeline_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/differential"
)

var drawnSeeds = flag.Uint64("drawn.seeds", 6, "how many random catalogues and logs the engine is run on")

// testDrawn runs the whole engine on random catalogues and logs, in batches of
// several sizes, and has the oracle audit all that it wrote: users, members,
// things, places, history, rejects, dead letters, badge events, snapshots.
func testDrawn(t *testing.T, servers func(testing.TB) *stacktest.Stack) {
	awarded := int64(0)
	for seed := range *drawnSeeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := differential.New(seed, nil)
			file := differential.Catalog(rng)
			cat, err := catalog.Parse("drawn.yaml", []byte(file))
			if err != nil {
				t.Fatal(err)
			}
			partitions := 1 + int(seed%4)
			c := found(t, servers(t), cat, partitions)
			c.Config.Batch, c.Config.Workers = []int{0, 1, 7, 50}[seed%4], 1+int(seed%2)
			var records []*kgo.Record
			for _, r := range differential.Log(rng, cat, 250, int32(partitions), false) {
				rec := &kgo.Record{Topic: c.Config.ActivityTopic, Partition: r.Partition, Timestamp: time.UnixMilli(r.Timestamp), Key: r.Key, Value: r.Value}
				for _, h := range r.Headers {
					rec.Headers = append(rec.Headers, kgo.RecordHeader(h))
				}
				records = append(records, rec)
			}
			c.producePlaced(records...)
			awarded += c.Drain().Awarded
			if c.Verify(); t.Failed() {
				t.Log(file)
			}
		})
	}
	if awarded < 20 {
		t.Errorf("%d badges prove little", awarded)
	}
}

// producePlaced writes records to the partitions that they name, in order.
func (c *community) producePlaced(records ...*kgo.Record) {
	c.T.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Config.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(3<<20))
	c.do("make a client", err)
	defer cl.Close()
	c.do("produce", cl.ProduceSync(c.T.Context(), records...).FirstErr())
}

func TestRealDrawn(t *testing.T) { t.Parallel(); stacktest.NeedReal(t); testDrawn(t, stacktest.Real) }
func TestDrawn(t *testing.T)     { t.Parallel(); testDrawn(t, stacktest.Embedded) }
