package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"parley/sfu"
	"parley/signaling"
)

// signalCollector reads what is counted on the sockets, and between the SFU and its participants, when it is asked.
type signalCollector struct {
	counters *signaling.Counters
	sfu      interface{ Tallies() sfu.Tallies }

	sockets, toMedia *prometheus.Desc
	plain            []plainCounter
	labelled         []labelledCounter
}

// plainCounter is one without labels.
type plainCounter struct {
	desc  *prometheus.Desc
	value func(signaling.Counts, sfu.Tallies) uint64
}

// labelledCounter has one label, whose values are few and known.
type labelledCounter struct {
	desc   *prometheus.Desc
	values func(signaling.Counts, sfu.Tallies) map[string]uint64
}

func newSignalCollector(counters *signaling.Counters, s interface{ Tallies() sfu.Tallies }) *signalCollector {
	c := &signalCollector{
		counters: counters, sfu: s,
		sockets: prometheus.NewDesc("parley_sockets", "Websockets that are open.", nil, nil),
		toMedia: prometheus.NewDesc("parley_join_to_media_seconds", "From a join until media can flow.", nil, nil),
	}
	plain := func(name, help string, value func(signaling.Counts, sfu.Tallies) uint64) {
		c.plain = append(c.plain, plainCounter{prometheus.NewDesc(name, help, nil, nil), value})
	}
	plain("parley_frames_received_total", "Frames that came over websockets.",
		func(c signaling.Counts, _ sfu.Tallies) uint64 { return c.FramesIn })
	plain("parley_frames_sent_total", "Frames that went over websockets.",
		func(c signaling.Counts, _ sfu.Tallies) uint64 { return c.FramesOut })
	plain("parley_joins_total", "Joins of rooms.", func(c signaling.Counts, _ sfu.Tallies) uint64 { return c.Joins })
	plain("parley_chat_messages_total", "Messages in the chats of rooms.",
		func(c signaling.Counts, _ sfu.Tallies) uint64 { return c.ChatMessages })
	plain("parley_ice_restarts_total", "ICE restarts of clients.",
		func(_ signaling.Counts, t sfu.Tallies) uint64 { return t.ICERestarts })
	plain("parley_paths_lost_total", "Paths over which nothing came any more for 3 s.",
		func(_ signaling.Counts, t sfu.Tallies) uint64 { return t.PathsLost })
	labelled := func(name, help, label string, values func(signaling.Counts, sfu.Tallies) map[string]uint64) {
		c.labelled = append(c.labelled, labelledCounter{prometheus.NewDesc(name, help, []string{label}, nil), values})
	}
	labelled("parley_sockets_ended_total", "Websockets that ended, by why.", "reason",
		func(c signaling.Counts, _ sfu.Tallies) map[string]uint64 { return c.Ended })
	labelled("parley_resumes_total", "Clients that came back for their session, by whether it was still there.", "result",
		func(c signaling.Counts, _ sfu.Tallies) map[string]uint64 {
			return map[string]uint64{"resumed": c.Resumed, "refused": c.Unresumed}
		})
	labelled("parley_refusals_total", "What clients were refused, by type of the error.", "type",
		func(c signaling.Counts, _ sfu.Tallies) map[string]uint64 { return c.Refusals })
	labelled("parley_join_failures_total", "Joins that were refused, by type of the error.", "type",
		func(c signaling.Counts, _ sfu.Tallies) map[string]uint64 { return c.FailedJoins })
	labelled("parley_limits_hit_total", "How often a limit was hit, by its name.", "limit", limitsHit)
	labelled("parley_negotiation_rounds_total", "Offers, by who made them.", "by",
		func(_ signaling.Counts, t sfu.Tallies) map[string]uint64 {
			return map[string]uint64{"server": t.OffersMade, "client": t.OffersTaken}
		})
	labelled("parley_resets_total", "Fresh connections in a call, by who asked for them.", "by",
		func(_ signaling.Counts, t sfu.Tallies) map[string]uint64 {
			return map[string]uint64{"server": t.ResetsMade, "client": t.ResetsTaken}
		})
	return c
}

// limitsHit are those of signalling and of the SFU together.
func limitsHit(c signaling.Counts, t sfu.Tallies) map[string]uint64 {
	for name, n := range map[string]uint64{
		"descriptions": t.Descriptions, "candidates": t.Candidates, "tracks": t.Tracks, "encodings": t.Encodings,
		"overflow": t.Overflows, "resets": t.TooManyResets, "data_channels": t.Channels,
	} {
		c.Limits[name] = n
	}
	return c.Limits
}

// Describe implements prometheus.Collector.
func (c *signalCollector) Describe(descs chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descs)
}

// Collect implements prometheus.Collector.
func (c *signalCollector) Collect(metrics chan<- prometheus.Metric) {
	counts, tallies := c.counters.Read(), c.sfu.Tallies()
	metrics <- prometheus.MustNewConstMetric(c.sockets, prometheus.GaugeValue, float64(counts.Sockets))
	metrics <- prometheus.MustNewConstHistogram(
		c.toMedia, counts.ToMedia.Count, counts.ToMedia.Sum, counts.ToMedia.Buckets)
	for _, counter := range c.plain {
		metrics <- prometheus.MustNewConstMetric(
			counter.desc, prometheus.CounterValue, float64(counter.value(counts, tallies)))
	}
	for _, counter := range c.labelled {
		for label, n := range counter.values(counts, tallies) {
			metrics <- prometheus.MustNewConstMetric(counter.desc, prometheus.CounterValue, float64(n), label)
		}
	}
}
