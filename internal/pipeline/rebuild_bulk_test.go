package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Memories of rebuilds: none, which is the plain form; so little that rows leave
// it and come back all the time; and enough.
const (
	plainMemory  = -1
	littleMemory = 24 << 10
	enoughMemory = 0
)

func TestRealRebuildInBulk(t *testing.T) { t.Parallel(); testRebuildInBulk(t, stacktest.Real(t)) }
func TestRebuildInBulk(t *testing.T)     { t.Parallel(); testRebuildInBulk(t, stacktest.Embedded(t)) }

// testRebuildInBulk rebuilds what two engines folded at the same time, with ticks
// that make somebody due and ticks that do not, in the plain form and in bulk.
// All tables must be the live ones, byte for byte.
func testRebuildInBulk(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, aged(t), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stops := []func(){c.Engine(ctx, 2, 97), c.Engine(ctx, 2, 53)}
	c.produceAges(grouptest.Crowd(t, 59, 150, 6_000), func(records int64) { c.Published(ctx, records) })
	for _, stop := range stops {
		stop()
	}
	c.Drain()
	var plain *pipeline.Diff
	for _, memory := range []int64{plainMemory, littleMemory, enoughMemory} {
		c.Config.RebuildMemory = memory
		r := c.rebuilder(ctx)
		_, err := r.Start(ctx, pipeline.Request{})
		c.do("start a rebuild", err)
		d := c.same(ctx, r)
		if plain == nil {
			plain = d
		}
		for name, table := range d.Tables {
			if table.Beside != plain.Tables[name].Beside {
				t.Errorf("with %d bytes of memory, table %s is another than in the plain form", memory, name)
			}
		}
		_, err = r.Cancel(ctx)
		c.do("cancel", err)
	}
}

// produceAges produces the records, users who registered long ago among them,
// and after each part of all two ticks: one that makes some of those due, and
// one soon after, which makes nobody due. Whoever registered before then visits a
// place. settled is called when the group has so many records to fold.
func (c *community) produceAges(records []*kgo.Record, settled func(records int64)) {
	const parts, olds = 6, 40
	each := len(records) / parts
	due := time.Now().AddDate(-2, 0, 365)
	produced := 0
	for i := range parts {
		batch := append(records[i*each:(i+1)*each:(i+1)*each], c.olds(i*olds, olds)...)
		for old := range i * olds {
			batch = append(batch, lines(fmt.Appendf(nil, visit, fmt.Sprintf("visit-%d-%d", i, old), fmt.Sprintf("old-%d", old), fmt.Sprintf("place-%d", i)))...)
		}
		c.Produce(batch...)
		produced += len(batch)
		settled(int64(produced))
		at := due.Add(time.Duration(i*olds+olds/2) * time.Hour)
		c.Produce(c.tickAt(fmt.Sprintf("tick-%d", i), at), c.tickAt(fmt.Sprintf("soon-%d", i), at.Add(time.Minute)))
	}
}

func TestRealRebuildInBulkKilled(t *testing.T) {
	t.Parallel()
	testRebuildInBulkKilled(t, stacktest.Real(t))
}

func TestRebuildInBulkKilled(t *testing.T) {
	t.Parallel()
	testRebuildInBulkKilled(t, stacktest.Embedded(t))
}

// testRebuildInBulkKilled kills the process that rebuilds in bulk at any moment,
// between two commits, in the middle of one, while rows leave the memory, and
// wants the next to go on as if nothing had been.
func testRebuildInBulkKilled(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, aged(t), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	c.Config.Batch = 173
	c.produceAges(grouptest.Crowd(t, 61, 150, 9_000), func(int64) { c.Drain() })
	c.Drain()
	c.Config.RebuildMemory = littleMemory
	r := c.rebuilder(ctx)
	_, err := r.Start(ctx, pipeline.Request{MaxRate: 3_000})
	c.do("start a rebuild", err)
	rng := rand.New(rand.NewPCG(61, 2))
	c.killBeforePlace(ctx)
	for kill := range int64(6) {
		p := c.process(1, 97)
		c.Until(ctx, "the rebuild gets on", func() bool {
			s, err := r.Status(ctx)
			c.do("ask how far the rebuild is", err)
			return s.Records >= kill*1_000+1
		})
		c.lasts(ctx, time.Duration(rng.IntN(250))*time.Millisecond)
		c.kill(p)
	}
	c.killBeforePlace(ctx)
	before, err := r.Status(ctx)
	c.do("ask how far the rebuild is", err)
	if before.Records == before.Total {
		t.Error("the rebuild was done before the last kill")
	}
	c.same(ctx, r)
}

// killBeforePlace kills the process that rebuilds at the moment at which it has
// sent rows, and cannot say yet how far they are folded.
func (c *community) killBeforePlace(ctx context.Context) {
	c.T.Helper()
	conn, err := pgx.Connect(ctx, c.Config.Postgres)
	c.do("connect to Postgres", err)
	defer conn.Close(ctx)
	look, err := pgx.Connect(ctx, c.Config.Postgres) // who waits is looked at once in a transaction
	c.do("connect to Postgres", err)
	defer look.Close(ctx)
	tx, err := conn.Begin(ctx)
	c.do("begin", err)
	table := pgx.Identifier{c.Config.Group}.Sanitize() + ".generation"
	_, err = tx.Exec(ctx, `SELECT FROM `+table+` WHERE state = 'building' FOR UPDATE`)
	c.do("lock the generation", err)
	p := c.process(1, 97)
	c.Until(ctx, "the rebuild asks for its place", func() bool {
		var waits bool
		err := look.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND starts_with(query, 'SELECT state FROM ' || $1))`, table).Scan(&waits)
		c.do("look at who waits", err)
		return waits
	})
	c.kill(p)
	c.do("let go", tx.Rollback(ctx))
}
