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

// rerun is where packets that are handed in again begin.
type rerun struct {
	encoding uint32 // 0: none are
	from     uint16
}

// Begins reports whether Next would begin with p: go over to its encoding, or take it up again. A caller that keeps the
// parameter sets of an encoding that does not flow, instead of handing them in, hands them in first then, the first of
// them as a keyframe.
func (s *Selector) Begins(p *Packet) bool {
	if p.Empty || p.Encoding != s.target.Encoding || !p.Frame.Keyframe && (rerun{p.Encoding, p.Sequence}) != s.again {
		return false
	}
	if p.Encoding != s.current.Encoding {
		return s.newer(p)
	}
	return s.restarted(p)
}

// Replay is called before packets of the target's encoding are handed in again, from a keyframe on: one whose beginning
// came late, or that is kept for those who join. Else what was seen before is never begun with. It is of no effect
// where the encoding flows already, or is not the target's.
//
// from is the number of the keyframe's first packet, for H264 of the first with its timestamp: what comes before the
// first slice is part of it. The next packet of the encoding to be handed in must be that one; it begins, whatever its
// Frame says. After it come, in the order of their numbers, all that have come up to the newest that was handed in
// before, empty ones too; what is left out there counts as lost. Then live packets go on.
//
// Each is handed in as it was: with its marker, its clock, its time of arrival (now will do where nothing has gone out
// yet), and the Frame that it was parsed to when it came, or that a new [codec.Parser] makes of them from from on: that
// of the live packets has gone on.
func (s *Selector) Replay(encoding uint32, from uint16) {
	if encoding != s.current.Encoding && encoding == s.target.Encoding {
		s.note(encoding, from-1)
		s.again = rerun{encoding, from}
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
	if s.Begins(p) { // what is handed in again may have been missing before
		return s.begin(p), true
	}
	if p.Encoding == s.again.encoding {
		s.again = rerun{}
	}
	if p.Arrived.Before(s.former) {
		if out, ok := s.late(p); ok {
			return out, true
		}
	}
	if !p.Frame.ParameterSet && s.newer(p) { // those come again before their keyframe, see Begins
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
	s.again = rerun{}
	s.former = p.Arrived.Add(lateTime)
	s.lost, s.settled, s.waited, s.upper = false, true, 0, false
	value := held{timestamp: s.timestampOffset(p), limits: s.limits(), former: s.limits()}
	if s.last.started {
		s.continueCounters(p.Frame, &value)
	}
	s.numbers.Begin(p.Encoding, p.Sequence, value)
	s.frame, s.top, s.ended, s.newest = p.Timestamp, 0, false, number(p.Frame)
	s.skipped, s.broken, s.partly = skipped{}, 0, false
	resumed := s.last.started
	out := s.send(p)
	if resumed && s.kind == codec.KindOpus {
		out.Marker = true // a talkspurt begins (RFC 3551, 4.1)
	}
	return out
}
