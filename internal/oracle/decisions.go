package oracle

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// openDecisions streams what people decided in a partition, by offset.
func (p *pass) openDecisions(ctx context.Context, n int, id recount.Partition) (*cursor[recount.Decision], error) {
	return openCursor(ctx, p.tx, fmt.Sprintf("audit_decisions_%d", n), `SELECT "offset", event_id, event_source, verb, user_id, badge, by, reason, (extract(epoch FROM at) * 1000000)::bigint
FROM `+p.stored.base()+`.decision WHERE topic = $1 AND partition = $2 ORDER BY "offset"`, func(row pgx.CollectableRow) (d recount.Decision, err error) {
		d.Cause.Topic, d.Cause.Partition = id.Topic, id.Partition
		err = row.Scan(&d.Cause.Offset, &d.Cause.ID, &d.Cause.Source, &d.Verb, &d.User, &d.Badge, &d.By, &d.Reason, &d.At)
		return d, err
	}, id.Topic, id.Partition)
}

// decisions compares the table's rows of one range with the decisions that the
// log has there, in its order. One pass does it for all users.
func (p *pass) decisions(ctx context.Context, c *cursor[recount.Decision], to position, want []recount.Decision) error {
	if !p.first() {
		return nil
	}
	for {
		row, err := c.peek(ctx)
		if err != nil {
			return err
		}
		if row != nil && row.Cause.Offset >= to.Offset {
			row = nil
		}
		if row == nil && len(want) == 0 {
			return nil
		}
		p.report.Looked(DecisionsRecounted, 1)
		switch {
		case row == nil || len(want) > 0 && want[0].Cause.Offset < row.Cause.Offset:
			p.report.Find(DecisionsRecounted, "there is no row of the decision %s", decisionText(&want[0]))
			want = want[1:]
			continue
		case len(want) == 0 || row.Cause.Offset < want[0].Cause.Offset:
			p.report.Find(DecisionsRecounted, "the log has no decision %s", decisionText(row))
		default:
			if *row != want[0] {
				p.report.Find(DecisionsRecounted, "the table has the decision %s, and the log %s", decisionText(row), decisionText(&want[0]))
			}
			want = want[1:]
		}
		c.pop()
	}
}

func decisionText(d *recount.Decision) string {
	return fmt.Sprintf("%s %s of %q by %q at %s/%d@%d, %s, because %q", d.Verb, d.Badge, d.User, d.By, d.Cause.Topic, d.Cause.Partition, d.Cause.Offset,
		schemas.FormatTime(d.At), shorten(d.Reason))
}
