package pipeline

import (
	"context"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// checkBroker refuses brokers whose transactions do not fence as the promise
// needs: transaction.version 2, final since Kafka 4.0.
func checkBroker(ctx context.Context, cl *kgo.Client, brokers []string) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "badgestream", "1"
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return errors.Wrapf(err, "Kafka does not answer at %s: start it, or set --brokers", strings.Join(brokers, ","))
	}
	level := int16(0)
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			level = f.MaxVersionLevel
		}
	}
	if level < 2 {
		return errors.Newf("Kafka at %s has transaction.version %d: badgestream needs 2, so Kafka 4.0 or newer; upgrade it, or finalize the feature with kafka-features.sh upgrade --feature transaction.version=2",
			strings.Join(brokers, ","), level)
	}
	return nil
}

// isolated is what every reader of ours needs: records of committed
// transactions, up to the last stable offset.
func (e *engine) isolated() []kgo.Opt { return append(e.cfg.isolated(), e.Kafka...) }

func (c *Config) isolated() []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}
}
