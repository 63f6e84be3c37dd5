package oracle

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// rows compares what stands in Postgres with the recount.
func (p *pass) rows(ctx context.Context) error {
	if err := p.userRows(ctx); err != nil {
		return err
	}
	if err := p.memberRows(ctx); err != nil {
		return err
	}
	if err := p.thingRows(ctx); err != nil {
		return err
	}
	if p.first() {
		return p.places(ctx)
	}
	return nil
}

// userRow is a user's row.
type userRow struct {
	id       string
	version  int64
	dueAt    *int64
	held     []int16
	earnedAt []time.Time
	// granted, withheld and pins are what people decided.
	granted, withheld, pins []int16
	counters                []int64
}

func (p *pass) userRows(ctx context.Context) error {
	cat := p.count.Catalog()
	columns := ""
	for i := range cat.Counters {
		columns += ", " + pgx.Identifier{column(&cat.Counters[i])}.Sanitize()
	}
	c, err := openCursor(ctx, p.tx, "audit_users", `SELECT id, version, (extract(epoch FROM due_at) * 1000000)::bigint, held, earned_at, granted, withheld, pinned_badges`+columns+`
FROM `+p.stored.gen()+`.users ORDER BY id`, func(row pgx.CollectableRow) (u userRow, err error) {
		u.counters = make([]int64, len(cat.Counters))
		into := []any{&u.id, &u.version, &u.dueAt, &u.held, &u.earnedAt, &u.granted, &u.withheld, &u.pins}
		for i := range u.counters {
			into = append(into, &u.counters[i])
		}
		return u, row.Scan(into...)
	})
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for {
		row, err := c.peek(ctx)
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		if p.mine(row.id) {
			found[row.id] = true
			p.report.Looked(UsersRecounted, 1)
			p.report.Users++
			p.compareUser(row)
			if p.stored.erasure(row.id) != nil {
				p.report.Find(ErasedAbsent, "%q has a row, and was erased", row.id)
			}
		}
		c.pop()
	}
	users := p.count.Users()
	for _, name := range slices.Sorted(maps.Keys(users)) {
		if u := users[name]; u.Version > 0 && !found[name] {
			p.report.Find(UsersRecounted, "%q has no row, and the log gives version %d, counters %v and badges %v", name, u.Version, u.Counters, u.Held)
		}
	}
	return nil
}

// column is a counter's: of an age it holds when it began, and says so.
func column(c *catalog.Counter) string {
	if c.Kind == catalog.Since {
		return "since_" + c.Name
	}
	return c.Name
}

func (p *pass) compareUser(row *userRow) {
	u := p.count.Users()[row.id]
	if u == nil {
		u = &recount.User{Counters: make([]int64, len(row.counters))}
	}
	var amiss []string
	differ := func(what string, got, want any) {
		amiss = append(amiss, fmt.Sprintf("%s is %v, and by the log %v", what, got, want))
	}
	if row.version != u.Version {
		differ("version", row.version, u.Version)
	}
	for i, n := range row.counters {
		if n != u.Counters[i] {
			differ(column(&p.count.Catalog().Counters[i]), n, u.Counters[i])
		}
	}
	held := map[string]int64{}
	for i, id := range row.held {
		held[p.stored.slugs[id]] = row.earnedAt[i].UnixMicro()
	}
	if len(held) != len(row.held) || !maps.Equal(held, u.Held) {
		differ("held", badgesText(held), badgesText(u.Held))
	}
	settled := recount.Settled{}
	for _, id := range row.granted {
		settled[p.stored.slugs[id]] = true
	}
	for _, id := range row.withheld {
		settled[p.stored.slugs[id]] = false
	}
	if len(settled) != len(row.granted)+len(row.withheld) || !maps.Equal(settled, u.Settled) {
		differ("what people decided", settled, u.Settled)
	}
	pins := []string{}
	for _, id := range row.pins {
		pins = append(pins, p.stored.slugs[id])
	}
	if !slices.Equal(pins, u.Pins) {
		differ("the pins", pins, u.Pins)
	}
	due := int64(0)
	if row.dueAt != nil {
		due = *row.dueAt
	}
	if want := p.count.Due(row.id); due != want {
		differ("due_at", due, want)
	}
	if len(amiss) > 0 {
		p.report.Find(UsersRecounted, "%q: %v", row.id, amiss)
	}
}

// badgesText shows badges with when they were earned.
func badgesText(held map[string]int64) []string {
	list := []string{}
	for _, slug := range slices.Sorted(maps.Keys(held)) {
		list = append(list, slug+" since "+schemas.FormatTime(held[slug]))
	}
	return list
}

// storedRow is a member or a thing under its hashes.
type storedRow struct {
	user, row  int64
	collection int16
	state      int64
	at         *int64
	sums       [catalog.MaxSums]int64
}

// expected is one such row as the recount has it.
type expected struct {
	storedRow
	name string
}

func (p *pass) memberRows(ctx context.Context) error {
	var want []expected
	cat := p.count.Catalog()
	for name, u := range p.count.Users() {
		key := p.stored.userKey(name)
		for k, row := range u.Rows {
			e := expected{storedRow: storedRow{user: key, row: p.stored.memberKey(k), collection: int16(k.Collection), state: row.State},
				name: fmt.Sprintf("%s of %q: %q %q", cat.Collections[k.Collection].Name, name, k.Entity, k.Member)}
			if cat.Collections[k.Collection].ByTime {
				at := row.At
				e.at = &at
			}
			want = append(want, e)
		}
	}
	return p.keyedRows(ctx, MembersRecounted, `SELECT user_key, row_key, collection, state::bigint, (extract(epoch FROM at) * 1000000)::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint
FROM `+p.stored.gen()+`.member`, want)
}

func (p *pass) thingRows(ctx context.Context) error {
	var want []expected
	cat := p.count.Catalog()
	for name, u := range p.count.Users() {
		key := p.stored.userKey(name)
		for k, t := range u.Things {
			want = append(want, expected{storedRow: storedRow{user: key, row: p.stored.thingKey(k), collection: int16(k.Collection), state: t.State, sums: t.Sums},
				name: fmt.Sprintf("%s of %q: %q", cat.Collections[k.Collection].Name, name, k.Thing)})
		}
	}
	return p.keyedRows(ctx, ThingsRecounted, `SELECT user_key, row_key, collection, state::bigint, NULL::bigint, s0, s1, s2, s3 FROM `+p.stored.gen()+`.entity`, want)
}

// keyedRows compares rows under hashed keys, in the keys' order. A row that
// says nothing is as good as none.
func (p *pass) keyedRows(ctx context.Context, check, sql string, want []expected) error {
	slices.SortFunc(want, func(a, b expected) int { return a.compare(&b.storedRow) })
	first, last := p.bounds()
	c, err := openCursor(ctx, p.tx, "audit_"+check[:6], sql+` WHERE user_key BETWEEN $1 AND $2 ORDER BY user_key, row_key`, func(row pgx.CollectableRow) (r storedRow, err error) {
		err = row.Scan(&r.user, &r.row, &r.collection, &r.state, &r.at, &r.sums[0], &r.sums[1], &r.sums[2], &r.sums[3])
		return r, err
	}, first, last)
	if err != nil {
		return err
	}
	for {
		row, err := c.peek(ctx)
		if err != nil {
			return err
		}
		if row == nil && len(want) == 0 {
			return nil
		}
		p.report.Looked(check, 1)
		switch {
		case row == nil || len(want) > 0 && want[0].compare(row) < 0:
			if !want[0].empty() {
				p.report.Find(check, "there is no row of %s, and the log gives %s", want[0].name, &want[0].storedRow)
			}
			want = want[1:]
			continue
		case len(want) == 0 || want[0].compare(row) > 0:
			if e := p.stored.erasedKeys[row.user]; e != nil && e.done {
				p.report.Find(ErasedAbsent, "under the key %d of a user who was erased there is a row of collection %d", row.user, row.collection)
			} else if e == nil && !row.empty() {
				p.report.Find(check, "the log gives no row of collection %d under the keys %d and %d, which is %s", row.collection, row.user, row.row, row)
			}
		default:
			if !row.same(&want[0].storedRow) {
				p.report.Find(check, "%s is %s, and by the log %s", want[0].name, row, &want[0].storedRow)
			}
			want = want[1:]
		}
		c.pop()
	}
}

func (r *storedRow) compare(o *storedRow) int {
	return cmp.Or(cmp.Compare(r.user, o.user), cmp.Compare(r.row, o.row))
}

func (r *storedRow) empty() bool {
	return r.state == 0 && r.at == nil && r.sums == [catalog.MaxSums]int64{}
}

func (r *storedRow) same(o *storedRow) bool {
	return r.collection == o.collection && r.state == o.state && r.sums == o.sums && (r.at == nil) == (o.at == nil) && (r.at == nil || *r.at == *o.at)
}

func (r *storedRow) String() string {
	text := fmt.Sprintf("in state %d with sums %v", r.state, r.sums)
	if r.at != nil {
		text += " as of " + schemas.FormatTime(*r.at)
	}
	return text
}

// places compares the places drawn, and the clock.
func (p *pass) places(ctx context.Context) error {
	rows, err := p.tx.Query(ctx, `SELECT collection, taken FROM `+p.stored.gen()+`.place`)
	if err != nil {
		return errors.Wrap(err, "read the places")
	}
	taken := map[int]int64{}
	var collection int
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&collection, &n}, func() error { taken[collection] = n; return nil }); err != nil {
		return errors.Wrap(err, "read the places")
	}
	cat := p.count.Catalog()
	for i := range cat.Collections {
		if cat.Collections[i].Kind != catalog.First {
			continue
		}
		p.report.Looked(PlacesRecounted, 1)
		if want := p.count.Places(i); taken[i] != want {
			p.report.Find(PlacesRecounted, "%d places of %s are taken, and by the log %d", taken[i], cat.Collections[i].Name, want)
		}
	}
	var clock *int64
	if err := p.tx.QueryRow(ctx, `SELECT (extract(epoch FROM at) * 1000000)::bigint FROM `+p.stored.gen()+`.clock`).Scan(&clock); err != nil {
		return errors.Wrap(err, "read the clock")
	}
	p.report.Looked(PlacesRecounted, 1)
	now := int64(0)
	if clock != nil {
		now = *clock
	}
	if now != p.count.Clock() {
		p.report.Find(PlacesRecounted, "the clock stands at %s, and by the log at %s", schemas.FormatTime(now), schemas.FormatTime(p.count.Clock()))
	}
	return nil
}
