package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
)

// curveRounds is how often each point of a curve is drained: once in the one
// order and once in the other. A point is the mean of the two.
const curveRounds = 2

// dimension is something that the engine's speed is drawn against.
type dimension struct {
	name   string // as it stands in the names of contenders and files
	x      string // the axis
	points []point
}

// point is one size of a dimension, and the engine at it.
type point struct {
	x     int64
	bench *bench
	// members are how many rows the member table holds beforehand.
	members int64
}

// measureCurves drains with more and more of one thing after another.
func measureCurves(ctx context.Context, b *bench, r *Result) (err error) {
	dir, remove, err := temporary()
	if err != nil {
		return err
	}
	defer remove(&err)
	byBadges, err := b.byBadges(dir)
	if err != nil {
		return err
	}
	for _, d := range []dimension{b.byUsers(), byBadges, b.byMembers(), b.byPartitions(), b.byWorkers(), b.byBatch()} {
		turns, err := b.alongside(ctx, &d)
		if err != nil {
			return err
		}
		r.noteOthers("curves", turns)
		r.Curves = append(r.Curves, d.rate(turns), d.cpu(turns))
	}
	return nil
}

// alongside drains at all points of a dimension in turns.
func (b *bench) alongside(ctx context.Context, d *dimension) ([]Turn, error) {
	var entrants []entrant
	for _, p := range d.points {
		l, err := p.bench.log(ctx)
		if err != nil {
			return nil, err
		}
		entrants = append(entrants, func(round int) contender {
			return p.bench.engineAmong(p.members, d.contender(p), l.whole, round)
		})
	}
	return b.alternate(ctx, curveRounds, entrants...)
}

func (d *dimension) contender(p point) string { return fmt.Sprintf("%s-%d", d.name, p.x) }

// rate is the curve of events per second.
func (d *dimension) rate(turns []Turn) Curve {
	line := Line{Name: Engine}
	for _, p := range d.points {
		line.Points = append(line.Points, [2]float64{float64(p.x), summarise(d.contender(p), turns).Rate})
	}
	return Curve{Measure: "curves", Name: d.name + "-rate", Title: "Events per second, by " + d.x, X: d.x, Y: unitRate, Lines: []Line{line}}
}

// cpu is the curve of CPU time per event: of all processes that can be seen,
// and of each.
func (d *dimension) cpu(turns []Turn) Curve {
	lines := []Line{{Name: "all seen"}}
	for _, p := range d.points {
		m := summarise(d.contender(p), turns)
		x := float64(p.x)
		lines[0].Points = append(lines[0].Points, [2]float64{x, all(m.CPU)})
		for process, seconds := range m.CPU {
			if process == m.Contender {
				process = Engine
			}
			at := slices.IndexFunc(lines, func(l Line) bool { return l.Name == process })
			if at < 0 {
				at, lines = len(lines), append(lines, Line{Name: process})
			}
			lines[at].Points = append(lines[at].Points, [2]float64{x, seconds})
		}
	}
	slices.SortFunc(lines[1:], func(a, b Line) int { return strings.Compare(a.Name, b.Name) })
	return Curve{Measure: "curves", Name: d.name + "-cpu", Title: "CPU time of an event, by " + d.x, X: d.x, Y: "µs per event", Lines: lines}
}

// sizes makes a dimension's points of some sizes, ascending, each once.
func sizes(of []int64, at func(int64) point) []point {
	slices.Sort(of)
	var points []point
	for _, x := range slices.Compact(of) {
		p := at(x)
		p.x = x
		points = append(points, p)
	}
	return points
}

func (b *bench) byUsers() dimension {
	users := int64(b.Workload.Users)
	of := []int64{max(2, users/100), max(2, users/10), max(2, users/3), users, 3 * users}
	return dimension{"users", "users", sizes(of, func(n int64) point {
		return point{bench: b.with(func(c *Config) { c.Workload.Users = int(n) })}
	})}
}

func (b *bench) byMembers() dimension {
	of := []int64{0, b.Members / 4, b.Members / 2, b.Members}
	return dimension{"members", "rows in the member table beforehand", sizes(of, func(n int64) point {
		return point{bench: b, members: n}
	})}
}

func (b *bench) byPartitions() dimension {
	return dimension{"partitions", "partitions of the activity topic", sizes([]int64{1, 2, 4, 8}, func(n int64) point {
		return point{bench: b.with(func(c *Config) { c.Workload.Partitions = int(n) })}
	})}
}

// byWorkers has no more of them than partitions: the others would be idle.
func (b *bench) byWorkers() dimension {
	of := slices.DeleteFunc([]int64{1, 2, 3, 4, 6, 8}, func(n int64) bool { return n > int64(b.Workload.Partitions) })
	return dimension{"workers", "workers of one process", sizes(of, func(n int64) point {
		return point{bench: b.with(func(c *Config) { c.Workers = int(n) })}
	})}
}

func (b *bench) byBatch() dimension {
	of := slices.DeleteFunc([]int64{500, 2_000, 8_000, 32_000, 128_000}, func(n int64) bool { return n > max(500, b.Workload.Events) })
	return dimension{"batch", "the most events of a transaction", sizes(of, func(n int64) point {
		return point{bench: b.with(func(c *Config) { c.Batch = int(n) })}
	})}
}

// byBadges begins with the catalogue as it is. The larger ones stand in the
// directory.
func (b *bench) byBadges(dir string) (dimension, error) {
	d := dimension{name: "badges", x: "badges of the catalogue"}
	cat, err := catalog.Load(b.Workload.Catalog)
	if err != nil {
		return d, err
	}
	d.points = []point{{x: int64(len(cat.Badges)), bench: b}}
	for _, n := range []int{100, 1_000, b.Badges} {
		if last := d.points[len(d.points)-1].x; int64(n) <= last {
			continue
		}
		large, err := b.enlarged(cat, dir, n)
		if err != nil {
			return d, err
		}
		d.points = append(d.points, point{x: int64(n), bench: large})
	}
	return d, nil
}
