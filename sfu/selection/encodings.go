package selection

import "parley/sfu/codec"

// encodings is how many encodings of a track are told apart.
const encodings = 4

// seen is the newest of an encoding that does not flow. Browsers probe with retransmissions, of keyframes too: what was
// seen before must not be begun with.
type seen struct {
	encoding uint32
	sequence uint16
}

// Begins reports whether Next would begin with p: go over to its encoding, or take it up again. A caller that keeps the
// parameter sets of an encoding that does not flow, instead of handing them in, hands them in first then, the first of
// them as a keyframe.
func (s *Selector) Begins(p *Packet) bool {
	if p.Empty || !p.Frame.Keyframe || p.Encoding != s.target.Encoding {
		return false
	}
	if p.Encoding != s.current.Encoding {
		return s.newer(p)
	}
	return s.restarted(p)
}

// Replay is called before packets of an encoding that does not flow are handed in again, in order and from that number
// on: a keyframe whose beginning came late, or one that is kept for those who join. Else what was seen before is never
// begun with.
func (s *Selector) Replay(encoding uint32, from uint16) {
	if encoding != s.current.Encoding {
		s.note(encoding, from-1)
	}
}

// newer reports whether p is newer than what was seen of its encoding, which does not flow.
func (s *Selector) newer(p *Packet) bool {
	for i := range s.others {
		if o := &s.others[i]; o.encoding == p.Encoding {
			ahead := int16(p.Sequence - o.sequence)
			return ahead > 0 || ahead < -maxBehind
		}
	}
	return true
}

// note remembers the newest of an encoding. The one that was noted first makes room for a new one.
func (s *Selector) note(encoding uint32, sequence uint16) {
	for i := range s.others {
		if s.others[i].encoding == encoding {
			s.others[i].sequence = sequence
			return
		}
	}
	copy(s.others[:], s.others[1:])
	s.others[encodings-1] = seen{encoding, sequence}
}

// restarted reports whether p cannot be of the numbers that its encoding, the current one, had so far.
func (s *Selector) restarted(p *Packet) bool {
	ahead := int16(p.Sequence - s.numbers.Highest())
	return ahead > maxGap || ahead < -maxBehind
}

// leave ends the current encoding.
func (s *Selector) leave() {
	s.note(s.current.Encoding, s.numbers.Highest())
	s.numbers.End()
	s.current = Target{}
	s.former = s.last.arrived.Add(lateTime)
}

// other decides about a packet of an encoding that does not flow.
func (s *Selector) other(p *Packet) (Out, bool) {
	if p.Empty {
		return Out{}, false
	}
	if p.Arrived.Before(s.former) {
		if out, ok := s.late(p); ok {
			return out, true
		}
	}
	if s.Begins(p) {
		return s.begin(p), true
	}
	if s.newer(p) {
		s.note(p.Encoding, p.Sequence)
	}
	return Out{}, false
}

// begin makes p's encoding the current one.
func (s *Selector) begin(p *Packet) Out {
	if s.current.Encoding != 0 {
		s.note(s.current.Encoding, s.numbers.Highest())
	}
	s.current = s.target
	s.current.Hold = false
	s.former = p.Arrived.Add(lateTime)
	s.lost, s.settled, s.waited, s.upper = false, true, 0, false
	value := held{timestamp: s.timestampOffset(p), spatial: s.current.Spatial, temporal: s.current.Temporal}
	if s.last.started {
		s.continueCounters(p.Frame, &value)
	}
	s.numbers.Begin(p.Encoding, p.Sequence, value)
	s.frame, s.top, s.newest = p.Timestamp, 0, number(p.Frame)
	s.skipped, s.broken, s.partly = skipped{}, 0, false
	resumed := s.last.started
	out := s.send(p)
	if resumed && s.kind == codec.KindOpus {
		out.Marker = true // a talkspurt begins (RFC 3551, 4.1)
	}
	return out
}
