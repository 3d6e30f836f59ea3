package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v: %v", c.values, got)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("nothing has a median")
	}
}

// limits are those of ours and stock, run by run.
func limits(people ...[2]int) []Point {
	var p Point
	for _, both := range people {
		var ours, stock Sample
		ours.Limit, stock.Limit = &Limit{People: both[0]}, &Limit{People: both[1]}
		p.Runs = append(p.Runs, Run{Parley: &ours, Stock: &stock})
	}
	return []Point{p}
}

func TestRows(t *testing.T) {
	for _, c := range []struct {
		row  Row
		pass bool
	}{
		{atMost("", 1.5, "", []float64{1.4, 9, 1.5}), true},
		{atMost("", 1.5, "", []float64{1.6}), false},
		{atMost("", 1.5, "", nil), false},
		{atMost("", 0, "", []float64{0, 0}), true},
		{rowsLimit(limits([2]int{50, 20}, [2]int{50, 20}))[0], true},
		{rowsLimit(limits([2]int{49, 20}, [2]int{490, 200}))[0], false},
		{rowsLimit(limits())[0], false},
	} {
		if c.row.Pass != c.pass {
			t.Errorf("%+v: want %v", c.row, c.pass)
		}
	}
}

func TestLatencyIsComparedWithinARun(t *testing.T) {
	point := func(set func(*Run, *Sample), p99 ...float64) Point {
		var p Point
		for _, ms := range p99 {
			s := new(Sample)
			s.Window, s.Latency.P99 = 1, ms
			var r Run
			set(&r, s)
			p.Runs = append(p.Runs, r)
		}
		return p
	}
	parley := func(r *Run, s *Sample) { r.Parley = s }
	stock := func(r *Run, s *Sample) { r.Stock = s }
	for _, c := range []struct {
		ours, theirs []float64
		pass         bool
	}{
		{[]float64{1.9, 1.9, 1.9}, []float64{1, 1, 1}, true}, // below 2 ms
		{[]float64{12, 2, 12}, []float64{10, 1, 10}, true},   // below 1.25 x stock's
		{[]float64{2.1, 2.1, 2.1}, []float64{1, 1, 1}, false},
		{[]float64{13, 1, 13}, []float64{10, 50, 10}, false}, // a run does not help another
	} {
		if row := rowsLatency([]Point{point(parley, c.ours...), point(stock, c.theirs...)})[0]; row.Pass != c.pass {
			t.Errorf("%v against %v: %+v", c.ours, c.theirs, row)
		}
	}
}

func TestNumber(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 3: "3", 1.234: "1.23", 1.5: "1.5", 12.345: "12.3", 123.4: "123", 0.4: "0.4", 0.00123: "0.0012",
	} {
		if got := number(f); got != want {
			t.Errorf("%v: %s", f, got)
		}
	}
	for f, want := range map[float64]string{0: "0", 7.4: "7", 1234: "1200", 98765: "99000"} {
		if got := about(f); got != want {
			t.Errorf("about %v: %s", f, got)
		}
	}
}

func TestParseMetrics(t *testing.T) {
	sums := parseMetrics(strings.NewReader("# TYPE a counter\n" + `a{x="1"} 2
a{x="} 5"} 3 1700000000
b 1.5e3

broken
c x
`))
	if len(sums) != 2 || sums["a"] != 5 || sums["b"] != 1500 {
		t.Errorf("sums %v", sums)
	}
	if got := packing(sums, sums); got != 0 {
		t.Errorf("packing %v of nothing", got)
	}
}

func TestBusiest(t *testing.T) {
	var all []reading
	used := time.Duration(0)
	at := time.Unix(0, 0)
	for i := range 100 { // ten seconds, three of them busy
		all = append(all, reading{at, used})
		at = at.Add(100 * time.Millisecond)
		if i >= 40 && i < 70 {
			used += 80 * time.Millisecond
		} else {
			used += 10 * time.Millisecond
		}
	}
	for window, want := range map[float64]float64{2: 0.8, 6: 0.45, 20: 0} {
		if got := (readings{"a": all}).busiest(window)["a"]; math.Abs(got-want) > 0.02 {
			t.Errorf("window %v: %v, want %v", window, got, want)
		}
	}
}

func TestForwardAllocations(t *testing.T) {
	const said = `goos: linux
pkg: parley/sfu/egress
BenchmarkForward-2   100  12 ns/op  0 B/op  7 allocs/op
pkg: parley/sfu
BenchmarkForwardVideo/30-2   1000  1200 ns/op  0.25 allocs/packet  0 B/op  8 allocs/op
BenchmarkForwardAudio-2   1000  1200 ns/op  8 B/op  1 allocs/op
BenchmarkOther-2   1000  1200 ns/op  8 B/op  9 allocs/op
PASS
`
	if worst, err := forwardAllocations(strings.NewReader(said)); err != nil || *worst != 1 {
		t.Errorf("%v, %v", worst, err)
	}
	if _, err := forwardAllocations(strings.NewReader("PASS\n")); !errors.Is(err, errNoBenchmark) {
		t.Errorf("error %v", err)
	}
}

func TestReplaceFigures(t *testing.T) {
	text := "a\n" + figuresBegin + "\nold\n" + figuresEnd + "\nb\n"
	once, err := replaceBetween(text, figuresBegin, figuresEnd, "new\n")
	if err != nil || strings.Contains(once, "old") || once[:2] != "a\n" || !strings.HasSuffix(once, "\nb\n") {
		t.Errorf("%q, %v", once, err)
	}
	if twice, err := replaceBetween(once, figuresBegin, figuresEnd, "new\n"); err != nil || twice != once {
		t.Errorf("%q, %v", twice, err)
	}
	if _, err := replaceBetween("a\n"+figuresBegin, figuresBegin, figuresEnd, "new\n"); !errors.Is(err, errMarkers) {
		t.Errorf("error %v", err)
	}
}

func TestReaches(t *testing.T) {
	if got := reaches(60, 0.2, 160, 0.3, 0.8); math.Abs(got-660) > 1e-6 {
		t.Errorf("%v viewers", got)
	}
	if got := reaches(60, 0.2, 160, 0.2, 0.8); !math.IsInf(got, 1) {
		t.Errorf("a level line gets there at %v", got)
	}
}

func TestCarries(t *testing.T) {
	s := stream{rate: 200, size: 1184, perPacket: 4} // 1250 bytes on the wire
	byCPU, byNetwork := s.carries(paper{cores: 10, gigabit: 10})
	if math.Abs(byCPU-10000) > 1 || math.Abs(byNetwork-4000) > 1 {
		t.Errorf("%v by the cores, %v by the network", byCPU, byNetwork)
	}
}

func TestPlotsAreXML(t *testing.T) {
	for name, p := range map[string]plot{
		"bars": {title: "a < b & c", y: "us", labels: []string{"1", "2"}, bars: true,
			series: []series{{"x", []float64{1, 2}}, {"y", []float64{math.NaN(), 12345}}}},
		"lines": {title: "t", x: "n", labels: []string{"1", "2"}, series: []series{{"x", []float64{1, math.NaN()}}}},
		"empty": {title: "t"},
	} {
		svg := p.svg()
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: %s", name, svg)
		}
		for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, svg)
			}
		}
	}
	for most, want := range map[float64]float64{0: 1, 4: 1, 12: 5, 300: 100, 0.03: 0.01} {
		if got := step(most); math.Abs(got-want) > want/1e6 {
			t.Errorf("step for %v: %v", most, got)
		}
	}
}
