package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley/sfu/egress"
)

// listenMetrics serves /metrics and the answers about health at an address of its own.
func (a *app) listenMetrics(ctx context.Context) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newMediaCollector(a.mux.Conn()), newSignalCollector(a.hub.Counters(), a.sfu))
	a.registerGauges(registry)
	if a.turn != nil {
		registry.MustRegister(newTURNCollector(a.turn))
	}
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	a.health.handle(routes)
	return a.listenPrivately(ctx, "metrics", a.cfg.HTTP.MetricsListen, routes)
}

// listenProfiles serves profiles at an address that the configuration made sure nobody else reaches.
func (a *app) listenProfiles(ctx context.Context) error {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /debug/pprof/", pprof.Index)
	routes.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	routes.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	routes.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return a.listenPrivately(ctx, "profiles", a.cfg.HTTP.PprofListen, routes)
}

// listenPrivately serves what is for the operator, if there is an address for it.
func (a *app) listenPrivately(ctx context.Context, what, address string, routes http.Handler) error {
	if address == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	a.serve(listener, routes)
	return nil
}

func (a *app) registerGauges(registry *prometheus.Registry) {
	gauge := func(name, help string, value func() float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	count := func(name, help string, value func() int) {
		gauge(name, help, func() float64 { return float64(value()) })
	}
	count("parley_rooms", "Rooms with somebody in them.", func() int { return a.sfu.Counts().Rooms })
	count("parley_participants", "People in rooms.", func() int { return a.sfu.Counts().Peers })
	count("parley_draining", "1 while no new rooms open, since the server is about to stop.", func() int {
		if a.hub.Draining() {
			return 1
		}
		return 0
	})
	count("parley_tracks_up", "Tracks that participants publish.", func() int { return a.sfu.Counts().UpTracks })
	count("parley_tracks_down", "Tracks that are forwarded, one per receiver.",
		func() int { return a.sfu.Counts().DownTracks })
	count("parley_headroom_people", "How many more people fit, -1 where not known.", func() int {
		if headroom := a.capacity.Headroom(); headroom.Known {
			return headroom.People
		}
		return -1
	})
	gauge("parley_load_cpu", "Share of cpu_limit that is used.", func() float64 { return a.capacity.State().CPU })
	gauge("parley_load_egress", "Share of egress_limit that is used.",
		func() float64 { return a.capacity.State().Egress })
	count("parley_squeeze", "How much less video all get than they could, 0 for nothing less.",
		func() int { return int(a.capacity.State().Squeeze) })
	count("parley_ice_tcp_connections", "Connections of ICE over TCP.", func() int { return a.iceTCP.Stats().Connections })
}

// mediaCollector reads the media socket's counts when it is asked for them.
type mediaCollector struct {
	conn     *egress.Conn
	method   *prometheus.Desc
	counters []mediaCounter
}

type mediaCounter struct {
	desc  *prometheus.Desc
	value func(egress.Stats) uint64
	label string // of the reason, where the metric has one
}

func newMediaCollector(conn *egress.Conn) *mediaCollector {
	c := &mediaCollector{conn: conn, method: prometheus.NewDesc("parley_egress_method",
		"How packets are sent: gso, sendmmsg or sendto.", []string{"method"}, nil)}
	counter := func(name, help string, value func(egress.Stats) uint64) {
		c.counters = append(c.counters, mediaCounter{desc: prometheus.NewDesc(name, help, nil, nil), value: value})
	}
	counter("parley_ingress_packets_total", "Packets from the network and from relays.",
		func(s egress.Stats) uint64 { return s.PacketsIn })
	counter("parley_ingress_bytes_total", "Their bytes.", func(s egress.Stats) uint64 { return s.BytesIn })
	counter("parley_ingress_reads_total", "Reads that brought them.", func(s egress.Stats) uint64 { return s.Receives })
	counter("parley_egress_packets_total", "Packets sent.", func(s egress.Stats) uint64 { return s.PacketsOut })
	counter("parley_egress_bytes_total", "Their bytes.", func(s egress.Stats) uint64 { return s.BytesOut })
	counter("parley_egress_messages_total", "Messages that the kernel was given: one or more packets to a receiver.",
		func(s egress.Stats) uint64 { return s.Messages })
	counter("parley_egress_sends_total", "System calls that sent them.", func(s egress.Stats) uint64 { return s.Sends })
	counter("parley_egress_gso_refusals_total", "Messages of several packets that the kernel refused.",
		func(s egress.Stats) uint64 { return s.GSORefusals })
	dropped := prometheus.NewDesc("parley_media_dropped_total", "Packets dropped at the media socket.",
		[]string{"reason"}, nil)
	for reason, value := range map[string]func(egress.Stats) uint64{
		"send_buffer_full": func(s egress.Stats) uint64 { return s.WriteDrops },
		"send_failed":      func(s egress.Stats) uint64 { return s.WriteFaults },
		"unrouted":         func(s egress.Stats) uint64 { return s.Unrouted },
		"spoofed":          func(s egress.Stats) uint64 { return s.Spoofed },
		"oversized":        func(s egress.Stats) uint64 { return s.Oversized },
		"stale":            func(s egress.Stats) uint64 { return s.Stale },
		"queue_full":       func(s egress.Stats) uint64 { return s.QueueDrops + s.InjectDrops },
	} {
		c.counters = append(c.counters, mediaCounter{dropped, value, reason})
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *mediaCollector) Describe(descs chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descs)
}

// Collect implements prometheus.Collector.
func (c *mediaCollector) Collect(metrics chan<- prometheus.Metric) {
	stats := c.conn.Stats()
	metrics <- prometheus.MustNewConstMetric(c.method, prometheus.GaugeValue, 1, stats.Method)
	for _, counter := range c.counters {
		var labels []string
		if counter.label != "" {
			labels = append(labels, counter.label)
		}
		metrics <- prometheus.MustNewConstMetric(
			counter.desc, prometheus.CounterValue, float64(counter.value(stats)), labels...)
	}
}
