package processor

import "github.com/badgestream/badgestream/internal/catalog"

// unchanged is the outcome of no operation.
func unchanged() Next { return Next{IfAbsent: Absent, IfPresent: Keep} }

// then composes the outcome with one more operation.
func (n Next) then(op catalog.Op, code int32) Next {
	return Next{IfAbsent: step(n.IfAbsent, op, code), IfPresent: step(n.IfPresent, op, code)}
}

// step is what an operation makes of a state. Keep stands for a present row
// whose value is not known yet.
func step(state int32, op catalog.Op, code int32) int32 {
	if state == Dead {
		return Dead
	}
	switch op {
	case catalog.OpSet:
		return code
	case catalog.OpUnset:
		return Absent
	case catalog.OpInsert:
		if state == Absent {
			return code
		}
	case catalog.OpUpdate:
		if state != Absent {
			return code
		}
	case catalog.OpDelete:
		return Dead
	}
	return state
}

// weigh is what a member row in this state adds.
func weigh(w *catalog.Weight, state int32) int64 {
	switch {
	case state <= Absent:
		return 0
	case w.Kind == catalog.WeightValue:
		return int64(state) + w.Offset
	case w.Kind == catalog.WeightEquals && int64(state) != w.Code:
		return 0
	}
	return 1
}

// amount is what an entity row with this state and these sums adds.
func amount(t *catalog.Term, state int32, sums *[catalog.MaxSums]int64) int64 {
	if state == Dead {
		return 0
	}
	switch t.Kind {
	case catalog.TermSum:
		return sums[t.Sum]
	case catalog.TermMean:
		if sums[t.Count] > 0 && roundHalfUp(sums[t.Sum], sums[t.Count], t.Decimals) >= t.AtLeast {
			return 1
		}
		return 0
	}
	if state > Absent {
		return 1
	}
	return 0
}

// roundHalfUp is sum/count × 10^decimals, rounded half up; count is positive.
// Only the rest is multiplied before it is divided, so that large sums fit.
func roundHalfUp(sum, count int64, decimals int) int64 {
	scale := int64(1)
	for range decimals {
		scale *= 10
	}
	whole, rest := sum/count, sum%count
	n, d := 2*rest*scale+count, 2*count
	q := n / d
	if n%d < 0 {
		q--
	}
	return whole*scale + q
}
