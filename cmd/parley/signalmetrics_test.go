package main

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"parley/sfu"
	"parley/signaling"
)

// still is an SFU in which nothing happens.
type still struct{}

func (still) Tallies() sfu.Tallies { return sfu.Tallies{} }

// TestSignalMetrics wants names as Prometheus has them, every label value from the start, and none that comes from
// outside.
func TestSignalMetrics(t *testing.T) {
	counters := signaling.NewCounters()
	registry := prometheus.NewRegistry()
	registry.MustRegister(newSignalCollector(counters, still{}))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	before, err := testutil.GatherAndCount(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"joins", "<script>", "a name that nobody knows", signaling.LimitLogins} {
		counters.Limit(name)
	}
	if after, err := testutil.GatherAndCount(registry); err != nil || after != before {
		t.Errorf("from %d to %d series, %v", before, after, err)
	}
	if before < 60 || before > 120 {
		t.Errorf("%d series", before)
	}
}
