package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// The figures of performance.md are between these two lines.
const (
	figuresBegin = "<!-- figures: begin, written by bench/run -plots -->"
	figuresEnd   = "<!-- figures: end -->"

	largeBegin = "<!-- large rooms: begin, written by bench/run -plots -->" // likewise
	largeEnd   = "<!-- large rooms: end -->"
)

// errMarkers is returned for a document without a place for the figures.
var errMarkers = errors.New("no place for the figures")

// writeDocument replaces the figures in performance.md, and writes plots and result into a directory beside it.
func writeDocument(docs string, r *Result) error {
	path, dir := filepath.Join(docs, "performance.md"), filepath.Join(docs, "performance")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	plots := r.plots()
	for name, p := range plots {
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), []byte(p.svg()), 0o600); err != nil {
			return err
		}
	}
	changed, err := replaceBetween(string(text), figuresBegin, figuresEnd, r.figures(plots))
	if large := r.largeFigures(plots); err == nil && large != "" {
		changed, err = replaceBetween(changed, largeBegin, largeEnd, large)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := r.writeFile(filepath.Join(dir, "result.json")); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(changed), 0o600) //nolint:gosec // it was read from there
}

func replaceBetween(text, begin, end, figures string) (string, error) {
	before, rest, begins := strings.Cut(text, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", errMarkers
	}
	return before + begin + "\n\n" + figures + "\n" + end + after, nil
}

// plots are what can be drawn of the result, by file name.
func (r *Result) plots() map[string]plot {
	plots := make(map[string]plot)
	if p := r.costPlot(); len(p.labels) > 0 {
		plots["cost"] = p
	}
	r.largePlots(plots)
	for name, x := range map[string]string{"growth": "viewers", "rooms": "rooms", "tracks": "people all publishing"} {
		points := r.Scenarios[name].Points
		if len(points) == 0 {
			continue
		}
		cost := plot{title: "CPU per forwarded packet", x: x, y: "us"}
		memory := plot{title: "Memory of the server", x: x, y: "MB"}
		var us, mb []float64
		for _, p := range points {
			cost.labels = append(cost.labels, number(sizeOf(name, p.Load)))
			us = append(us, median(ours(p, func(s *Sample) float64 { return s.Server.PerPacket })))
			mb = append(mb, median(ours(p, func(s *Sample) float64 { return s.Server.RSS / 1e6 })))
		}
		memory.labels = cost.labels
		cost.series, memory.series = []series{{"Parley", us}}, []series{{"Parley", mb}}
		plots["cost-"+name] = cost
		plots["memory-"+name] = memory
	}
	return plots
}

// sizeOf is what grows in a scenario.
func sizeOf(scenario string, l Load) float64 {
	switch scenario {
	case "growth":
		return float64(l.Subscribers)
	case "rooms":
		return float64(l.Rooms)
	default:
		return float64(l.Publishers)
	}
}

// costPlot compares with stock and floor.
func (r *Result) costPlot() plot {
	p := plot{title: "CPU per forwarded packet, one core, loopback", y: "us", bars: true}
	var floor, parley, stock []float64
	for _, name := range []string{"viewers", "room8", "audio20"} {
		points := r.Scenarios[name].Points
		if len(points) == 0 {
			continue
		}
		p.labels = append(p.labels, map[string]string{
			"viewers": "1 to 30 viewers", "room8": "8 all publishing", "audio20": "20, audio only",
		}[name])
		parley = append(parley, median(ours(points[0], func(s *Sample) float64 { return s.Server.PerPacket })))
		stock = append(stock, median(ratios(points[0], stockCost)))
		floor = append(floor, median(ratios(points[0], floorCost)))
	}
	p.series = []series{{"Parley", parley}, {"stock pion", stock}, {"floor", floor}}
	return p
}

func stockCost(r Run) (float64, bool) {
	if r.Stock == nil {
		return 0, false
	}
	return r.Stock.Server.PerPacket, true
}

func floorCost(r Run) (float64, bool) {
	if r.Floor == nil {
		return 0, false
	}
	return r.Floor.PerPacket, true
}

// figures is the part of performance.md that changes with each measurement.
func (r *Result) figures(plots map[string]plot) string {
	lines := []string{
		fmt.Sprintf("Measured %s on %s, %d cores, %s, %s; %s.", r.When.Format("2 January 2006"), r.Machine.CPU,
			r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.medians(false)), "",
	}
	if r.Quick {
		lines = append(lines, "**A quick run: these figures say only that the measurement works.**", "")
	}
	lines = append(lines, "### Targets", "")
	lines = append(lines, r.targetLines(false)...)
	lines = append(lines, "", "### What was measured", "",
		"| scenario | load | packets/s | us per packet | stock | floor | packets per message | latency p50 / p99, ms "+
			"| memory, MB |",
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, s := range scenarios() {
		if s.large {
			continue
		}
		for _, p := range r.Scenarios[s.name].Points {
			if line, ok := pointLine(s.name, p); ok {
				lines = append(lines, line)
			}
		}
	}
	for _, name := range []string{
		"cost", "cost-growth", "memory-growth", "cost-rooms", "memory-rooms", "cost-tracks", "memory-tracks",
	} {
		if p, ok := plots[name]; ok {
			lines = append(lines, "", fmt.Sprintf("![%s, by %s](performance/%s.svg)", p.title, orScenario(p.x), name))
		}
	}
	if points := r.Scenarios["growth"].Points; len(points) > 0 {
		if s, ok := streamOf(points[len(points)-1]); ok {
			lines = append(lines, "", "### Limits on paper", "", fmt.Sprintf("Viewers of one stream of 2 Mbit/s (%s packets/s "+
				"of %s bytes each), from %s us of CPU per packet, with 20 %% of cores and network left free:", number(s.rate),
				number(math.Round(s.size)), number(s.perPacket)), "")
			lines = append(lines, limitLines(s)...)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// medians says of how many runs they are, in large rooms or in all else, and which scenarios had fewer or more.
func (r *Result) medians(large bool) string {
	var names []string
	runs, times := make(map[string]int), make(map[int]int)
	for _, s := range scenarios() {
		for _, p := range r.Scenarios[s.name].Points {
			runs[s.name] = max(runs[s.name], len(p.Runs))
		}
		if n := runs[s.name]; n > 0 && s.large == large {
			names = append(names, s.name)
			times[n]++
		}
	}
	usual := 0
	if len(names) == 0 {
		usual = r.Runs
	}
	for n, count := range times {
		if count > times[usual] || count == times[usual] && n > usual {
			usual = n
		}
	}
	var others []string
	for _, name := range names {
		if runs[name] != usual {
			others = append(others, fmt.Sprintf("%s: %d", name, runs[name]))
		}
	}
	said := fmt.Sprintf("medians of %d runs", usual)
	if len(others) > 0 {
		said += " (" + strings.Join(others, ", ") + ")"
	}
	return said
}

// targetLines is the table of targets, of large rooms or of all else.
func (r *Result) targetLines(large bool) []string {
	lines := []string{
		"| scenario | what | target | median | min - max | |", "| --- | --- | --- | --- | --- | --- |",
	}
	about := make(map[string]bool)
	for _, s := range scenarios() {
		about[s.name] = s.large
	}
	for _, row := range r.Rows {
		if about[row.Scenario] != large {
			continue
		}
		note := row.verdict()
		if row.Note != "" {
			note += ": " + row.Note
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", row.Scenario, cell(row.What), cell(row.Target),
			row.measured(), row.spread(), cell(note)))
	}
	return lines
}

func orScenario(x string) string {
	if x == "" {
		return "scenario"
	}
	return x
}

// pointLine is nothing where ours was not measured.
func pointLine(name string, p Point) (string, bool) {
	of := func(figure func(*Sample) float64) string { return orDash(median(ours(p, figure))) }
	if len(ours(p, (*Sample).rate)) == 0 || p.Load.FindLimit {
		return "", false
	}
	rate := about(median(ours(p, (*Sample).rate)))
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s / %s | %s |", name, p.Load, rate,
		of(func(s *Sample) float64 { return s.Server.PerPacket }), orDash(median(ratios(p, stockCost))),
		orDash(median(ratios(p, floorCost))), of(func(s *Sample) float64 { return s.Packing }),
		of(func(s *Sample) float64 { return s.Latency.P50 }), of(func(s *Sample) float64 { return s.Latency.P99 }),
		of(func(s *Sample) float64 { return s.Server.RSS / 1e6 })), true
}

func orDash(f float64) string {
	if math.IsNaN(f) || f == 0 {
		return "-"
	}
	return number(f)
}

// String says who sends what to whom.
func (l Load) String() string {
	var parts []string
	if l.Rooms > 1 {
		parts = append(parts, fmt.Sprintf("%d rooms", l.Rooms))
	}
	parts = append(parts, fmt.Sprintf("%d publishing", l.Publishers))
	if n := l.Subscribers + l.Viewers; n > 0 {
		parts = append(parts, fmt.Sprintf("%d viewing", n))
	}
	if l.Audio {
		parts = append(parts, "audio")
	}
	if l.Video {
		parts = append(parts, fmt.Sprintf("video of %s Mbit/s", number(float64(l.Bitrate)/1e6)))
	}
	return strings.Join(parts, ", ")
}

// cell keeps a text within its cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}
