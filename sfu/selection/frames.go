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
	spatial   uint8
	temporal  uint8
	timestamp uint32
	counters  Fields
}

func (r *frames) add(f *codec.Frame, out *Out) {
	if n := &r.ring[r.newest]; r.count > 0 && n.timestamp == out.Timestamp && n.spatial == f.Spatial {
		return
	}
	r.newest = (r.newest + 1) % rememberedFrames
	r.count = min(r.count+1, rememberedFrames)
	r.ring[r.newest] = sentFrame{out.Sequence, f.Spatial, f.Temporal, out.Timestamp, out.Fields}
}

// Rewind takes back the packets from that outgoing number on, which were never sent: the next to go out has that
// number. Nothing does until there is a keyframe.
func (s *Selector) Rewind(sequence uint16) {
	if !s.last.started || int16(s.numbers.Last()-sequence) < 0 {
		return
	}
	r := &s.frames
	for r.count > 0 && int16(r.ring[r.newest].sequence-sequence) >= 0 {
		r.newest = (r.newest + rememberedFrames - 1) % rememberedFrames
		r.count--
	}
	if r.count > 0 {
		s.last.counters = r.ring[r.newest].counters
	}
	if s.current.Encoding != 0 {
		s.leave()
	}
	s.numbers.Rewind(sequence)
}
