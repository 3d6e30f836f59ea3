package main

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"parley/sfu/congestion/sim"
)

// Three panels over one axis of time: rates, the queue, and the layers of each camera.
const (
	width       = 760
	left, right = 64, 744
	ratesTop    = 58
	ratesBottom = 248
	queueTop    = 276
	queueBottom = 336
	layersTop   = 352
	layerHeight = 13
	layerApart  = 17
	black, grey = "#222", "#8a8a8a"
)

// line is something drawn over time, at most one point for each pixel.
type line struct {
	name, colour string
	thick        float64
	dashed       bool
	at           func(from, to time.Duration) float64
}

// chart draws what happened in one scenario.
type chart struct {
	strings.Builder
	result *sim.Result
	span   sim.Span
}

// colours are those of estimate and sent rate, of each subscriber.
func colours(sub int) (estimate, sent string) {
	return []string{"#2563a8", "#2f7d4f"}[sub%2], []string{"#e08a4a", "#b98ac9"}[sub%2]
}

// rungColour is paler for less; -1 is paused.
func rungColour(rung int) string {
	if rung < 0 {
		return "#f6d5d0"
	}
	return [...]string{"#cfe0f1", "#a3c5e6", "#6aa2d6", "#3f7fbf", "#225a97", "#0b2f5e"}[rung]
}

func draw(c sim.Case, result *sim.Result) string {
	d := &chart{result: result, span: c.Chart}
	rows := 3 * len(result.Subscribers)
	bottom := layersTop + rows*layerApart
	fmt.Fprintf(d, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "+
		"font-size=\"11\" fill=\"%s\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", width, bottom+44, black)
	fmt.Fprintf(d, "<text x=\"%d\" y=\"20\" font-size=\"14\" font-weight=\"bold\">%s. %s</text>\n", left, c.Name(),
		html.EscapeString(c.Title))
	d.rates()
	d.queues(c)
	for sub := range result.Subscribers {
		d.layers(sub)
	}
	d.time(bottom)
	d.WriteString("</svg>\n")
	return d.String()
}

func (d *chart) text(x, y float64, anchor, s string) {
	fmt.Fprintf(d, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
		html.EscapeString(s))
}

func (d *chart) x(at time.Duration) float64 {
	return left + (right-left)*(at-d.span.From).Seconds()/(d.span.To-d.span.From).Seconds()
}

// pixels calls f for each stretch of time that is worth a point.
func (d *chart) pixels(f func(x float64, from, to time.Duration)) {
	step := max((d.span.To-d.span.From)/(right-left), sim.SampleEvery)
	for at := d.span.From; at < d.span.To; at += step {
		f(d.x(at+step/2), at, at+step)
	}
}

// scale draws an axis with grid lines and returns where a value lies.
func (d *chart) scale(top, bottom, most float64, unit string) func(float64) float64 {
	rough := most / 5
	distance := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, times := range []float64{2, 2.5, 2} { // 2, 5, 10 times the power of ten
		if distance < rough {
			distance *= times
		}
	}
	y := func(v float64) float64 { return bottom - min(v, most)/most*(bottom-top) }
	for v := 0.0; v <= most*1.0001; v += distance {
		fmt.Fprintf(d, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e4e4e4\"/>\n", left, right, y(v), y(v))
		d.text(left-6, y(v)+4, "end", fmt.Sprint(math.Round(1000*v)/1000))
	}
	d.text(left-6, top-8, "end", unit)
	return y
}

func (d *chart) rates() {
	s := &d.result.Scenario
	lines := []line{{"capacity", black, 1.5, false, func(from, _ time.Duration) float64 {
		return float64(s.CapacityAt(from)) / 1e6
	}}}
	if s.Cross.Rate > 0 {
		lines = append(lines, line{"left by cross traffic", grey, 1.5, true, func(from, _ time.Duration) float64 {
			if from >= s.Cross.From && from < s.Cross.To {
				return float64(s.CapacityAt(from)-s.Cross.Rate) / 1e6
			}
			return math.NaN()
		}})
	}
	most := 0.0
	for sub := range d.result.Subscribers {
		lines = append(lines, d.own(sub)...)
	}
	for _, l := range lines[1:] {
		d.pixels(func(_ float64, from, to time.Duration) {
			if v := l.at(from, to); v > most {
				most = v
			}
		})
	}
	most *= 1.05
	if above := lines[0].at(d.span.From, d.span.To); above > 2*most {
		lines[0].name = fmt.Sprintf("capacity %v Mbit/s, far above", above)
	}
	y := d.scale(ratesTop, ratesBottom, most, "Mbit/s")
	x := float64(left)
	for _, l := range lines {
		d.curve(l, y, most)
		fmt.Fprintf(d, "<line x1=\"%.0f\" x2=\"%.0f\" y1=\"36\" y2=\"36\" stroke=\"%s\" stroke-width=\"%.1f\"%s/>\n", x, x+18,
			l.colour, max(l.thick, 2), dashes(l.dashed))
		d.text(x+23, 40, "start", l.name)
		x += 40 + 6.2*float64(len(l.name))
	}
}

// own are the lines of one subscriber.
func (d *chart) own(sub int) []line {
	samples := d.result.Subscribers[sub].Samples
	blue, orange := colours(sub)
	whose := ""
	if len(d.result.Subscribers) > 1 {
		whose = fmt.Sprintf(" %d", sub+1)
	}
	begins := samples[0].At
	in := func(at time.Duration) *sim.Sample {
		i := int((at - begins) / sim.SampleEvery)
		if at < begins || i >= len(samples) {
			return nil
		}
		return &samples[i]
	}
	return []line{
		{"sent" + whose, orange, 1, false, func(_, to time.Duration) float64 {
			const over = 500 * time.Millisecond
			if to < begins+over {
				return math.NaN()
			}
			return d.result.Sent(sub, sim.Span{From: to - over, To: to}) / 1e6
		}},
		{"estimate" + whose, blue, 1.8, false, func(from, _ time.Duration) float64 {
			if s := in(from); s != nil {
				return float64(s.Estimate) / 1e6
			}
			return math.NaN()
		}},
	}
}

func dashes(dashed bool) string {
	if dashed {
		return " stroke-dasharray=\"4 3\""
	}
	return ""
}

// curve draws a line; what is above the panel is left out.
func (d *chart) curve(l line, y func(float64) float64, most float64) {
	var path strings.Builder
	pen, last := "M", math.NaN()
	d.pixels(func(x float64, from, to time.Duration) {
		v := l.at(from, to)
		if math.IsNaN(v) || v > most {
			pen, last = "M", math.NaN()
			return
		}
		if pen == "L" && math.Abs(v-last) > 0.1*most && l.name != "" && !strings.HasPrefix(l.name, "sent") {
			fmt.Fprintf(&path, "H%.1f", x) // steps stay steps
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, x, y(v))
		pen, last = "L", v
	})
	fmt.Fprintf(d, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\"%s/>\n", path.String(), l.colour,
		l.thick, dashes(l.dashed))
}

// queues draws the longest time in the queue, what was dropped there, and the limit if there is one.
func (d *chart) queues(c sim.Case) {
	most := 100.0
	longest := func(sub int, from, to time.Duration) (ms float64, dropped bool) {
		for _, s := range d.result.Subscribers[sub].Samples {
			if s.At > from && s.At <= to {
				ms, dropped = max(ms, float64(s.Queue.Microseconds())/1000), dropped || s.Dropped > 0
			}
		}
		return ms, dropped
	}
	for sub := range d.result.Subscribers {
		d.pixels(func(_ float64, from, to time.Duration) {
			ms, _ := longest(sub, from, to)
			most = max(most, ms)
		})
	}
	y := d.scale(queueTop, queueBottom, most, "ms")
	for sub := range d.result.Subscribers {
		colour, _ := colours(sub)
		var path, drops strings.Builder
		fmt.Fprintf(&path, "M%d %d", left, queueBottom)
		d.pixels(func(x float64, from, to time.Duration) {
			ms, dropped := longest(sub, from, to)
			fmt.Fprintf(&path, "L%.1f %.1f", x, y(ms))
			if dropped {
				fmt.Fprintf(&drops, "M%.1f %dv6", x, queueTop-5)
			}
		})
		fmt.Fprintf(d, "<path d=\"%sL%d %dz\" fill=\"%s\" fill-opacity=\"0.35\" stroke=\"%s\" stroke-width=\"0.8\"/>\n",
			path.String(), right, queueBottom, colour, colour)
		if drops.Len() > 0 {
			fmt.Fprintf(d, "<path d=\"%s\" stroke=\"#c22\" stroke-width=\"1.6\"/>\n", drops.String())
		}
	}
	d.text(left+2, queueTop-8, "start", "longest time in the queue (dashed: limit of the 95th percentile; red: drops)")
	for i := range c.Limits {
		if l := &c.Limits[i]; l.Name == "p95 queue" {
			at := y(l.Bound * 1000)
			fmt.Fprintf(d, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"%s/>\n", left, right, at, at, grey,
				dashes(true))
		}
	}
}

// layers draws which rung each camera has.
func (d *chart) layers(sub int) {
	samples := d.result.Subscribers[sub].Samples
	for track := range samples[0].Rungs {
		top := float64(layersTop + (3*sub+track)*layerApart)
		name := fmt.Sprintf("camera %d", track+1)
		if len(d.result.Subscribers) > 1 {
			name = fmt.Sprintf("%d, cam. %d", sub+1, track+1)
		}
		d.text(left-6, top+10, "end", name)
		block := func(from, to time.Duration, rung int) {
			from, to = max(from, d.span.From), min(to, d.span.To)
			if to > from {
				fmt.Fprintf(d, "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", d.x(from), top,
					d.x(to)-d.x(from), layerHeight, rungColour(rung))
			}
		}
		begun, rung := samples[0].At-sim.SampleEvery, -1
		for _, c := range d.result.Subscribers[sub].Changes {
			if c.Track == track {
				block(begun, c.At, rung)
				begun, rung = c.At, c.To
			}
		}
		block(begun, d.span.To, rung)
	}
}

// time draws the common axis and what the colours of the layers mean.
func (d *chart) time(bottom int) {
	seconds := (d.span.To - d.span.From).Seconds()
	step := 5.0
	if seconds > 70 {
		step = 10
	}
	for at := 0.0; at <= seconds+0.01; at += step {
		moment := d.span.From + time.Duration(at*float64(time.Second))
		x := d.x(moment)
		fmt.Fprintf(d, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#e4e4e4\"/>\n", x, x, ratesBottom, bottom)
		unit := ""
		if at+step > seconds+0.01 {
			unit = " s"
		}
		d.text(x, float64(bottom+12), "middle", fmt.Sprint(moment.Seconds())+unit)
	}
	x := float64(left)
	for rung, name := range []string{"paused or hidden", "90", "150", "300", "500", "1020", "1700 kbit/s"} {
		fmt.Fprintf(d, "<rect x=\"%.0f\" y=\"%d\" width=\"14\" height=\"10\" fill=\"%s\" stroke=\"#bbb\" "+
			"stroke-width=\"0.5\"/>\n", x, bottom+24, rungColour(rung-1))
		d.text(x+18, float64(bottom+33), "start", name)
		x += 32 + 6.5*float64(len(name))
	}
}
