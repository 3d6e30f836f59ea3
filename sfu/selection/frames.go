package selection

import "parley/sfu/codec"

// rememberedFrames is how many frames may wait unsent.
const rememberedFrames = 64

// frames remembers the frames that went out last, in order, so that they can be taken back.
type frames struct {
	ring   [rememberedFrames]sentFrame
	newest int
	count  int
}

type sentFrame struct {
	sequence  uint16 // of its first packet
	number    uint16 // as it came
	spatial   uint8
	temporal  uint8
	timestamp uint32
	counters  Fields
}

func (r *frames) add(f *codec.Frame, number uint16, out *Out) {
	if n := &r.ring[r.newest]; r.count > 0 && n.timestamp == out.Timestamp && n.spatial == f.Spatial {
		return
	}
	r.newest = (r.newest + 1) % rememberedFrames
	r.count = min(r.count+1, rememberedFrames)
	r.ring[r.newest] = sentFrame{out.Sequence, number, f.Spatial, f.Temporal, out.Timestamp, out.Fields}
}

// pop takes the newest away.
func (r *frames) pop() {
	r.newest = (r.newest + rememberedFrames - 1) % rememberedFrames
	r.count--
}

// Rewind takes back the packets from that outgoing number on, which were never sent: the next to go out has that
// number. Where only frames of higher temporal layers are taken back, the layers below go on at once; else nothing goes
// out until there is a keyframe.
func (s *Selector) Rewind(sequence uint16) {
	if !s.last.started || int16(s.numbers.Last()-sequence) < 0 {
		return
	}
	lowest, last := s.takeBack(sequence)
	if s.current.Encoding == 0 || lowest == 0 {
		if s.current.Encoding != 0 {
			s.leave()
		}
		s.numbers.Rewind(sequence)
		return
	}
	value, next := *s.numbers.Value(), s.numbers.Highest()+1
	s.current.Temporal, s.settled = min(s.current.Temporal, lowest-1), false
	value.limits = s.limits()
	value.former = value.limits
	if s.kind == codec.KindVP8 {
		value.picture += last - s.last.counters.Picture
	}
	s.numbers.Rewind(sequence)
	s.numbers.Begin(s.last.encoding, next, value)
}

// takeBack forgets the frames that begin with that outgoing number or later. It returns the lowest temporal layer that
// has lost something, and the number of the last picture before. What is not remembered may be of any layer.
func (s *Selector) takeBack(sequence uint16) (lowest uint8, last uint16) {
	r := &s.frames
	lowest, last = ^uint8(0), s.last.counters.Picture
	end := s.numbers.Last() + 1 // of the packets of the frame that is looked at
	for r.count > 0 && int16(end-sequence) > 0 {
		n := &r.ring[r.newest]
		lowest = min(lowest, n.temporal)
		s.skipped.set(n.number)
		s.last.counters = n.counters
		if int16(n.sequence-sequence) < 0 {
			return lowest, last // its beginning was sent
		}
		end = n.sequence
		r.pop()
	}
	if r.count == 0 {
		return 0, last
	}
	s.last.counters = r.ring[r.newest].counters
	return lowest, last
}
