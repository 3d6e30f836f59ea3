package main

import (
	"fmt"
	"math"
)

// What a machine would carry, on paper, from what a packet costs here.

const (
	usable = 0.8 // of the cores and of the network, beyond which queues grow

	// wireOverhead is what Ethernet carries around an SRTP packet: UDP 8, IPv4 20, Ethernet header and check 18,
	// preamble and gap 20.
	wireOverhead = 8 + 20 + 18 + 20
)

// paper is a machine that was not measured.
type paper struct {
	cores   int
	gigabit float64 // of the network, per second
}

func papers() []paper {
	return []paper{{1, 10}, {16, 10}, {16, 100}, {64, 10}, {64, 100}}
}

// stream is what one viewer gets.
type stream struct {
	rate      float64 // packets per second
	size      float64 // bytes of an SRTP packet
	perPacket float64 // CPU microseconds
}

// streamOf takes the largest load that was measured.
func streamOf(p Point) (stream, bool) {
	viewers := float64(p.Load.Subscribers)
	rate := median(ours(p, func(s *Sample) float64 { return s.rate() / viewers }))
	size := median(ours(p, func(s *Sample) float64 { return s.Received.Bytes / s.Received.Packets }))
	cost := median(ours(p, func(s *Sample) float64 { return s.Server.PerPacket }))
	return stream{rate, size, cost}, rate > 0 && size > 0 && cost > 0
}

// carries says how many viewers the cores and the network of a machine carry.
func (s stream) carries(m paper) (byCPU, byNetwork float64) {
	byCPU = usable * float64(m.cores) * 1e6 / s.perPacket / s.rate
	byNetwork = usable * m.gigabit * 1e9 / ((s.size + wireOverhead) * 8 * s.rate)
	return byCPU, byNetwork
}

// limitLines is a table of machines.
func limitLines(s stream) []string {
	lines := []string{
		"| cores | network, Gbit/s | by the cores | by the network | viewers | packets/s |",
		"| --- | --- | --- | --- | --- | --- |",
	}
	for _, m := range papers() {
		byCPU, byNetwork := s.carries(m)
		viewers := math.Min(byCPU, byNetwork)
		lines = append(lines, fmt.Sprintf("| %d | %s | %s | %s | **%s** | %s |", m.cores, number(m.gigabit), about(byCPU),
			about(byNetwork), about(viewers), about(viewers*s.rate)))
	}
	return lines
}

// about has two digits.
func about(f float64) string {
	if !(f > 0) {
		return "0"
	}
	unit := math.Pow(10, math.Max(0, math.Floor(math.Log10(f))-1))
	return fmt.Sprintf("%.0f", math.Round(f/unit)*unit)
}
