package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/repair"
	"github.com/badgestream/badgestream/projections"
)

func TestRealRepairKilled(t *testing.T) { t.Parallel(); testRepairKilled(t, stacktest.Real(t)) }
func TestRepairKilled(t *testing.T)     { t.Parallel(); testRepairKilled(t, stacktest.Embedded(t)) }

// testRepairKilled changes rows by hand while two processes fold events of the
// same users, begins to repair them, and kills the repair at any moment, and a
// process with it. A repair that is let be must leave rows which a recount of the
// log gives, whatever was folded meanwhile.
func testRepairKilled(t *testing.T, stack *stacktest.Stack) {
	cat, err := catalog.Parse("rooms", []byte(grouptest.Rooms))
	if err != nil {
		t.Fatal(err)
	}
	c := found(t, stack, cat, 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	procs := []*exec.Cmd{c.process(2, 41), c.process(1, 23)}
	loading, quiet := context.WithCancel(ctx)
	var producer sync.WaitGroup
	rng := rand.New(rand.NewPCG(61, 1))
	producer.Go(func() {
		for i := 0; loading.Err() == nil; i++ {
			kind, subject, data := "r.done", fmt.Sprint("u", rng.IntN(8)), `{}`
			if rng.IntN(3) > 0 {
				kind, data, subject = []string{"r.came", "r.left"}[rng.IntN(2)], fmt.Sprintf(`{"who":%q}`, subject), fmt.Sprint("p", rng.IntN(300))
			}
			rec := lines(fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/s","type":%q,"subject":%q,"time":"2026-03-01T12:00:00Z","data":%s}`, i, kind, subject, data))[0]
			rec.Key = []byte(subject)
			if c.Client.ProduceSync(loading, rec).FirstErr() != nil {
				return
			}
		}
	})
	defer quiet()
	conn, err := pgx.Connect(ctx, c.Config.Postgres)
	c.do("connect", err)
	defer conn.Close(ctx)
	store, err := projections.Open(ctx, c.Config.Postgres, c.Config.Group)
	c.do("open the store", err)
	defer store.Close()
	_, in, err := store.CurrentCatalog(ctx)
	c.do("read the regime", err)
	gen := pgx.Identifier{c.Config.Group + "_g1"}.Sanitize()
	// What is published while a row is wrong bears its version, and stays so. Nor
	// is anything awarded after this.
	c.Until(ctx, "eight users have the badge", func() bool {
		var n int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM `+gen+`.users WHERE cardinality(held) > 0`).Scan(&n)
		return err == nil && n >= 8
	})
	do := func(ctx context.Context, user string) (*repair.Result, error) {
		return repair.Run(ctx, repair.Config{Brokers: c.Config.Brokers, Postgres: c.Config.Postgres, Redis: c.Config.Redis, Group: c.Config.Group,
			User: user, Apply: true, Settle: 5 * time.Second})
	}
	repaired := 0
	for turn := range 8 {
		user := fmt.Sprint("u", turn)
		_, err := conn.Exec(ctx, `UPDATE `+gen+`.users SET there = there + 1000 WHERE id = $1`, user)
		c.do("change a counter", err)
		_, err = conn.Exec(ctx, `DELETE FROM `+gen+`.member WHERE user_key = $1 AND row_key % 2 = 0`, in.Secret.UserKey(user))
		c.do("change members", err)
		killed, kill := context.WithTimeout(ctx, []time.Duration{5, 40, 80, 120, 200, 300, 60, 150}[turn]*time.Millisecond)
		_, _ = do(killed, user)
		kill()
		if turn%2 == 0 {
			c.kill(procs[turn/2%2])
			procs[turn/2%2] = c.process(1, 31)
		}
		r, err := do(ctx, user)
		c.do("repair", err)
		if len(r.Untold) > 0 || !r.Right() && !r.Repaired {
			t.Errorf("%s: %+v", user, r)
		}
		if r.Repaired {
			repaired++
			t.Logf("%s: %d differences, folds waited %.0f ms", user, len(r.Differences), 1000*r.Waited)
		}
	}
	if repaired < 4 {
		t.Errorf("%d repairs were made by those that were let be: the others came too late", repaired)
	}
	quiet()
	producer.Wait()
	for _, p := range procs {
		c.kill(p)
	}
	c.Drain()
	c.Verify()
}
