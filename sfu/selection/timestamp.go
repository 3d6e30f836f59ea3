package selection

import (
	"time"

	"parley/sfu/codec"
)

// timestampOffset finds what to subtract from the timestamps of p's encoding, so that they go on from the last ones.
func (s *Selector) timestampOffset(p *Packet) uint32 {
	if !s.last.started {
		return 0
	}
	ahead := s.last.ideal - s.last.offset // by as much the last ones were moved on
	arrival := s.last.timestamp - ahead + s.ticks(max(p.Arrived.Sub(s.last.arrived), 0))
	out := arrival
	candidate, ok := p.Timestamp, true // its own clock goes on
	if p.Encoding != s.last.encoding {
		candidate, ok = p.Clock.Align(p.Timestamp, s.last.clock, s.rate)
	}
	candidate -= s.last.ideal
	if limit := int32(s.ticks(tolerance)); ok && int32(candidate-arrival) <= limit && int32(arrival-candidate) <= limit {
		out = candidate
	}
	s.last.ideal = p.Timestamp - out
	least := s.last.timestamp + 1
	if s.kind == codec.KindOpus {
		least = s.last.timestamp + s.rate/50 // a usual packet
	}
	if int32(out-least) < 0 {
		out = least
	}
	return p.Timestamp - out
}

// ticks converts a time into units of the media clock.
func (s *Selector) ticks(d time.Duration) uint32 {
	return uint32(uint64(d/time.Second)*uint64(s.rate) + uint64(d%time.Second)*uint64(s.rate)/uint64(time.Second))
}
