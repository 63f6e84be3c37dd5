package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
)

// asked is a community of ten records that was asked for a rebuild, which nobody
// works on.
func asked(t *testing.T) (c *community, r *pipeline.Rebuilder, generation int32) {
	t.Helper()
	c = found(t, stacktest.Embedded(t), grouptest.Catalog(t, "starview"), 2)
	c.Produce(visits(10, "u1")...)
	c.Drain()
	r = c.rebuilder(t.Context())
	generation, err := r.Start(t.Context(), pipeline.Request{})
	c.do("start a rebuild", err)
	return c, r, generation
}

// TestStatusOfWhatIsNotCommitted: what is folded and not committed counts for how
// long it will take, and not as done; no more of it is told than there is.
func TestStatusOfWhatIsNotCommitted(t *testing.T) {
	t.Parallel()
	c, r, started := asked(t)
	ctx, store := t.Context(), c.store(t.Context())
	for _, tc := range []struct{ folded, ahead, left int64 }{{0, 0, 5}, {4, 4, 3}, {10, 10, 0}, {11, 10, 0}} {
		c.do("note how far it is", store.ReportRate(ctx, started, 2, tc.folded))
		s, err := r.Status(ctx)
		c.do("ask how far the rebuild is", err)
		if s.Records != 0 || s.Total != 10 || s.Ahead != tc.ahead {
			t.Errorf("%d of 10 records are folded and none committed: %+v", tc.folded, s)
		}
		if known := s.SecondsLeft != nil; known != (tc.left > 0) || known && *s.SecondsLeft != float64(tc.left) {
			t.Errorf("%d of 10 records are folded at 2 a second, and %v seconds are left; want %d", tc.folded, s.SecondsLeft, tc.left)
		}
	}
}

// TestStatusOfRowsWrittenTwice: who asks how far a rebuild is reads that its rows
// are wrong, which row is, and what to do.
func TestStatusOfRowsWrittenTwice(t *testing.T) {
	t.Parallel()
	c, r, number := asked(t)
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, c.Config.Postgres)
	c.do("connect", err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `INSERT INTO `+pgx.Identifier{fmt.Sprintf("%s_g%d", c.Config.Group, number), "member"}.Sanitize()+` VALUES (7, 9, 0, 1, 0), (7, 9, 0, 1, 0)`)
	c.do("write a row twice", err)
	c.Engine(ctx, 1, 100)
	var s *pipeline.Status
	c.Until(ctx, "the rebuild is in trouble", func() bool {
		s, err = r.Status(ctx)
		c.do("ask how far the rebuild is", err)
		return s.Trouble != ""
	})
	if s.State != projections.Building || !strings.Contains(s.Trouble, "(user_key, row_key)=(7, 9)") || !strings.Contains(s.Trouble, "rebuild cancel") {
		t.Errorf("a row was written twice, and the status is %+v", s)
	}
	_, err = r.Cancel(ctx)
	c.do("give it up", err)
}
