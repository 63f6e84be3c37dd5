package pipeline

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/projections"
)

// Status is how far a rebuild is.
type Status struct {
	Generation     int32             `json:"generation"`
	Live           int32             `json:"live"` // the generation that readers see
	State          projections.State `json:"state"`
	CatalogVersion int32             `json:"catalog_version"`
	MaxRate        int               `json:"max_rate"` // records a second; 0 is no limit
	RequestedAt    time.Time         `json:"requested_at"`
	// Base is the base that it begins with, 0 for none; Filling says that it has
	// not got its rows yet.
	Base    int32 `json:"base,omitempty"`
	Filling bool  `json:"filling,omitempty"`
	// Records counts the offsets of all partitions that are folded and committed, of
	// Total. Folded by the live generation is what there is to fold.
	Records int64 `json:"records"`
	Total   int64 `json:"total"`
	// Ahead is how many more are folded and not committed: they are folded again if
	// the process ends.
	Ahead int64 `json:"ahead"`
	// Rate is records a second, lately; 0 if nobody works on it.
	Rate float64 `json:"rate"`
	// SecondsLeft is how long it will take at that rate; nil if nobody knows, as
	// while all is folded and not committed.
	SecondsLeft *float64 `json:"seconds_left"`
	// Worked says that somebody worked on it within the last seconds.
	Worked     bool              `json:"worked"`
	Trouble    string            `json:"trouble,omitempty"`
	Partitions []PartitionStatus `json:"partitions"`
}

// PartitionStatus is how far a rebuild is in one partition.
type PartitionStatus struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Begins    int64  `json:"begins"` // the first offset
	Next      int64  `json:"next"`   // the next to fold
	Live      int64  `json:"live"`   // the live generation's next
}

// Status tells how far the rebuild is that is under way. The error is
// projections.ErrNoneBeside if there is none.
func (r *Rebuilder) Status(ctx context.Context) (*Status, error) {
	g, err := r.store.Beside(ctx)
	if err != nil {
		return nil, err
	}
	_, in, err := r.store.CurrentCatalog(ctx)
	if err != nil {
		return nil, err
	}
	offsets, err := r.store.BesideOffsets(ctx, g.Number)
	if err != nil {
		return nil, err
	}
	standings, err := r.store.Positions(ctx, r.cfg.sources()...)
	if err != nil {
		return nil, err
	}
	live := map[projections.TopicPartition]int64{}
	for _, s := range standings {
		live[s.TopicPartition] = s.Offset
	}
	s := &Status{Generation: g.Number, Live: in.Generation, State: g.State, CatalogVersion: g.CatalogVersion, MaxRate: g.MaxRate, RequestedAt: g.RequestedAt.UTC(),
		Trouble: g.Trouble, Worked: g.Worked, Base: g.Base, Filling: g.Base != 0 && !g.BaseTaken}
	for _, o := range offsets {
		p := PartitionStatus{Topic: o.Topic, Partition: o.Partition, Begins: o.Begins, Next: o.Offset, Live: max(o.Offset, live[o.TopicPartition])}
		s.Partitions = append(s.Partitions, p)
		s.Records += p.Next - p.Begins
		s.Total += p.Live - p.Begins
	}
	if s.Worked {
		s.Rate = g.Rate
		s.Ahead = min(max(0, g.Folded-s.Records), s.Total-s.Records)
	}
	switch left := float64(s.Total - s.Records - s.Ahead); {
	case left == 0 && s.Ahead == 0:
		s.SecondsLeft = new(float64)
	case left > 0 && s.Rate > 0:
		left /= s.Rate
		s.SecondsLeft = &left
	}
	return s, nil
}
