package pipeline

import (
	"testing"
	"time"
)

// TestPaceOfABusyGroup: what is folded beside holds back as soon as something live
// is folded, and until nothing was for a while; not before it was seen to be.
func TestPaceOfABusyGroup(t *testing.T) {
	p, began := pace{most: bulkBatch}, time.Now()
	for _, tc := range []struct {
		after time.Duration
		live  int64
		busy  bool
	}{
		{0, 7_000, false}, {time.Second, 7_000, false},
		{2 * time.Second, 7_001, true}, {2*time.Second + calm/2, 7_001, true}, {2*time.Second + calm, 7_001, false},
		{10 * time.Second, 9_000, true},
	} {
		p.look(tc.live, began.Add(tc.after))
		if batch, patience := p.batch(), p.patience(); p.busy != tc.busy || (batch == shyBatch) != tc.busy || (patience == 0) != tc.busy || (p.cores() == 1) != tc.busy {
			t.Errorf("after %v, with %d live records folded, it takes %d records, %v of patience and %d cores; busy is %t", tc.after, tc.live, batch, patience, p.cores(), tc.busy)
		}
	}
}
