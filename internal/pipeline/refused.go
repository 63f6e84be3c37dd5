package pipeline

import (
	"context"
	"slices"

	"github.com/badgestream/badgestream/projections"
)

// refusals tells which records of a stretch of a partition a generation has
// rejected, by their offsets, ascending: of those that are committed.
//
// A redriven record names the rejected one that it stands for. Other rules, or
// another program, may have taken that one: then it counts where it stands, and
// the redriven one is its duplicate, however far behind it is.
type refusals func(ctx context.Context, p projections.TopicPartition, from, to int64) ([]int64, error)

// refusals are those of the generation that this process takes for live.
func (e *engine) refusals(ctx context.Context, p projections.TopicPartition, from, to int64) ([]int64, error) {
	e.mu.Lock()
	generation := e.installed.Generation
	e.mu.Unlock()
	return e.Store.Refused(ctx, generation, p, from, to)
}

// refuse remembers a record that is rejected until Postgres has it.
func (p *partition) refuse(offset int64) {
	if n := len(p.unstored); n == 0 || p.unstored[n-1] < offset {
		p.unstored = append(p.unstored, offset)
	}
}

// stored forgets what Postgres has by now: what was rejected below an offset.
func (p *partition) stored(below int64) {
	n, _ := slices.BinarySearch(p.unstored, below)
	p.unstored = slices.Delete(p.unstored, 0, n)
}

// refuses reports whether a record before the one at hand was rejected.
func (p *partition) refuses(ctx context.Context, committed refusals, offset int64) (bool, error) {
	if _, refused := slices.BinarySearch(p.unstored, offset); refused {
		return true, nil
	}
	list, err := committed(ctx, p.TopicPartition, offset, offset+1)
	return len(list) > 0, err
}

// wasRejected reports whether a record ahead was rejected when it was folded.
func (p *partition) wasRejected(offset int64) bool {
	_, was := slices.BinarySearch(p.rejected, offset)
	return was
}
