package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/conformance"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealConformance(t *testing.T) {
	stacktest.NeedReal(t)
	testConformance(t, stacktest.Real, 1)
}

// TestConformance folds every fourth case: the engine is the same, and all of
// them are folded in memory and on real servers.
func TestConformance(t *testing.T) { testConformance(t, stacktest.Embedded, 4) }

// testConformance folds every case on the servers, on one partition, and
// compares what stands on the award topic, in Postgres and in Redis with the
// answers that the case has.
func testConformance(t *testing.T, servers func(testing.TB) *stacktest.Stack, every int) {
	cases, err := conformance.Load("../../processor/testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	for i, cs := range cases {
		if i%every != 0 {
			continue
		}
		t.Run(cs.Catalog+"/"+cs.Name, func(t *testing.T) {
			t.Parallel()
			// A tick may not be ahead of its record: what is far from now here is
			// the tests' time.
			c := found(t, servers(t), grouptest.Catalog(t, cs.Catalog), 1, grouptest.AnyTimestamp())
			c.Config.Batch = []int{0, 7, 100}[i%3]
			c.Produce(stamped(t, lines(cs.Events))...)
			c.Drain()
			for _, diff := range slices.Concat(cs.CheckAwards(c.awardLines()), cs.CheckProgress(c.progressLines(snapshots.FromPostgres), c.Catalog.System),
				cs.CheckProgress(c.progressLines(snapshots.FromRedis), c.Catalog.System), cs.CheckRejects(c.rejectedLines())) {
				t.Errorf("batches of %d: %s", c.Config.Batch, diff)
			}
		})
	}
}

// stamped gives records of ticks the tick's own time.
func stamped(t *testing.T, records []*kgo.Record) []*kgo.Record {
	t.Helper()
	for _, r := range records {
		var ev schemas.Event
		if schemas.Decode(r.Headers, r.Value, &ev) == nil && ev.Type == schemas.TickType {
			r.Timestamp = time.UnixMicro(ev.Time)
		}
	}
	return records
}

func (c *community) awardLines() []byte {
	c.T.Helper()
	var out []byte
	for _, e := range c.Badges() {
		out = append(e.AppendStructured(out), '\n')
	}
	return out
}

// progressLines reads everybody's progress as readers do.
func (c *community) progressLines(from snapshots.Origin) []byte {
	c.T.Helper()
	ctx := c.T.Context()
	store, err := projections.Open(ctx, c.Config.Postgres, c.Config.Group)
	if err != nil {
		c.T.Fatal(err)
	}
	defer store.Close()
	_, in, err := store.CurrentCatalog(ctx)
	if err != nil {
		c.T.Fatal(err)
	}
	now, err := store.Users(in, c.Catalog).Clock(ctx)
	if err != nil {
		c.T.Fatal(err)
	}
	if now == 0 {
		now = schemas.MinTime // before the first tick nobody has any age
	}
	rdb := c.redis()
	postgres := snapshots.NewPostgres(store)
	reader := snapshots.NewReader(rdb, c.Config.Group, nil)
	view, err := postgres.Catalog(ctx)
	if err != nil {
		c.T.Fatal(err)
	}
	var out bytes.Buffer
	encode := json.NewEncoder(&out)
	err = postgres.All(ctx, func(s *schemas.Snapshot) error {
		progress := s.Progress(view, now)
		if from == snapshots.FromRedis {
			list, origins, err := reader.Progress(ctx, now, s.User)
			if err != nil {
				return err
			}
			if origins[0] != snapshots.FromRedis {
				return fmt.Errorf("the snapshot of %q comes from %s", s.User, origins[0])
			}
			progress = list[0]
		}
		return encode.Encode(progress)
	})
	if err != nil {
		c.T.Fatal(err)
	}
	return out.Bytes()
}

// rejectedLines are the numbers of the lines that became dead letters.
func (c *community) rejectedLines() []int64 {
	c.T.Helper()
	var numbers []int64
	for _, r := range c.Read(c.Config.DeadLetterTopic) {
		d, _, err := schemas.ParseDeadLetter(r.Headers)
		if err != nil {
			c.T.Fatal(err)
		}
		numbers = append(numbers, d.Offset+1)
	}
	return numbers
}
