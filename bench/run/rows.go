package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// Row is one target.
type Row struct {
	Scenario string    `json:"scenario"`
	What     string    `json:"what"`
	Target   string    `json:"target"`
	Unit     string    `json:"unit,omitempty"`
	Values   []float64 `json:"values"` // one per run
	Median   float64   `json:"median"`
	Pass     bool      `json:"pass"`
	Note     string    `json:"note,omitempty"`
}

// median is NaN of nothing.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// atMost is a target that the median must not exceed.
func atMost(what string, limit float64, unit string, values []float64) Row {
	row := newRow(what, "<= "+number(limit), unit, values)
	row.Pass = len(values) > 0 && row.Median <= limit
	return row
}

func newRow(what, target, unit string, values []float64) Row {
	row := Row{What: what, Target: strings.TrimSpace(target + " " + unit), Unit: unit, Values: values}
	if len(values) == 0 {
		row.Note = "not measured"
		return row
	}
	row.Median = median(values)
	return row
}

func (r Row) measured() string {
	if len(r.Values) == 0 {
		return "-"
	}
	return strings.TrimSpace(number(r.Median) + " " + r.Unit)
}

func (r Row) spread() string {
	if len(r.Values) < 2 {
		return ""
	}
	return number(slices.Min(r.Values)) + " - " + number(slices.Max(r.Values))
}

func (r Row) verdict() string {
	if r.Pass {
		return "pass"
	}
	return "FAIL"
}

// number has three digits that say something.
func number(f float64) string {
	switch a := math.Abs(f); {
	case f == math.Trunc(f) && a < 1e6, a >= 100:
		return fmt.Sprintf("%.0f", f)
	case a >= 10:
		return fmt.Sprintf("%.1f", f)
	case a >= 0.01:
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
	default:
		return fmt.Sprintf("%.2g", f)
	}
}

func writeRows(out io.Writer, rows []Row) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nscenario\twhat\ttarget\tmedian\tmin - max\t\t\n")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Scenario, r.What, r.Target, r.measured(), r.spread(),
			r.verdict(), r.Note)
	}
	_ = table.Flush()
}
