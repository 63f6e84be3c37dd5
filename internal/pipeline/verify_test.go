package pipeline_test

import "github.com/badgestream/badgestream/internal/oracle"

// verify checks what must hold once everything is drained, whatever happened
// before: all that the oracle looks at.
func (c *community) verify() {
	c.t.Helper()
	report, err := oracle.Audit(c.t.Context(), oracle.Config{
		Brokers: c.cfg.Brokers, Postgres: c.cfg.Postgres, Redis: c.cfg.Redis, Group: c.cfg.Group,
		ActivityTopic: c.cfg.ActivityTopic, AwardTopic: c.cfg.AwardTopic, DeadLetterTopic: c.cfg.DeadLetterTopic,
		Settled: true,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		c.t.Errorf("%v\n%s", err, report)
	}
}
