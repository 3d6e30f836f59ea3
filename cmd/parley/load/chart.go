package load

import (
	"fmt"
	"math"
	"strings"
)

// The charts' coordinates, in units of their SVG view box, which is about what they measure on a phone.
const (
	chartWidth, chartHeight = 400.0, 200.0
	chartLeft, chartRight   = 46.0, 392.0
	chartTop, chartBottom   = 12.0, 172.0
	maxPoints               = 300 // drawn in a line
)

// chart is an x-y plot, ready to be drawn.
type chart struct {
	Title, Note    string
	Width, Height  float64
	Left, Right    float64
	Top, Bottom    float64
	XTicks, YTicks []tick
	Shade          *span // the measured window
	Lines          []line
	Dots           []dot
	Rule           *rule // a limit
	Legend         []line
}

type tick struct {
	At     float64
	Label  string
	Anchor string // text-anchor
}

type span struct{ From, Width float64 }

type line struct {
	Class, Name string
	Path, Area  string
}

type dot struct {
	X, Y  float64
	Class string
	Title string
}

type rule struct {
	Y     float64
	Label string
}

// series is a line to be drawn.
type series struct {
	class, name string
	xs, ys      []float64
}

// plot makes a chart of series over the same axes. The y axis begins at 0 and reaches at least to least.
func plot(title, note, xUnit string, least float64, all ...series) *chart {
	c := &chart{
		Title: title, Note: note, Width: chartWidth, Height: chartHeight,
		Left: chartLeft, Right: chartRight, Top: chartTop, Bottom: chartBottom,
	}
	fromX, toX, toY := math.Inf(1), math.Inf(-1), least
	for _, s := range all {
		for i := range s.xs {
			fromX, toX, toY = min(fromX, s.xs[i]), max(toX, s.xs[i]), max(toY, s.ys[i])
		}
	}
	if toX <= fromX {
		fromX, toX = 0, max(1, toX)
	}
	yStep := niceStep(toY, 4)
	toY = yStep * math.Ceil(toY/yStep)
	x := func(v float64) float64 { return chartLeft + (v-fromX)/(toX-fromX)*(chartRight-chartLeft) }
	y := func(v float64) float64 { return chartBottom - v/toY*(chartBottom-chartTop) }
	for v := 0.0; v <= toY*1.001; v += yStep {
		c.YTicks = append(c.YTicks, tick{y(v), shortNumber(v), "end"})
	}
	xStep := niceStep(toX-fromX, 5)
	for v := math.Ceil(fromX/xStep) * xStep; v <= toX*1.001; v += xStep {
		c.XTicks = append(c.XTicks, tick{x(v), shortNumber(v), "middle"})
	}
	if n := len(c.XTicks); n > 0 {
		last := &c.XTicks[n-1]
		if last.Label += xUnit; last.At > chartRight-2*chartRight/100*float64(len(last.Label)) {
			last.At, last.Anchor = chartWidth, "end"
		}
	}
	for _, s := range all {
		drawn := s.thin(maxPoints)
		var path strings.Builder
		for i := range drawn.xs {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x(drawn.xs[i]), y(drawn.ys[i]))
		}
		l := line{Class: s.class, Name: s.name, Path: path.String()}
		if n := len(drawn.xs); n > 0 {
			l.Area = fmt.Sprintf("%sL%.1f %.1fL%.1f %.1fZ", l.Path, x(drawn.xs[n-1]), chartBottom, x(drawn.xs[0]), chartBottom)
		}
		c.Lines = append(c.Lines, l)
	}
	if len(all) > 1 {
		c.Legend = c.Lines
	}
	return c
}

// between shades a span of the x axis, given the axis' own ends.
func (c *chart) between(from, to, first, last float64) *chart {
	if last > first && to > from {
		scale := (chartRight - chartLeft) / (last - first)
		left := max(chartLeft, chartLeft+(from-first)*scale)
		c.Shade = &span{left, max(0, min(chartRight, chartLeft+(to-first)*scale)-left)}
	}
	return c
}

// thin leaves at most so many points: of each group that falls on one, the greatest value, which is what matters.
func (s series) thin(most int) series {
	if len(s.xs) <= most {
		return s
	}
	thinned := series{class: s.class, name: s.name}
	for i := range most {
		from, to := i*len(s.xs)/most, (i+1)*len(s.xs)/most
		top := from
		for j := from; j < to; j++ {
			if s.ys[j] > s.ys[top] {
				top = j
			}
		}
		thinned.xs, thinned.ys = append(thinned.xs, s.xs[top]), append(thinned.ys, s.ys[top])
	}
	return thinned
}

// niceStep is 1, 2 or 5 times a power of ten, so that about count of them make up the length.
func niceStep(length, count float64) float64 {
	if length <= 0 || math.IsInf(length, 0) || math.IsNaN(length) {
		return 1
	}
	raw := length / count
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 5} {
		if power*factor >= raw {
			return power * factor
		}
	}
	return power * 10
}

// shortNumber writes an axis' number.
func shortNumber(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return fmt.Sprintf("%gM", round(v/1e6))
	case a >= 1e4:
		return fmt.Sprintf("%gk", round(v/1e3))
	}
	return fmt.Sprintf("%g", round(v))
}

func round(v float64) float64 { return math.Round(v*1000) / 1000 }

// PlotHeight, LabelX and LabelY are for the template.
func (c *chart) PlotHeight() float64 { return c.Bottom - c.Top }

// LabelX is where the labels of the y axis end.
func (c *chart) LabelX() float64 { return c.Left - 6 }

// LabelY is the base line of the labels of the x axis.
func (c *chart) LabelY() float64 { return c.Bottom + 17 }
