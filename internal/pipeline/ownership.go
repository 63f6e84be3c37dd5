package pipeline

import (
	"context"
	"sync"

	"github.com/badgestream/badgestream/projections"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ownership passes the group's decisions from the client's callbacks to the
// worker's loop. Rebalances are blocked from a poll that returned until the
// loop allows them, so the loop takes them over between two batches and never
// within one.
type ownership struct {
	mu      sync.Mutex
	owned   map[projections.TopicPartition]bool
	revoked bool // since the last take
}

func (o *ownership) options() []kgo.Opt {
	return []kgo.Opt{
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { o.change(m, true) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { o.change(m, false) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { o.change(m, false) }),
	}
}

func (o *ownership) change(m map[string][]int32, owned bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.owned == nil {
		o.owned = map[projections.TopicPartition]bool{}
	}
	o.revoked = o.revoked || !owned
	for topic, ids := range m {
		for _, id := range ids {
			p := projections.TopicPartition{Topic: topic, Partition: id}
			if owned {
				o.owned[p] = true
			} else {
				delete(o.owned, p)
			}
		}
	}
}

// take returns what is owned now, and whether anything was taken away since
// the last call, be it to be given back.
func (o *ownership) take() (owned []projections.TopicPartition, revoked bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for p := range o.owned {
		owned = append(owned, p)
	}
	revoked, o.revoked = o.revoked, false
	return owned, revoked
}
