package bench

import (
	"math"
	"strconv"
)

// figureRows list what the measures found, each beside its base.
func (r *Result) figureRows() []row {
	rows := []row{{"measure", "value", "against", "ratio"}}
	measure := ""
	for i := range r.Figures {
		f := &r.Figures[i]
		if f.Measure != measure {
			measure = f.Measure
			rows = append(rows, row{measure})
		}
		rows = append(rows, f.row())
	}
	return rows
}

// rows list a curve's points: what it is drawn over, and then its lines.
func (c *Curve) rows() []row {
	var rows []row
	for i, l := range c.Lines {
		xs, ys := row{"  " + c.X}, row{"  " + l.Name}
		for _, p := range l.Points {
			xs, ys = append(xs, tickLabel(p[0])), append(ys, significant(p[1]))
		}
		if i == 0 {
			rows = append(rows, xs)
		}
		rows = append(rows, ys)
	}
	return rows
}

func (f *Figure) row() row {
	r := row{"  " + f.label(), significant(f.Value), "", ""}
	if ratio, ok := f.ratio(); ok {
		r[2], r[3] = significant(*f.Base), significant(ratio)+" ×"
	}
	return r
}

// label says what a figure is, and what its base.
func (f *Figure) label() string {
	text := f.Name
	if f.With != "" {
		text += " with " + f.With
	}
	text += ", " + f.Unit
	if f.Base != nil {
		text += ", against " + f.Of
	}
	return text
}

// ratio is how many times its base a figure is, if it has one.
func (f *Figure) ratio() (float64, bool) {
	if f.Base == nil || *f.Base == 0 {
		return 0, false
	}
	return f.Value / *f.Base, true
}

// significant writes a number with two or three digits that count, or as a whole one
// if it has more.
func significant(v float64) string {
	switch size := math.Abs(v); {
	case size >= 100:
		return grouped(int64(math.Round(v)))
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case size >= 0.1 || v == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
