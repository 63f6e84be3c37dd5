package bench

import (
	"context"
	"fmt"
)

// memoryMeasure is how measureMemory calls itself.
const memoryMeasure = "memory"

// measureMemory drains backlogs of several lengths, backlogs of fewer and more
// users, and one in batches that are as large as they ever get. What is noted
// is the most resident memory of the engine's process.
func measureMemory(ctx context.Context, b *bench, r *Result) error {
	err := b.memoryCurve(ctx, r, "backlog of --events", parts(b.Workload), func(w *Workload) float64 { return float64(w.Events) },
		Curve{Name: "memory-backlog", Title: "Memory by the length of the backlog", X: "events in the backlog"})
	if err != nil {
		return err
	}
	err = b.memoryCurve(ctx, r, "as many users as --events", crowds(b.Workload), func(w *Workload) float64 { return float64(w.Users) },
		Curve{Name: "memory-users", Title: "Memory by the number of users", X: "users"})
	if err != nil {
		return err
	}
	return b.memoryOfLargeBatches(ctx, r)
}

// parts are the first quarter of a workload, its first half, and all of it.
func parts(whole Workload) []Workload {
	var list []Workload
	for _, share := range []int64{4, 2, 1} {
		w := whole
		w.Events = max(1, whole.Events/share)
		w.PlainEvents = min(whole.PlainEvents, w.Events)
		list = append(list, w)
	}
	return list
}

// crowds are as many events of few users, of more, and of as many as there are
// events.
func crowds(w Workload) []Workload {
	var list []Workload
	for _, share := range []int64{1000, 10, 1} {
		w.Users = int(max(2, w.Events/share))
		list = append(list, w)
	}
	return list
}

// memoryCurve drains the workloads one by one and draws their peaks over x.
// The last one's is a figure as well.
func (b *bench) memoryCurve(ctx context.Context, r *Result, figure string, workloads []Workload, x func(*Workload) float64, c Curve) error {
	line := Line{Name: Engine}
	for i, w := range workloads {
		part := *b
		part.Workload = w
		l, err := part.log(ctx)
		if err != nil {
			return err
		}
		const round = 1
		t, err := part.turn(ctx, part.engine(fmt.Sprintf("%s-%d", c.Name, i+1), l.whole, round), round)
		if err != nil {
			return err
		}
		peak, known := b.peak(t.Contender, t.PeakMemory)
		if !known {
			return nil
		}
		line.Points = append(line.Points, [2]float64{x(&w), peak})
	}
	r.memory(figure, line.Points[len(line.Points)-1][1])
	c.Measure, c.Y, c.Lines = memoryMeasure, "peak resident memory of the engine, MiB", []Line{line}
	r.Curves = append(r.Curves, c)
	return nil
}

// peak says what an engine's most memory was, and gives it in MiB. It is not
// known where the system does not tell.
func (b *bench) peak(engine string, memory *int64) (mebibytes float64, known bool) {
	if memory == nil {
		b.say("%s: the system does not tell how much memory a process has", engine)
		return 0, false
	}
	b.say("%s: %s MiB at most", engine, grouped(*memory>>20))
	return float64(*memory) / (1 << 20), true
}

func (r *Result) memory(name string, mebibytes float64) {
	r.add(Figure{Measure: memoryMeasure, Name: name, Value: mebibytes, Unit: "MiB", Lower: true})
}
