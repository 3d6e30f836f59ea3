package main

import (
	"fmt"
	"strings"
	"time"
)

// largePlots adds what can be drawn of large rooms.
func (r *Result) largePlots(plots map[string]plot) {
	points := r.Scenarios["large"].Points
	if len(points) == 0 {
		return
	}
	cpu := plot{title: "CPU per person present, 9 shown", x: "people", y: "% of a core"}
	bits := plot{title: "Traffic per person present, 9 shown", x: "people", y: "kbit/s"}
	var percent, in, out []float64
	for _, p := range points {
		cpu.labels = append(cpu.labels, number(float64(p.Load.people())))
		percent = append(percent, median(ours(p, func(s *Sample) float64 { return 100 * s.Person.CPU })))
		in = append(in, median(ours(p, func(s *Sample) float64 { return 8 * s.Person.BytesIn / 1000 })))
		out = append(out, median(ours(p, func(s *Sample) float64 { return 8 * s.Person.BytesOut / 1000 })))
	}
	bits.labels = cpu.labels
	cpu.series = []series{{"server", percent}}
	bits.series = []series{{"to the person", out}, {"from the person", in}}
	plots["large-cpu"], plots["large-traffic"] = cpu, bits
}

// largeFigures is the part of performance.md about large rooms, "" if none was measured.
func (r *Result) largeFigures(plots map[string]plot) string {
	var table []string
	var when time.Time
	for _, s := range largeScenarios() {
		for _, p := range r.Scenarios[s.name].Points {
			for _, run := range p.Runs {
				if run.Parley != nil && run.Parley.Time.After(when) {
					when = run.Parley.Time
				}
			}
			if line, ok := largeLine(s.name, p); ok {
				table = append(table, line)
			}
		}
	}
	targets := r.targetLines(true)
	if len(targets) == 2 { // the head alone
		return ""
	}
	lines := []string{fmt.Sprintf("Measured %s on %s, %d cores, %s, %s; %s.", when.Format("2 January 2006"),
		r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.medians(true)), ""}
	lines = append(lines, targets...)
	lines = append(lines, "", "| scenario | people | server, % of a core | a person, % of a core "+
		"| to a person, packets/s, kbit/s | from a person, packets/s, kbit/s | latency p50 / p99, ms | loss "+
		"| first frame p50 / p99, ms | longest freeze, ms | a person's signalling: offers, kB |",
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	lines = append(lines, table...)
	for _, name := range []string{"large-cpu", "large-traffic"} {
		if p, ok := plots[name]; ok {
			lines = append(lines, "", fmt.Sprintf("![%s, by %s](performance/%s.svg)", p.title, p.x, name))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// largeLine is nothing where there was no measurement.
func largeLine(name string, p Point) (string, bool) {
	of := func(figure func(*Sample) float64) string { return orDash(median(ours(p, figure))) }
	if len(ours(p, lossOf)) == 0 {
		return "", false
	}
	people := of(func(s *Sample) float64 { return float64(s.People) })
	if p.Load.FindLimit {
		people += " (the limit)"
	}
	columns := []string{
		name, people, of(func(s *Sample) float64 { return 100 * s.share() }),
		of(func(s *Sample) float64 { return 100 * s.Person.CPU }),
		of(func(s *Sample) float64 { return s.Person.PacketsOut }) + ", " +
			of(func(s *Sample) float64 { return 8 * s.Person.BytesOut / 1000 }),
		of(func(s *Sample) float64 { return s.Person.PacketsIn }) + ", " +
			of(func(s *Sample) float64 { return 8 * s.Person.BytesIn / 1000 }),
		of(func(s *Sample) float64 { return s.Latency.P50 }) + " / " + of(func(s *Sample) float64 { return s.Latency.P99 }),
		number(median(ours(p, lossOf))), "-", "-",
		of(func(s *Sample) float64 { return s.Signalling.Offers }) + ", " +
			of(func(s *Sample) float64 { return (s.Signalling.BytesIn + s.Signalling.BytesOut) / 1000 }),
	}
	if p.Load.Shown > 0 {
		columns[8] = of(func(s *Sample) float64 { return s.Pictures.Join.P50 }) + " / " +
			of(func(s *Sample) float64 { return s.Pictures.Join.P99 })
		columns[9] = of(func(s *Sample) float64 { return s.Pictures.Gaps.Max })
		if paused := mostPaused(p); paused > 0 {
			columns[9] += fmt.Sprintf(" (%d tiles paused)", paused)
		}
	}
	return "| " + strings.Join(columns, " | ") + " |", true
}
