package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A small plotter: what the figures need, as SVG that browsers and GitHub show in light and dark.

const (
	plotWidth, plotHeight = 640, 320
	plotLeft, plotRight   = 60, 620
	plotTop, plotBottom   = 50, 265
	gridLines             = 5
)

// series is one line of a plot, or one colour of bars.
type series struct {
	name   string
	values []float64 // one per label, NaN where there is none
}

// plot has a place on the x axis for each label.
type plot struct {
	title, x, y string
	labels      []string
	series      []series
	bars        bool
}

func colour(i int) string {
	return []string{"#2563a8", "#c2571a", "#7a7a7a", "#2f7d4f"}[i%4]
}

// step is a round distance of grid lines for values up to most.
func step(most float64) float64 {
	if !(most > 0) {
		return 1
	}
	rough := most / gridLines
	base := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, times := range []float64{1, 2, 5} {
		if rough <= times*base {
			return times * base
		}
	}
	return 10 * base
}

func (p plot) svg() string {
	var out strings.Builder
	text := func(x, y float64, anchor, s string) {
		fmt.Fprintf(&out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, html.EscapeString(s))
	}
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "+
		"font-size=\"12\" fill=\"#222\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", plotWidth, plotHeight)
	text(plotWidth/2, 20, "middle", p.title)
	text(plotLeft, 40, "start", p.y)
	text((plotLeft+plotRight)/2, plotBottom+34, "middle", p.x)
	most := 0.0
	for _, s := range p.series {
		for _, v := range s.values {
			if v > most {
				most = v
			}
		}
	}
	distance := step(most)
	top := math.Max(1, math.Ceil(most/distance)) * distance
	height := func(v float64) float64 { return plotBottom - v/top*(plotBottom-plotTop) }
	for v := 0.0; v <= top*1.001; v += distance {
		fmt.Fprintf(&out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", plotLeft, plotRight,
			height(v), height(v))
		text(plotLeft-6, height(v)+4, "end", number(v))
	}
	place := float64(plotRight-plotLeft) / float64(max(1, len(p.labels)))
	for i, label := range p.labels {
		text(plotLeft+(float64(i)+0.5)*place, plotBottom+16, "middle", label)
	}
	for i, s := range p.series {
		if p.bars {
			p.drawBars(&out, i, s, place, height)
		} else {
			p.drawLine(&out, i, s, place, height)
		}
		x := float64(plotLeft + 150*i)
		fmt.Fprintf(&out, "<rect x=\"%.1f\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x, plotHeight-16, colour(i))
		text(x+15, plotHeight-7, "start", s.name)
	}
	out.WriteString("</svg>\n")
	return out.String()
}

func (p plot) drawBars(out *strings.Builder, nth int, s series, place float64, height func(float64) float64) {
	width := place * 0.7 / float64(len(p.series))
	for i, v := range s.values {
		if math.IsNaN(v) {
			continue
		}
		x := plotLeft + (float64(i)+0.15)*place + float64(nth)*width
		fmt.Fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, height(v),
			width-2, plotBottom-height(v), colour(nth))
		fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x+width/2, height(v)-4, number(v))
	}
}

func (p plot) drawLine(out *strings.Builder, nth int, s series, place float64, height func(float64) float64) {
	var path []string
	for i, v := range s.values {
		if math.IsNaN(v) {
			continue
		}
		x, y := plotLeft+(float64(i)+0.5)*place, height(v)
		path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
		fmt.Fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, colour(nth))
		fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x, y-8, number(v))
	}
	fmt.Fprintf(out, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", strings.Join(path, " "),
		colour(nth))
}
