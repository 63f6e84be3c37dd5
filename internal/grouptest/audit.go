package grouptest

import (
	"context"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/oracle"
)

// AuditConfig is an audit of the group at rest.
func (g *Group) AuditConfig() oracle.Config {
	return oracle.Config{
		Brokers: g.Config.Brokers, Postgres: g.Config.Postgres, Redis: g.Config.Redis, Group: g.Config.Group,
		ActivityTopic: g.Config.ActivityTopic, AwardTopic: g.Config.AwardTopic, DeadLetterTopic: g.Config.DeadLetterTopic,
		Settled: true,
	}
}

// Audit has the oracle look, and gives its report.
func (g *Group) Audit(cfg oracle.Config) *oracle.Report {
	g.T.Helper()
	ctx, cancel := context.WithTimeout(g.T.Context(), stacktest.Patience(g.T))
	defer cancel()
	report, err := oracle.Audit(ctx, cfg)
	if err != nil {
		g.T.Fatal(err)
	}
	return report
}

// Verify checks what must hold once everything is drained, whatever happened
// before: all that the oracle looks at.
func (g *Group) Verify() {
	g.T.Helper()
	report := g.Audit(g.AuditConfig())
	if err := report.Err(); err != nil {
		g.T.Errorf("%v\n%s", err, report)
	}
}
