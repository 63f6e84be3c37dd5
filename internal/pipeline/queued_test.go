package pipeline

import (
	"testing"

	"github.com/badgestream/badgestream/processor"
)

// TestNobodyWaitsForATick fills a partition's queue behind a tick: the worker
// still polls for its other partitions.
func TestNobodyWaitsForATick(t *testing.T) {
	t.Parallel()
	ticking := &partition{tick: &processor.Source{}, polled: true, seen: 3, end: 9,
		queue: make([]record, 3), bytes: 600}
	other := &partition{polled: true, seen: 1, end: 1, queue: make([]record, 1), bytes: 201}
	w := &worker{order: []*partition{ticking, other}}
	if n, size := w.queued(); n != 1 || size != 201 {
		t.Errorf("%d records of %d bytes are queued, want 1 of 201", n, size)
	}
	if w.behind() {
		t.Error("the worker waits for records that it does not fetch")
	}
	ticking.tick = nil
	if n, size := w.queued(); n != 4 || size != 801 || !w.behind() {
		t.Errorf("after the tick %d records of %d bytes are queued, want 4 of 801", n, size)
	}
}
