package operatortest

import (
	"context"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
)

// Rebuild makes a rebuild what readers see: by other rules, where there are
// any, and badges that they do not give are kept; else by those that hold, and
// then it must differ in nothing.
func (g *Group) Rebuild(ctx context.Context, rules *catalog.Catalog) {
	g.t.Helper()
	r, err := pipeline.OpenRebuilder(ctx, g.Config, telemetry.Discard().Log)
	check(g.t, err)
	defer r.Close()
	if g.live > 1 {
		_, err = r.Retire(ctx) // the one before
		check(g.t, err)
	}
	g.live, err = r.Start(ctx, pipeline.Request{Catalog: rules})
	check(g.t, err)
	d, err := r.Diff(ctx, 1)
	check(g.t, err)
	if d.Identical != (rules == nil) {
		g.t.Fatalf("the rebuild: %+v", d)
	}
	stop := g.Run(ctx)
	_, err = r.Switch(ctx, false, false)
	stop()
	check(g.t, err)
	if rules != nil {
		g.Catalog = rules
	}
}
