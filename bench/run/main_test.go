//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAllScenarios(t *testing.T) {
	o := quickly(t, "well")
	var out bytes.Buffer
	if err := run(t.Context(), o, false, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	text, err := os.ReadFile(filepath.Join(o.Docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# P\n", "\nEnd.\n", "CPU per packet / floor | <= 1.5 | 1.2 | 1.2 - 1.2 | pass",
		"CPU per packet / stock | <= 0.4 | 0.3 |",
		"| limit | viewers / stock's | >= 2.5 x | 3.33 x |", "memory per extra viewer | <= 400 kB | 100 kB",
		"performance/cost.svg", "performance/cost-growth.svg", "performance/memory-tracks.svg", "| 64 | 100 |",
		"4 rooms, 1 publishing, 3 viewing, video of 0.5 Mbit/s",
		"| large | CPU per person, 12 / 12 people | <= 1.5 | 1 |",
		"| audio300 | CPU per person, 8 / 4 people | <= 1.5 | 1.5 |",
		"| viewers1000 | loss | <= 0 | 0 | 0 - 0 | pass: 6 viewers", "4.5 ms of CPU, 60 kB of signalling", "at most 3 |",
		"| joins100 | longest freeze of anybody's video | <= 500 ms | 240 ms |", "Measured 9 September 2001",
		"| audio300 | packets out per listener, 8 / 4 people | <= 1.05 | 0.86 |", "packets per person over 7/8 and 3/4",
		"as many as two cores carry | 1000 |", "performance/large-cpu.svg", "| hundred | 6 | ", "| 75, 100 | ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := strings.Count(string(text), "; medians of 2 runs.\n"); n != 2 {
		t.Errorf("%d parts say of how many runs they are", n)
	}
	if strings.Contains(string(text), "old") {
		t.Error("the former figures are still there")
	}
	for _, name := range []string{"cost.svg", "memory-rooms.svg", "large-traffic.svg", "result.json"} {
		if _, err := os.Stat(filepath.Join(o.Docs, "performance", name)); err != nil {
			t.Error(err)
		}
	}
	result := newResult(o)
	if err := result.readFile(o.JSON); err != nil {
		t.Fatal(err)
	}
	first := result.Scenarios["viewers"].Points[0].Runs[0]
	want := FloorReport{Destinations: 5, Size: 964, Packing: 3.5, PerPacket: 2.5}
	if first.Parley.Packing != 3.5 || *first.Floor != want {
		t.Errorf("floor %+v of packing %v", first.Floor, first.Parley.Packing)
	}
	if len(first.Parley.Also) != 1 {
		t.Errorf("other processes %v", first.Parley.Also)
	}
	out.Reset() // the report can be had again
	o.Parley, o.Plots = "/nonexistent", false
	if err := run(t.Context(), o, true, &out); err != nil || !strings.Contains(out.String(), "pass") {
		t.Errorf("only the report: %v\n%s", err, out.String())
	}
}

func TestMissedTarget(t *testing.T) {
	o := quickly(t, "cheap stock", "viewers", "latency")
	o.Plots = false
	var out bytes.Buffer
	if err := run(t.Context(), o, false, &out); !errors.Is(err, errMissed) {
		t.Errorf("error %v", err)
	}
	if said := out.String(); strings.Count(said, "FAIL") != 1 || strings.Count(said, "pass") != 2 {
		t.Errorf("said\n%s", said)
	}
}

func TestWhatCannotBeMeasuredIsMissed(t *testing.T) {
	for behaviour, want := range map[string]string{
		"no server": "no port today",
		"no load":   "the load has no use for",
		"half join": "2 of 4 people joined: the door is shut",
	} {
		t.Run(behaviour, func(t *testing.T) {
			o := quickly(t, behaviour, "audio20", "viewers")
			o.Plots = false
			var out bytes.Buffer
			if err := run(t.Context(), o, false, &out); !errors.Is(err, errMissed) {
				t.Errorf("error %v", err)
			}
			if said := out.String(); strings.Count(said, "FAIL") != 2 || !strings.Contains(said, want) {
				t.Errorf("said\n%s", said)
			}
		})
	}
}

// TestTooManyViewersAreMissed wants the limit, and the error kept.
func TestTooManyViewersAreMissed(t *testing.T) {
	o := quickly(t, "half join", "viewers1000")
	var out bytes.Buffer
	if err := run(t.Context(), o, false, &out); !errors.Is(err, errMissed) {
		t.Errorf("error %v", err)
	}
	result := newResult(o)
	if err := result.readFile(o.JSON); err != nil {
		t.Fatal(err)
	}
	const want = "the limit is 997 viewers: p99 over 100 ms; parley with 9 people: 4 of 9 people joined: the door is shut"
	if s := result.Scenarios["viewers1000"]; !strings.HasPrefix(s.Error, want) || len(s.Points) != 2 {
		t.Errorf("error %q, %d points", s.Error, len(s.Points))
	}
	if said := out.String(); strings.Count(said, "FAIL") != 1 || !strings.Contains(said, want) {
		t.Errorf("said\n%s", said)
	}
}

// TestNoPictureIsNoMeasurement refuses times of pictures that never came.
func TestNoPictureIsNoMeasurement(t *testing.T) {
	o := quickly(t, "no pictures", "joins100", "hundred")
	o.Plots = false
	var out bytes.Buffer
	if err := run(t.Context(), o, false, &out); !errors.Is(err, errMissed) {
		t.Errorf("error %v", err)
	}
	if said := out.String(); strings.Count(said, "FAIL  parley with 8 people: no picture was seen") != 1 ||
		strings.Count(said, "FAIL  parley with 6 people: no picture was seen") != 1 {
		t.Errorf("said\n%s", said)
	}
}

func TestAddedScenario(t *testing.T) {
	o := quickly(t, "well", "audio20")
	var out bytes.Buffer
	if err := run(t.Context(), o, false, &out); err != nil {
		t.Fatal(err)
	}
	o.Scenarios, o.Add = []string{"viewers"}, true
	out.Reset()
	if err := run(t.Context(), o, false, &out); err != nil || strings.Count(out.String(), "pass") != 3 {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestParseFlags(t *testing.T) {
	o, only, err := parseFlags([]string{
		"-quick", "-scenario", "viewers,limit", "-also-pid", "galene=12", "-also-pid", "b=3",
	}, new(bytes.Buffer))
	if err != nil || only || o.Runs != 2 || o.Duration != time.Second || len(o.Scenarios) != 2 || len(o.Also) != 2 ||
		o.Also[0] != (Watched{"galene", 12}) {
		t.Errorf("%+v, %v, %v", o, only, err)
	}
	if o, _, err := parseFlags(nil, new(bytes.Buffer)); err != nil || o.Runs != 5 || o.ServerCPU != 0 || o.LoadCPU != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{
		{"-also-pid", "12"}, {"-also-pid", "a=-1"}, {"-runs", "-1"}, {"extra"}, {"-only-report", "-json", ""},
	} {
		if _, _, err := parseFlags(args, new(bytes.Buffer)); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	if _, err := choose([]string{"viewers", "nonsense"}); !errors.Is(err, errUsage) {
		t.Errorf("error %v", err)
	}
	if chosen, err := choose(nil); err != nil || len(chosen) != len(scenarios()) {
		t.Errorf("%d scenarios, %v", len(chosen), err)
	}
}
