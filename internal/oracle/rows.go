package oracle

import (
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
