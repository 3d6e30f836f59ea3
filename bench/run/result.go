package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Result is all that was measured.
type Result struct {
	When        time.Time           `json:"when"`
	Machine     Machine             `json:"machine"`
	Quick       bool                `json:"quick,omitempty"`
	Runs        int                 `json:"runs"`
	Allocations *float64            `json:"allocations_per_packet,omitempty"` // by the worst benchmark, nil if none ran
	Scenarios   map[string]Scenario `json:"scenarios"`
	Rows        []Row               `json:"rows"`
}

// Machine is where it was measured.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

// Scenario is what one scenario measured.
type Scenario struct {
	Points []Point `json:"points"`
	Error  string  `json:"error,omitempty"` // why points are missing
}

// Point is one load, measured several times.
type Point struct {
	Load Load  `json:"load"`
	Runs []Run `json:"runs"`
}

// Run is one turn of the servers under the same load, and of the floor with the same packets.
type Run struct {
	Parley *Sample      `json:"parley,omitempty"`
	Plain  *Sample      `json:"plain,omitempty"` // ours without congestion control
	Stock  *Sample      `json:"stock,omitempty"`
	Floor  *FloorReport `json:"floor,omitempty"`
}

// Sample is one server under one load.
type Sample struct {
	LoadReport
	Packing float64            `json:"packing,omitempty"` // packets per message to the kernel, 0 if unknown
	Also    map[string]float64 `json:"also,omitempty"`    // CPU seconds per second of the other processes watched
}

// LoadReport is what `parley load --json` writes.
type LoadReport struct {
	Time       time.Time `json:"time"`
	Window     float64   `json:"window_s"`
	Rooms      int       `json:"rooms"`
	Publishers int       `json:"publishers"`
	People     int       `json:"people"`
	Joined     int       `json:"joined"`
	Failures   int       `json:"join_failures"`
	Failure    string    `json:"join_failure"` // of the first
	Sent       Traffic   `json:"sent"`
	Received   Traffic   `json:"received"`
	Loss       float64   `json:"loss"`
	Duplicated int       `json:"duplicated"`
	Corrupted  int       `json:"corrupted"`
	Overflowed int       `json:"overflowed"` // dropped by the load's own sockets
	Latency    Spread    `json:"latency_ms"`
	Join       Spread    `json:"join_ms"`
	Server     struct {
		CPU          float64 `json:"cpu_s"`
		RSS          float64 `json:"rss_bytes"`
		PerPacket    float64 `json:"cpu_us_per_packet"`
		RSSPerPerson float64 `json:"rss_per_person"`
	} `json:"server"`
	LoadCPU float64 `json:"load_cpu_s"`
	Limit   *Limit  `json:"limit,omitempty"`
	LargeReport
}

// Traffic is what was sent or received within the window.
type Traffic struct {
	Packets float64 `json:"packets"`
	Bytes   float64 `json:"bytes"`
}

// Spread is a distribution, in milliseconds.
type Spread struct {
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99,omitempty"`
	Max   float64 `json:"max"`
	Count int     `json:"count,omitempty"` // 0 where it was not noted
}

// Limit is how many people a server carries.
type Limit struct {
	People int    `json:"people"`
	Reason string `json:"reason"` // why no more
}

// FloorReport is what bench/floor writes.
type FloorReport struct {
	Destinations int     `json:"destinations"`
	Size         int     `json:"size"`
	Packing      float64 `json:"packing"`
	Sent         int     `json:"sent"`
	SentInAll    int     `json:"sent_in_all"`
	Drained      int     `json:"drained"`
	PerPacket    float64 `json:"cpu_us_per_packet"`
}

// share is the part of a core that the server has used.
func (s *Sample) share() float64 { return s.Server.CPU / s.Window }

// loadShare is the part of a core that the load has used.
func (s *Sample) loadShare() float64 { return s.LoadCPU / s.Window }

// rate is the number of packets forwarded per second.
func (s *Sample) rate() float64 { return s.Received.Packets / s.Window }

func newResult(o Options) *Result {
	return &Result{
		When: time.Now().UTC().Truncate(time.Second), Machine: thisMachine(), Quick: o.Quick, Runs: o.Runs,
		Scenarios: make(map[string]Scenario),
	}
}

func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), CPU: runtime.GOARCH, Kernel: runtime.GOOS}
	info, _ := os.ReadFile("/proc/cpuinfo") // where there is one
	for line := range strings.Lines(string(info)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		version, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-")
		m.Kernel = "Linux " + version
	}
	return m
}

// readFile takes over what a result file has of scenarios that this one lacks.
func (r *Result) readFile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old := Result{}
	if err := json.Unmarshal(data, &old); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	maps.Copy(old.Scenarios, r.Scenarios)
	if old.Scenarios != nil {
		r.Scenarios = old.Scenarios
	}
	if r.Allocations == nil {
		r.Allocations = old.Allocations
	}
	r.When, r.Machine, r.Runs, r.Quick = old.When, old.Machine, old.Runs, old.Quick || r.Quick
	return nil
}

func (r *Result) writeFile(path string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600) //nolint:gosec // where the flags say
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// judge makes the rows of all scenarios that were measured.
func (r *Result) judge() []Row {
	var rows []Row
	for _, s := range scenarios() {
		measured, ok := r.Scenarios[s.name]
		switch {
		case !ok:
		case measured.Error != "":
			rows = append(rows, Row{Scenario: s.name, What: s.about, Note: firstLine(measured.Error)})
		case s.rows != nil:
			for _, row := range s.rows(measured.Points) {
				row.Scenario = s.name
				rows = append(rows, row)
			}
		}
	}
	if measured, ok := r.Scenarios[goBenchmarks]; ok {
		var values []float64
		if r.Allocations != nil {
			values = append(values, math.Floor(*r.Allocations)) // as Go counts allocs/op
		}
		row := atMost("allocations per forwarded packet", 0, "", values)
		row.Scenario, row.Note = goBenchmarks, firstLine(measured.Error)
		if r.Allocations != nil {
			row.Note = fmt.Sprintf("%s with all that is not done for each packet", number(*r.Allocations))
		}
		rows = slices.Insert(rows, 0, row)
	}
	return rows
}
