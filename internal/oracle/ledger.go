package oracle

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// cursorRows is how many rows are fetched at once.
const cursorRows = 2_000

// cursor streams a query's rows beside others in one transaction.
type cursor[T any] struct {
	tx    pgx.Tx
	name  string
	scan  pgx.RowToFunc[T]
	queue []T
	ended bool
}

func openCursor[T any](ctx context.Context, tx pgx.Tx, name, sql string, scan pgx.RowToFunc[T], args ...any) (*cursor[T], error) {
	// DECLARE takes no parameters: they are written out by pgx.
	_, err := tx.Exec(ctx, `DECLARE `+name+` NO SCROLL CURSOR FOR `+sql, append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
	return &cursor[T]{tx: tx, name: name, scan: scan}, errors.Wrapf(err, "open a cursor: %s", sql)
}

// peek gives the next row, nil after the last.
func (c *cursor[T]) peek(ctx context.Context) (*T, error) {
	if len(c.queue) == 0 && !c.ended {
		rows, err := c.tx.Query(ctx, fmt.Sprintf("FETCH %d FROM %s", cursorRows, c.name))
		if err != nil {
			return nil, errors.Wrapf(err, "fetch rows of %s", c.name)
		}
		if c.queue, err = pgx.CollectRows(rows, c.scan); err != nil {
			return nil, errors.Wrapf(err, "fetch rows of %s", c.name)
		}
		c.ended = len(c.queue) < cursorRows
	}
	if len(c.queue) == 0 {
		return nil, nil
	}
	return &c.queue[0], nil
}

func (c *cursor[T]) pop() { c.queue = c.queue[1:] }

// openLedger streams the ledger in its order.
func (p *pass) openLedger(ctx context.Context) (*cursor[schemas.LedgerRow], error) {
	return openCursor(ctx, p.tx, "audit_ledger", `SELECT number, topic, partition, from_offset, from_step, from_ordinal, to_offset, to_step, to_ordinal, due, catalog_version
FROM `+p.stored.base()+`.ledger ORDER BY number`, func(row pgx.CollectableRow) (r schemas.LedgerRow, err error) {
		err = row.Scan(&r.Number, &r.Topic, &r.Partition, &r.From, &r.FromStep, &r.FromOrdinal, &r.To, &r.ToStep, &r.ToOrdinal, &r.Due, &r.CatalogVersion)
		r.Group = p.cfg.Group
		return r, err
	})
}

func rowPartition(r *schemas.LedgerRow) recount.Partition {
	return recount.Partition{Topic: r.Topic, Partition: r.Partition}
}

func rowFrom(r *schemas.LedgerRow) position { return position{r.From, r.FromStep, r.FromOrdinal} }

func rowTo(r *schemas.LedgerRow) position { return position{r.To, r.ToStep, r.ToOrdinal} }

func rowText(r *schemas.LedgerRow) string {
	return fmt.Sprintf("row %d of the ledger, %s/%d from %s to %s", r.Number, r.Topic, r.Partition, rowFrom(r), rowTo(r))
}

// tiling looks at the ledger's rows as they come.
type tiling struct {
	at     map[recount.Partition]position // where the partition's last range ended
	ends   map[recount.Partition]bool     // whether some range ends at K
	number map[recount.Partition]int64    // the row that ended there
}

// tile compares a row with the one of the partition before it.
func (p *pass) tile(t *tiling, r *schemas.LedgerRow) {
	id := rowPartition(r)
	from, to := rowFrom(r), rowTo(r)
	before, begun := t.at[id]
	t.at[id], t.number[id] = to, r.Number
	if k, ok := p.ks[id]; ok && (k == to || !begun && k.compare(from) == 0) {
		t.ends[id] = true
	}
	if !p.first() {
		return
	}
	p.report.Looked(LedgerTiles, 1)
	switch {
	case begun && before != from:
		p.report.Find(LedgerTiles, "%s: the range before it ended at %s", rowText(r), before)
	case to.compare(from) <= 0:
		p.report.Find(LedgerTiles, "%s: it covers nothing", rowText(r))
	}
}

// tiled looks at where the ranges end, once all are seen.
func (p *pass) tiled(t *tiling) {
	if !p.first() {
		return
	}
	for id, at := range p.ps {
		end, begun := t.at[id]
		if begun && end != at {
			p.report.Find(LedgerTiles, "%s/%d is folded up to %s, and its last range, row %d, ends at %s", id.Topic, id.Partition, at, t.number[id], end)
		}
		if k, ok := p.ks[id]; ok && begun && !t.ends[id] && k.compare(at) <= 0 {
			p.report.Find(Watermark, "%s/%d is published up to %s, and no fold range ends there", id.Topic, id.Partition, k)
		}
	}
	for id, end := range t.at {
		if _, known := p.ps[id]; !known {
			p.report.Find(LedgerTiles, "%s/%d has fold ranges up to %s, and no fold offset", id.Topic, id.Partition, end)
		}
	}
}

// ledgerPublished compares a row with its record on the ledger topic.
func (p *pass) ledgerPublished(r *schemas.LedgerRow) {
	if !p.shard(uint64(r.Number)) {
		return
	}
	d := digest(sha256.Sum256(r.Append(nil)))
	rec := p.ledgerTopic.back(ledgerKey(r.Number), d)
	k, committed := p.ks[rowPartition(r)]
	switch {
	case rec == nil && committed && k.compare(rowTo(r)) >= 0 && p.ledgerTopic.whole:
		p.report.Find(LedgerTopic, "%s is published by the watermark %s, and is not on topic %s", rowText(r), k, p.ledgerTopic.topic)
	case rec != nil && rec.digest != d:
		p.report.Find(LedgerTopic, "%s is another one at %s", rowText(r), rec.at)
	}
	p.report.Looked(LedgerTopic, 1)
}
