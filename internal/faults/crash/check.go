package crash

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/internal/pipeline"
)

// settleTime is how long after the last fault snapshots may take to be right
// again, and open transactions to end.
const settleTime = 60 * time.Second

// watchEvery is how often a group is looked at while the engine meets its
// faults.
const watchEvery = 200 * time.Millisecond

func audited(cfg *pipeline.Config) oracle.Config {
	return oracle.Config{
		Brokers: cfg.Brokers, Postgres: cfg.Postgres, Redis: cfg.Redis, Group: cfg.Group,
		ActivityTopic: cfg.ActivityTopic, AwardTopic: cfg.AwardTopic, DeadLetterTopic: cfg.DeadLetterTopic,
		Settled: true, Settle: settleTime,
	}
}

// check has the oracle look at everything.
func check(ctx context.Context, cfg *pipeline.Config) error {
	report, err := oracle.Audit(ctx, audited(cfg))
	if err != nil {
		return err
	}
	return verdict(report)
}

// verdict is an error if a check does not hold.
func verdict(r *oracle.Report) error { return errors.WithDetail(r.Err(), r.String()) }
