package bench

import (
	"math"
	"slices"
	"strconv"
)

// axis maps values to where they stand in a drawing.
type axis struct {
	from, to   float64 // values
	start, end float64 // where they stand
	log        bool
	ticks      []float64
}

// linearAxis goes from 0, or from the least value below it, to a round number.
func linearAxis(values []float64, start, end float64) axis {
	a := axis{from: min(0, slices.Min(values)), to: max(0, slices.Max(values)), start: start, end: end}
	if a.from == a.to {
		a.to = 1
	}
	step := roundStep((a.to - a.from) / 5)
	first, last := math.Floor(a.from/step), math.Ceil(a.to/step)
	for n := first; n <= last; n++ {
		a.ticks = append(a.ticks, n*step)
	}
	a.from, a.to = first*step, last*step
	return a
}

// logAxis goes from the least to the greatest value, which are above 0.
func logAxis(values []float64, start, end float64) axis {
	a := axis{from: slices.Min(values), to: slices.Max(values), start: start, end: end, log: true}
	digits := []float64{1}
	if a.to/a.from <= 1000 {
		digits = []float64{1, 2, 5}
	}
	for power := math.Floor(math.Log10(a.from)); power <= math.Log10(a.to); power++ {
		for _, d := range digits {
			if v := d * math.Pow(10, power); v >= a.from && v <= a.to {
				a.ticks = append(a.ticks, v)
			}
		}
	}
	return a
}

// fittingAxis is logarithmic where the values span a decade.
func fittingAxis(values []float64, start, end float64) axis {
	if least := slices.Min(values); least > 0 && slices.Max(values)/least >= 10 {
		return logAxis(values, start, end)
	}
	return linearAxis(values, start, end)
}

// roundStep is the least of 1, 2 and 5 times a power of ten that is not less.
func roundStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, d := range []float64{1, 2, 5} {
		if d*power >= least {
			return d * power
		}
	}
	return 10 * power
}

// at is where a value stands.
func (a *axis) at(v float64) float64 {
	share := (v - a.from) / (a.to - a.from)
	if a.log {
		share = math.Log(v/a.from) / math.Log(a.to/a.from)
	}
	return a.start + share*(a.end-a.start)
}

// tickLabel writes a tick's value. Ticks are round numbers, but sums of
// fractions are not quite.
func tickLabel(v float64) string {
	if v == math.Trunc(v) {
		return grouped(int64(v))
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
