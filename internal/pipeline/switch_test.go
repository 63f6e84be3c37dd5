package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestRealSwitchHeals(t *testing.T) { t.Parallel(); testSwitchHeals(t, stacktest.Real(t)) }
func TestSwitchHeals(t *testing.T)     { t.Parallel(); testSwitchHeals(t, stacktest.Embedded(t)) }

// testSwitchHeals changes a counter, takes a badge away and gives another by
// hand, and wants the difference to say so. The switch heals the first two, and
// tells once of the badge that is there again; what was given is kept, by later
// rebuilds too.
func testSwitchHeals(t *testing.T, stack *stacktest.Stack) {
	c := found(t, stack, grouptest.Catalog(t, "starview"), 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 43, 120, 6_000)
	c.Produce(records[:4_000]...)
	c.Drain()
	c.tamper(ctx)
	stop := c.Engine(ctx, 2, 97)
	defer stop()
	r := c.rebuilder(ctx)
	_, err := r.Start(ctx, pipeline.Request{})
	c.do("start a rebuild", err)
	c.Produce(records[4_000:]...)
	c.Published(ctx, int64(len(records)))
	c.followed(ctx, r)
	d, err := r.Diff(ctx, 3)
	c.do("compare", err)
	if d.Identical || d.Users != 1 || d.Counters["location_visits"] != 1 || d.Badges["explorer"] == nil || d.Badges["explorer"].Gained != 1 ||
		d.Badges["trusted-source"] == nil || d.Badges["trusted-source"].Lost != 1 || len(d.Badges) != 2 {
		t.Fatalf("the difference: %+v", d)
	}
	before := len(c.Badges())
	done := c.switches(ctx, r, false, false)
	if done.Gained != 1 || done.Lost != 0 {
		t.Errorf("the switch: %+v", done)
	}
	c.Until(ctx, "the switch is published", func() bool { return len(c.Badges()) == before+1 })
	last := schemas.BadgeEvent{}
	for _, e := range c.Badges() {
		if e.Reason == schemas.ReasonRebuild {
			last = e
		}
	}
	if last.Badge != "explorer" || last.Revoked || last.Cause.Offset != done.Offset || last.Time == last.EarnedAt {
		t.Errorf("the switch gave %+v", last)
	}
	stop()
	c.Drain()
	c.Verify()
	_, err = r.Retire(ctx)
	c.do("retire", err)
	_, err = r.Start(ctx, pipeline.Request{})
	c.do("start another rebuild", err)
	c.same(ctx, r)
}

// switches makes the generation beside the live one the live one.
func (c *community) switches(ctx context.Context, r *pipeline.Rebuilder, revoke, back bool) *projections.Switch {
	c.T.Helper()
	done, err := r.Switch(ctx, revoke, back)
	c.do("switch", err)
	c.T.Logf("folds waited %v for the switch", done.Took)
	return done
}

// tamper takes a badge away from somebody who holds it, and adds to a counter of
// his. It gives another one, the last of a row, to somebody who has not earned it.
func (c *community) tamper(ctx context.Context) {
	c.T.Helper()
	conn, err := pgx.Connect(ctx, c.Config.Postgres)
	c.do("connect", err)
	defer conn.Close(ctx)
	users := pgx.Identifier{c.Config.Group + "_g1", "users"}.Sanitize()
	ids := map[string]int16{}
	for i := range c.Catalog.Badges {
		ids[c.Catalog.Badges[i].Slug] = c.Catalog.Badges[i].ID
	}
	for what, sql := range map[string]string{
		"explorer": `WITH who AS (SELECT id, array_position(held, $1) n FROM ` + users + ` WHERE $1 = ANY(held) ORDER BY location_visits DESC LIMIT 1)
UPDATE ` + users + ` u SET held = u.held[:n-1] || u.held[n+1:], earned_at = u.earned_at[:n-1] || u.earned_at[n+1:], location_visits = location_visits + 1000 FROM who WHERE who.id = u.id`,
		"trusted-source": `WITH who AS (SELECT id FROM ` + users + ` WHERE NOT $1 = ANY(held) ORDER BY upvotes_received, id LIMIT 1)
UPDATE ` + users + ` u SET held = u.held || $1::smallint, earned_at = u.earned_at || '2026-01-01T00:00:00Z'::timestamptz FROM who WHERE who.id = u.id`,
	} {
		tag, err := conn.Exec(ctx, sql, ids[what])
		c.do("change "+what, err)
		if tag.RowsAffected() != 1 {
			c.T.Fatalf("nobody is there for %s", what)
		}
	}
}

// aged is the shipped catalogue with a badge that time gives, in which each of
// the pairs is another text.
func aged(t *testing.T, replace ...string) *catalog.Catalog {
	t.Helper()
	text, _ := schemas.CatalogText("starview")
	text = append(text, []byte(`
  - category: TIME
    criterion: MEMBERSHIP
    counter: tenure_days
    badges:
      - {slug: veteran, name: Veteran, description: A year of membership., tier: 1, at_least: 365}
`)...)
	return grouptest.Altered(t, text, replace...)
}

// olds are users who registered years ago, one of them twice; a tick makes them
// due in several steps.
func (c *community) olds(from, n int) []*kgo.Record {
	var records []*kgo.Record
	at := time.Now().UTC().AddDate(-2, 0, 0)
	for i := from; i < from+n; i++ {
		records = append(records, lines(fmt.Appendf(nil, `{"specversion":"1.0","id":"old-%d","source":"/s","type":"starview.user.registered","subject":"old-%d","time":"%s","data":{}}`,
			i, i, at.Add(time.Duration(i)*time.Hour).Format(time.RFC3339)))...)
	}
	return records
}

// tick is a tick of now.
func (c *community) tick(id string) *kgo.Record { return c.tickAt(id, time.Now()) }

// tickAt is a tick of another time.
func (c *community) tickAt(id string, at time.Time) *kgo.Record {
	r := lines(fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"/s","type":"%s","time":"%s","data":{}}`, id, schemas.TickType, at.UTC().Format(time.RFC3339)))[0]
	r.Topic = c.Config.Group + ".control"
	return r
}

func TestRealSwitchRules(t *testing.T) { t.Parallel(); testSwitchRules(t, stacktest.Real(t)) }
func TestSwitchRules(t *testing.T)     { t.Parallel(); testSwitchRules(t, stacktest.Embedded(t)) }

// testSwitchRules changes the rules of a group that goes on folding: badges with
// other thresholds, one that is gone and one that is new, other ages. Then it
// goes back, and retires the new rules. The oracle counts by both all along, and
// a watcher sees nothing go back.
func testSwitchRules(t *testing.T, stack *stacktest.Stack) {
	mine := aged(t)
	other := aged(t, "slug: first-light", "slug: aa-first-glimmer", "at_least: 5\n", "at_least: 4\n", "at_least: 10\n", "at_least: 12\n", "at_least: 365", "at_least: 400")
	c := found(t, stack, mine, 4)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	records := grouptest.Crowd(t, 47, 120, 8_000)
	watch, err := oracle.Watch(ctx, c.AuditConfig(), 20*time.Millisecond)
	c.do("watch", err)
	stop := c.Engine(ctx, 2, 211)
	c.Produce(records[:3_000]...)
	c.Produce(c.olds(0, 2_300)...)
	c.Published(ctx, 5_300)
	c.Produce(c.tick("t1"))
	c.Produce(records[3_000:4_000]...)
	r := c.rebuilder(ctx)
	_, err = r.Start(ctx, pipeline.Request{Catalog: other})
	c.do("start a rebuild", err)
	c.Produce(c.olds(2_300, 50)...)
	c.Published(ctx, 6_350)
	c.Produce(c.tick("t2"))
	c.followed(ctx, r)
	c.Until(ctx, "the tick is published", func() bool { return c.control(ctx) == 2 })
	d, err := r.Diff(ctx, 2)
	c.do("compare", err)
	if d.Identical || d.Users != 0 || d.Badges["aa-first-glimmer"].Gained == 0 || d.Badges["first-light"].Lost == 0 || d.Badges["explorer"].Gained == 0 || d.Badges["pathfinder"].Lost == 0 {
		t.Errorf("the difference: %+v", d)
	}
	shown := 0
	for _, s := range d.Badges["explorer"].Samples {
		if s.Live != nil && !s.Live.Held && s.Beside != nil && s.Beside.Held && s.Beside.Last != nil && s.Beside.Counters[0].Value == 4 {
			shown++
		}
	}
	if shown == 0 {
		t.Errorf("no sample shows who gains the badge: %+v", d.Badges["explorer"].Samples)
	}
	done := c.switches(ctx, r, false, false)
	gained := int64(0)
	for _, b := range d.Badges {
		gained += b.Gained
	}
	if done.Gained != gained || done.Lost != 0 {
		t.Errorf("the switch gave %d badges and took %d, and the difference was %d", done.Gained, done.Lost, gained)
	}
	c.Produce(records[4_000:6_000]...)
	c.Published(ctx, 8_350)
	c.Catalog = other
	c.Produce(c.olds(2_400, 30)...)
	c.Produce(c.tick("t3"))
	back := c.switches(ctx, r, true, true)
	if back.Gained == 0 || back.Lost == 0 {
		t.Errorf("the way back: %+v", back)
	}
	c.Catalog = mine
	c.Produce(records[6_000:]...)
	c.Published(ctx, 10_380)
	_, err = r.Retire(ctx)
	c.do("retire", err)
	_, err = r.Start(ctx, pipeline.Request{})
	c.do("start another rebuild", err)
	c.followed(ctx, r)
	c.same(ctx, r)
	stop()
	c.Drain()
	c.Verify()
	if report := watch.Stop(); report.Err() != nil {
		t.Errorf("%v\n%s", report.Err(), report)
	}
}

// control is how many records of the control topic are published.
func (c *community) control(ctx context.Context) int64 {
	offsets, err := kadm.NewClient(c.Client).FetchOffsets(ctx, c.Config.Group)
	c.do("read the committed offsets", err)
	at, _ := offsets.Lookup(c.Config.Group+".control", 0)
	return at.At
}
