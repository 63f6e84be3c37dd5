package pipeline

import (
	"sync"
	"time"
)

// room shares out among the workers of a process what their batches may hold
// together: by how far each is behind. Those who are at each other's rows take
// turns, so that the larger batch gets on faster, and all reach the end of a
// backlog at about the same time. On two cores, a worker that is left alone uses
// little more than one of them: a Zipf drain of a million events, whose partitions
// are not equally long, took 21.3 s with equal batches and 19.3 s with these.
type room struct {
	mu     sync.Mutex
	behind map[int32]int64 // records, by slot
	// each is the batch of a worker that gets an equal part, and most what that
	// may become.
	each, most int
}

func newRoom(workers int) *room {
	return &room{behind: map[int32]int64{}, each: firstBatch, most: max(firstBatch, maxBatch/fullShares(workers))}
}

// fullShares is into how many parts what a full worker has is cut, for so many
// workers.
func fullShares(workers int) int { return max(1, (workers+fullWorkers-1)/fullWorkers) }

const (
	// The least and the most of an equal part that a worker gets. The most is
	// bounded by memory: what a worker's buffers have grown to stays.
	leastShare = 0.5
	mostShare  = 1.25
	// A batch that took longer than longBatch was too large, and one that took
	// less than shortBatch may be larger. Others may wait for its locks as long.
	longBatch  = 4 * time.Second
	shortBatch = 2500 * time.Millisecond
	goodBatch  = 3 * time.Second
)

// limit notes how many records a worker is behind and how long its last batch
// took, and returns how many records its next one may hold.
func (r *room) limit(slot int32, behind int64, took time.Duration) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case took > longBatch:
		r.each = max(minBatch, int(float64(r.each)*goodBatch.Seconds()/took.Seconds()))
	case took < shortBatch:
		r.each = min(r.most, 2*r.each)
	}
	r.behind[slot] = behind
	var all int64
	for _, n := range r.behind {
		all += n
	}
	share := 1.0
	if all > 0 {
		share = float64(behind) * float64(len(r.behind)) / float64(all)
	}
	return int(float64(r.each) * min(mostShare, max(leastShare, share)))
}

// leave forgets a worker that is not behind any more.
func (r *room) leave(slot int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.behind, slot)
}
