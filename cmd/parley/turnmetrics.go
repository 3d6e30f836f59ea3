package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"parley/sfu/turn"
)

// turnCollector reads the TURN server's counts when it is asked for them.
type turnCollector struct {
	server *turn.Server

	allocations, streams, allocated, refused, dropped, stalled *prometheus.Desc
}

func newTURNCollector(server *turn.Server) *turnCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &turnCollector{
		server:      server,
		allocations: desc("parley_turn_allocations", "Live TURN allocations."),
		streams:     desc("parley_turn_streams", "TCP connections to the TURN server."),
		allocated:   desc("parley_turn_allocated_total", "TURN allocations made."),
		refused:     desc("parley_turn_refused_total", "TURN requests and connections refused.", "reason"),
		dropped:     desc("parley_turn_dropped_total", "Packets that the TURN server dropped.", "reason"),
		stalled:     desc("parley_turn_stalled_total", "TCP connections cut because their client did not read."),
	}
}

// Describe implements prometheus.Collector.
func (c *turnCollector) Describe(descs chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descs)
}

// Collect implements prometheus.Collector.
func (c *turnCollector) Collect(metrics chan<- prometheus.Metric) {
	stats := c.server.Stats()
	gauge := func(desc *prometheus.Desc, value int) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value))
	}
	counter := func(desc *prometheus.Desc, value uint64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(c.allocations, stats.Allocations)
	gauge(c.streams, stats.Streams)
	counter(c.allocated, stats.Allocated)
	counter(c.stalled, stats.Stalled)
	for reason, n := range stats.Refused { // there are as many as the server knows
		counter(c.refused, n, reason)
	}
	for reason, n := range map[string]uint64{
		"forbidden":      stats.ToPeers,
		"slow_client":    stats.ToClients,
		"over_bandwidth": stats.OverBandwidth,
		"oversized":      stats.Oversized,
		"garbage":        stats.Garbage,
	} {
		counter(c.dropped, n, reason)
	}
}
