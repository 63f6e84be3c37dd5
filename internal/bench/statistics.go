package bench

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// median is the middle value, or the mean of the two that stand there. There
// is at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// quantile is the smallest value that at least the share q of all values does
// not exceed (nearest rank). The values are sorted, and there is at least one.
func quantile(sorted []float64, q float64) float64 {
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(0, rank-1)]
}

// NewSpread sums up times; nil if there are none.
func NewSpread(seconds []float64) *Spread {
	if len(seconds) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(seconds))
	return &Spread{
		Count: int64(len(sorted)), P50: quantile(sorted, 0.5), P95: quantile(sorted, 0.95), Max: sorted[len(sorted)-1],
	}
}

// summarise gives a contender's medians over its turns.
func summarise(contender string, turns []Turn) Median {
	turns = slices.DeleteFunc(slices.Clone(turns), func(r Turn) bool { return r.Contender != contender })
	rates := collect(turns, func(r Turn) *float64 { return &r.Rate })
	m := Median{
		Contender: contender,
		Figures: Figures{
			Rate:       median(rates),
			CPU:        map[string]float64{},
			OtherCores: medianOf(turns, func(r Turn) *float64 { return r.OtherCores }),
		},
		RateMin: slices.Min(rates),
		RateMax: slices.Max(rates),
	}
	for process := range maps.Keys(turns[0].CPU) {
		times := medianOf(turns, func(r Turn) *float64 {
			seconds, known := r.CPU[process]
			if !known {
				return nil
			}
			return &seconds
		})
		if times != nil {
			m.CPU[process] = *times
		}
	}
	// Of memory the most counts: it is a bound.
	peak := slices.MaxFunc(turns, func(a, b Turn) int { return cmp.Compare(orZero(a.PeakMemory), orZero(b.PeakMemory)) })
	m.PeakMemory = peak.PeakMemory
	m.Batches = medianSpread(turns)
	return m
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// medianSpread gives the medians of the rounds' quantiles, and the longest of
// all batches.
func medianSpread(turns []Turn) *Spread {
	part := func(of func(*Spread) float64) []float64 {
		return collect(turns, func(r Turn) *float64 {
			if r.Batches == nil {
				return nil
			}
			v := of(r.Batches)
			return &v
		})
	}
	counts := part(func(s *Spread) float64 { return float64(s.Count) })
	if len(counts) == 0 {
		return nil
	}
	return &Spread{
		Count: int64(median(counts)),
		P50:   median(part(func(s *Spread) float64 { return s.P50 })),
		P95:   median(part(func(s *Spread) float64 { return s.P95 })),
		Max:   slices.Max(part(func(s *Spread) float64 { return s.Max })),
	}
}

// medianOf is the median of a figure over the turns that know it, nil if none
// does.
func medianOf(turns []Turn, of func(Turn) *float64) *float64 {
	known := collect(turns, of)
	if len(known) == 0 {
		return nil
	}
	m := median(known)
	return &m
}

func collect(turns []Turn, of func(Turn) *float64) []float64 {
	var values []float64
	for _, r := range turns {
		if v := of(r); v != nil {
			values = append(values, *v)
		}
	}
	return values
}
