package oracle

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

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
