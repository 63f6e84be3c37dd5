package telemetry

import (
	"math"
	"sync/atomic"
	"time"
)

// Times sums up how long things of one kind took, in seconds. The quantiles
// are right within 3 percent, from a tenth of a millisecond up to minutes.
type Times struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	Max   float64 `json:"max"`
}

// Durations are counted by class. Each class is wider than the one before by
// the same factor, so that the error is the same share of any duration.
const (
	classes       = 300
	shortestClass = 100 * time.Microsecond
	classFactor   = 1.05
)

// durations counts durations in a fixed amount of memory.
type durations struct {
	counts  [classes]atomic.Int64
	longest atomic.Int64 // nanoseconds
}

func (d *durations) add(took time.Duration) {
	class := math.Log(float64(took)/float64(shortestClass)) / math.Log(classFactor)
	d.counts[int(min(max(class, 0), classes-1))].Add(1)
	for {
		longest := d.longest.Load()
		if int64(took) <= longest || d.longest.CompareAndSwap(longest, int64(took)) {
			return
		}
	}
}

// times sums up what was added so far.
func (d *durations) times() Times {
	var counts [classes]int64
	t := Times{Max: time.Duration(d.longest.Load()).Seconds()}
	for i := range counts {
		counts[i] = d.counts[i].Load()
		t.Count += counts[i]
	}
	quantile := func(q float64) float64 {
		rank := int64(math.Ceil(q * float64(t.Count)))
		for class, n := range counts {
			if rank -= n; rank <= 0 {
				middle := shortestClass.Seconds() * math.Pow(classFactor, float64(class)+0.5)
				return min(middle, t.Max)
			}
		}
		return t.Max
	}
	if t.Count > 0 {
		t.P50, t.P95 = quantile(0.5), quantile(0.95)
	}
	return t
}

// BatchTimes sums up how long batches took, from the end of the poll to the
// last commit.
func (p *Pipeline) BatchTimes() Times { return p.batches.times() }
