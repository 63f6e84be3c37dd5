package bench

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/errors"
)

// WriteCurves draws each curve to a file of its own in a directory, which
// exists.
func (r *Result) WriteCurves(dir string) error {
	for i := range r.Curves {
		c := &r.Curves[i]
		path := filepath.Join(dir, c.Name+".svg")
		if err := os.WriteFile(path, []byte(c.SVG()), 0o644); err != nil {
			return errors.Wrapf(err, "draw the curve %s", c.Name)
		}
	}
	return nil
}

// The drawing's size and its frame, in pixels; the legend stands below the
// title.
const (
	svgWidth, svgHeight    = 720, 420
	frameLeft, frameRight  = 90, 670
	frameTop, frameBottom  = 80, 350
	titleBase, legendBase  = 28, 56
	legendStep, legendMark = 130, 18
)

// svgStyle has the colours for light and for dark pages: those of the lines can
// be told apart by people who see few colours.
const svgStyle = `
.page{fill:#ffffff}.text{fill:#24292f;font:13px system-ui,sans-serif}.title{font-size:16px;font-weight:600}
.grid{stroke:#d0d7de;stroke-width:1}.frame{stroke:#57606a;stroke-width:1}
.line{fill:none;stroke-width:2}
.s0{stroke:#0072b2}.s1{stroke:#d55e00}.s2{stroke:#009e73}.s3{stroke:#cc79a7}.s4{stroke:#8a6d00}
circle.s0{fill:#0072b2}circle.s1{fill:#d55e00}circle.s2{fill:#009e73}circle.s3{fill:#cc79a7}circle.s4{fill:#8a6d00}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117}.text{fill:#e6edf3}.grid{stroke:#30363d}.frame{stroke:#8b949e}
.s0{stroke:#56b4e9}.s1{stroke:#ff9e4a}.s2{stroke:#2fd3a5}.s3{stroke:#e6a3c8}.s4{stroke:#e3c74f}
circle.s0{fill:#56b4e9}circle.s1{fill:#ff9e4a}circle.s2{fill:#2fd3a5}circle.s3{fill:#e6a3c8}circle.s4{fill:#e3c74f}
}
`

// svgColours is how many lines have a colour of their own.
const svgColours = 5

// SVG draws the curve. The same curve gives the same bytes.
func (c *Curve) SVG() string {
	var xs, ys []float64
	for _, l := range c.Lines {
		for _, p := range l.Points {
			xs, ys = append(xs, p[0]), append(ys, p[1])
		}
	}
	var d drawing
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`,
		svgWidth, svgHeight, svgWidth, svgHeight, escape(c.Title))
	d.add(`<style>%s</style>`, svgStyle)
	d.add(`<rect class="page" width="%d" height="%d"/>`, svgWidth, svgHeight)
	d.text(frameLeft, titleBase, "start", "title", c.Title)
	if len(xs) > 0 {
		x, y := fittingAxis(xs, frameLeft, frameRight), linearAxis(ys, frameBottom, frameTop)
		d.axes(c, &x, &y)
		d.lines(c.Lines, &x, &y)
	}
	d.add(`</svg>`)
	return d.String()
}

// drawing is an SVG document in the making.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.Builder, format+"\n", args...) }

func (d *drawing) text(x, y float64, anchor, class, text string) {
	d.add(`<text class="text %s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x, y, anchor, escape(text))
}

func (d *drawing) axes(c *Curve, x, y *axis) {
	for _, v := range y.ticks {
		d.add(`<path class="grid" d="M%d %.1fH%d"/>`, frameLeft, y.at(v), frameRight)
		d.text(frameLeft-8, y.at(v)+4, "end", "tick", tickLabel(v))
	}
	for _, v := range x.ticks {
		d.add(`<path class="grid" d="M%.1f %dV%d"/>`, x.at(v), frameTop, frameBottom)
		d.text(x.at(v), frameBottom+20, "middle", "tick", tickLabel(v))
	}
	d.add(`<path class="frame" fill="none" d="M%d %dV%dH%d"/>`, frameLeft, frameTop, frameBottom, frameRight)
	scale := ""
	if x.log {
		scale = " (logarithmic)"
	}
	d.text((frameLeft+frameRight)/2, svgHeight-18, "middle", "label", c.X+scale)
	middle := float64(frameTop+frameBottom) / 2
	d.add(`<text class="text label" transform="translate(20 %.1f) rotate(-90)" text-anchor="middle">%s</text>`, middle, escape(c.Y))
}

// lines draws the lines, and the legend if there is more than one.
func (d *drawing) lines(lines []Line, x, y *axis) {
	for i, l := range lines {
		class := fmt.Sprintf("s%d", i%svgColours)
		var path []string
		for _, p := range l.Points {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x.at(p[0]), y.at(p[1])))
		}
		d.add(`<polyline class="line %s" points="%s"/>`, class, strings.Join(path, " "))
		for _, p := range l.Points {
			d.add(`<circle class="%s" cx="%.1f" cy="%.1f" r="3.5"><title>%s</title></circle>`, class, x.at(p[0]), y.at(p[1]),
				escape(fmt.Sprintf("%s: %s at %s", l.Name, significant(p[1]), tickLabel(p[0]))))
		}
		if len(lines) > 1 {
			left := float64(frameLeft + i*legendStep)
			d.add(`<path class="line %s" d="M%.1f %dh%d"/>`, class, left, legendBase-4, legendMark)
			d.text(left+legendMark+6, legendBase, "start", "legend", l.Name)
		}
	}
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}
