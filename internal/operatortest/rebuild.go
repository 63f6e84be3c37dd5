package operatortest

import (
	"context"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/telemetry"
)

// Rebuild makes a rebuild by the rules that hold what readers see. It wants the
// rebuild to differ in nothing.
func (g *Group) Rebuild(ctx context.Context) {
	g.t.Helper()
	r, err := pipeline.OpenRebuilder(ctx, g.Config, telemetry.Discard().Log)
	check(g.t, err)
	defer r.Close()
	_, err = r.Start(ctx, nil, 0)
	check(g.t, err)
	d, err := r.Diff(ctx, 1)
	check(g.t, err)
	if !d.Identical {
		g.t.Fatalf("the rebuild: %+v", d)
	}
	stop := g.Run(ctx)
	defer stop()
	_, err = r.Switch(ctx, false, false)
	check(g.t, err)
}
