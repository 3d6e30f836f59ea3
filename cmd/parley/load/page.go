package load

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed page.html
var pageSource string

// page is what the template shows.
type page struct {
	*Report
	Kind   string
	Tiles  []tile
	Charts []*chart
	Rows   [][2]string
}

// tile is one figure that matters.
type tile struct{ Value, Unit, Name, Class string }

// WriteHTML writes the report as a page that needs nothing else.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	p := page{Report: r, Kind: r.kind(), Tiles: r.tiles(), Rows: r.rows(), Charts: r.charts()}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// kind says what people these were.
func (r *Report) kind() string {
	each := "with"
	if r.Rooms > 1 {
		each = "each with"
	}
	s := fmt.Sprintf("%s %s %s", plural(r.Rooms, "room"), each, plural(r.Publishers, "publisher"))
	if r.Subscribers > 0 {
		s += " and " + plural(r.Subscribers, "subscriber")
	}
	if r.Viewers > 0 {
		s += " and " + plural(r.Viewers, "viewer")
	}
	if r.Shown > 0 {
		s += fmt.Sprintf(", %d shown", r.Shown)
	}
	return s
}

func (r *Report) tiles() []tile {
	good := func(ok bool) string {
		if ok {
			return "good"
		}
		return "bad"
	}
	perSecond := func(n float64) float64 { return n / max(r.Window, 1e-9) }
	tiles := []tile{
		{fmt.Sprint(r.People), "", "people", ""},
		{roughly(perSecond(float64(r.Received.Packets))), "/s", "packets out", ""},
		{fmt.Sprintf("%.3g", 100*r.Loss), "%", "lost", good(r.Loss <= lossLimit)},
	}
	if r.Latency.Samples > 0 {
		tiles = append(tiles, tile{fmt.Sprintf("%.3g", r.Latency.P99), "ms", "latency, p99",
			good(r.Latency.P99 <= milliseconds(latencyLimit))})
	}
	if r.Join.Count > 0 {
		tiles = append(tiles, tile{fmt.Sprintf("%.0f", r.Join.P50), "ms", "to the first packet", ""})
	}
	if v := r.Pictures; v != nil {
		tiles = append(tiles, tile{fmt.Sprintf("%.0f", v.Join.P99), "ms", "to the first frames, p99", ""},
			tile{fmt.Sprintf("%.0f", v.Gaps.Max), "ms", "longest freeze", good(v.Frozen+v.Blank+v.Paused == 0)})
	}
	if r.Server != nil {
		tiles = append(tiles, tile{fmt.Sprintf("%.2f", r.Server.CPUPerPacket), "µs", "CPU per packet out", ""},
			tile{fmt.Sprintf("%.2f", r.Server.RSSPerPerson/(1<<20)), "MiB", "memory per person", ""})
	}
	return tiles
}

// roughly writes a number in three or four digits.
func roughly(v float64) string {
	switch {
	case v >= 999_500:
		return fmt.Sprintf("%.2fM", v/1e6)
	case v >= 9999.5:
		return fmt.Sprintf("%.1fk", v/1e3)
	}
	return fmt.Sprintf("%.0f", v)
}

func (r *Report) charts() []*chart {
	var charts []*chart
	over := func(value func(Point) float64, class, name string) series {
		s := series{class: class, name: name}
		for _, p := range r.Timeline {
			s.xs, s.ys = append(s.xs, p.At), append(s.ys, value(p))
		}
		return s
	}
	timed := func(title, note string, least float64, all ...series) {
		c := plot(title, note, " s", least, all...)
		if n := len(r.Timeline); n > 1 && r.Limit == nil {
			c.between(r.Begin, r.Begin+r.Window, r.Timeline[0].At, r.Timeline[n-1].At)
		}
		charts = append(charts, c)
	}
	if r.Limit != nil && len(r.Limit.Steps) > 0 {
		charts = append(charts, r.stepsChart())
	}
	if len(r.Timeline) > 1 {
		timed("Packets", "per second", 1,
			over(func(p Point) float64 { return float64(p.PacketsOut) }, "a", "out"),
			over(func(p Point) float64 { return float64(p.PacketsIn) }, "b", "in"))
		timed("Latency", "p99 of each second, ms", 1, over(func(p Point) float64 { return p.P99 }, "a", ""))
		timed("People", "in the rooms", 1, over(func(p Point) float64 { return float64(p.People) }, "a", ""))
		load := over(func(p Point) float64 { return 100 * p.LoadCPU }, "b", "load tool")
		if r.Server != nil {
			timed("CPU", "% of a core", 10, over(func(p Point) float64 { return 100 * p.ServerCPU }, "a", "server"), load)
		} else {
			timed("CPU of the load tool", "% of a core", 10, load)
		}
	}
	if n := len(r.Joins); n > 0 {
		joins := series{class: "a"}
		for i, ms := range r.Joins {
			joins.xs, joins.ys = append(joins.xs, 100*float64(i+1)/float64(n)), append(joins.ys, ms)
		}
		charts = append(charts, plot("Join to first packet", "ms, the fastest people first", " %", 1, joins))
	}
	return charts
}

// stepsChart shows what the search has tried.
func (r *Report) stepsChart() *chart {
	passed, top := series{class: "a"}, 1.2*milliseconds(latencyLimit)
	from, to := math.Inf(1), 0.0
	for _, s := range r.Limit.Steps {
		from, to = min(from, float64(s.People)), max(to, float64(s.People))
	}
	passed.xs, passed.ys = []float64{from * 0.9, to * 1.05}, []float64{0, 0}
	c := plot("The search", "p99 latency in ms at each number of people", " people", top, passed)
	c.Lines = nil
	toY := niceStep(top, 4) * math.Ceil(top/niceStep(top, 4))
	x := func(v float64) float64 {
		return chartLeft + (v-from*0.9)/(to*1.05-from*0.9)*(chartRight-chartLeft)
	}
	y := func(v float64) float64 { return chartBottom - min(v, toY)/toY*(chartBottom-chartTop) }
	for _, s := range r.Limit.Steps {
		d := dot{X: x(float64(s.People)), Y: y(s.P99), Class: "pass", Title: fmt.Sprintf("%d people: carried", s.People)}
		if !s.Passed {
			d.Class, d.Title = "fail", fmt.Sprintf("%d people: %s", s.People, s.Reason)
		}
		c.Dots = append(c.Dots, d)
	}
	c.Rule = &rule{y(milliseconds(latencyLimit)), "limit"}
	return c
}
