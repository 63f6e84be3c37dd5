package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// element is one of an SVG's, with the text that stands in it.
type element struct {
	name       string
	attributes map[string]string
	text       string
}

// elements reads a document to its end, so that it is known to be well-formed.
func elements(t *testing.T, svg string) []element {
	t.Helper()
	var all []element
	var open []int
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attributes: map[string]string{}}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			open, all = append(open, len(all)), append(all, e)
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(token)
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func decades() *Curve {
	return &Curve{
		Name: "users-cpu", Title: `CPU <time> & "more"`, X: "users", Y: "µs per event",
		Lines: []Line{
			{Name: "all", Points: [][2]float64{{100, 40}, {1_000, 30}, {10_000, 20}}},
			{Name: "a < b", Points: [][2]float64{{100, 10}, {1_000, 10}, {10_000, 20}}},
		},
	}
}

func TestSVGHasAllPoints(t *testing.T) {
	c := decades()
	all := elements(t, c.SVG())
	var circles []element
	texts := map[string]int{}
	for _, e := range all {
		switch e.name {
		case "circle":
			circles = append(circles, e)
		case "text":
			texts[e.text]++
		case "polyline":
			if n := len(strings.Fields(e.attributes["points"])); n != 3 {
				t.Errorf("a line has %d points, want 3", n)
			}
		}
	}
	if len(circles) != 6 {
		t.Fatalf("there are %d points, want 6", len(circles))
	}
	for _, want := range []string{c.Title, "users (logarithmic)", c.Y, "all", "a < b", "100", "1,000", "10,000"} {
		if texts[want] != 1 {
			t.Errorf("%q stands there %d times", want, texts[want])
		}
	}
	x, y := make([]float64, 6), make([]float64, 6)
	for i, e := range circles {
		x[i], y[i] = number(t, e.attributes["cx"]), number(t, e.attributes["cy"])
		if x[i] < frameLeft || x[i] > frameRight || y[i] < frameTop || y[i] > frameBottom {
			t.Errorf("the point %g, %g lies outside of the frame", x[i], y[i])
		}
	}
	// Each decade is as wide as the next; more stands higher, and twice as much
	// is twice as far from the bottom.
	if first, second := x[1]-x[0], x[2]-x[1]; first <= 0 || first-second > 0.11 || second-first > 0.11 {
		t.Errorf("the decades are %g and %g wide", first, second)
	}
	if low, high := frameBottom-y[2], frameBottom-y[0]; low <= 0 || high-2*low > 0.21 || 2*low-high > 0.21 {
		t.Errorf("20 stands %g above the bottom, and 40 %g", low, high)
	}
	if y[2] != y[5] || x[2] != x[5] {
		t.Errorf("the same point stands at %g, %g and %g, %g", x[2], y[2], x[5], y[5])
	}
}

func TestSVGIsLinearBelowADecade(t *testing.T) {
	for name, xs := range map[string][3]float64{"few partitions": {1, 2, 4}, "from nothing": {0, 500_000, 1_000_000}} {
		c := Curve{X: "x", Lines: []Line{{Name: "one", Points: [][2]float64{{xs[0], 1}, {xs[1], 0}, {xs[2], 0.5}}}}}
		svg := c.SVG()
		if strings.Contains(svg, "logarithmic") || strings.Contains(svg, "legend\"") {
			t.Errorf("%s: the axis is said to be logarithmic, or one line has a legend", name)
		}
		var x []float64
		for _, e := range elements(t, svg) {
			if e.name == "circle" {
				x = append(x, number(t, e.attributes["cx"]))
			}
		}
		want := (xs[1] - xs[0]) / (xs[2] - xs[0])
		if got := (x[1] - x[0]) / (x[2] - x[0]); got < want-0.01 || got > want+0.01 {
			t.Errorf("%s: the second point stands at %g of the way, want %g", name, got, want)
		}
	}
}

func TestSVGOfOddValues(t *testing.T) {
	for name, points := range map[string][][2]float64{
		"no points": nil, "one point": {{5, 3}}, "all zero": {{0, 0}, {0, 0}}, "below zero": {{-1, -5}, {1, 5}}, "tiny": {{1, 1e-9}, {2, 2e-9}},
	} {
		c := Curve{Lines: []Line{{Points: points}}}
		svg := c.SVG()
		elements(t, svg)
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: a number is none in\n%s", name, svg)
		}
	}
}

func TestCurvesAreWritten(t *testing.T) {
	dir := t.TempDir()
	r := Result{Curves: []Curve{*decades(), {Name: "users-rate"}}}
	if err := r.WriteCurves(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "users-cpu.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != decades().SVG() {
		t.Error("the same curve is drawn differently")
	}
	if _, err := os.Stat(filepath.Join(dir, "users-rate.svg")); err != nil {
		t.Error(err)
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   []float64
	}{
		{[]float64{3, 47}, []float64{0, 10, 20, 30, 40, 50}},
		{[]float64{60_000}, []float64{0, 20_000, 40_000, 60_000}},
		{[]float64{0.9}, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
	} {
		a := linearAxis(c.values, 0, 1)
		if len(a.ticks) != len(c.want) {
			t.Errorf("ticks of %v are %v, want %v", c.values, a.ticks, c.want)
			continue
		}
		for i := range c.want {
			if d := a.ticks[i] - c.want[i]; d > 1e-9 || d < -1e-9 {
				t.Errorf("ticks of %v are %v, want %v", c.values, a.ticks, c.want)
			}
		}
	}
	if got := tickLabel(3 * 0.2); got != "0.6" {
		t.Errorf("0.6 is written %s", got)
	}
}
