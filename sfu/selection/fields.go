package selection

import "parley/sfu/codec"

// Fields is what differs in a payload, or in a dependency descriptor, between source and receiver. Kept with a packet
// that went out, it makes the same of the source's packet once more.
type Fields struct {
	Picture   uint16 // VP8, VP9: picture id; AV1: frame number
	TL0PicIdx uint8
	KeyIdx    uint8 // VP8
}

// Put writes the mapped fields into a copy of the payload that frame was read from.
func (f Fields) Put(frame *codec.Frame, payload []byte) {
	if d := frame.VP8; d.HasPictureID || d.HasTL0PicIdx || d.HasKeyIdx {
		d.PictureID, d.TL0PicIdx, d.KeyIdx = f.Picture, f.TL0PicIdx, f.KeyIdx
		d.Put(payload)
	}
}

// PutDependency writes the dependency descriptor original, as the receiver must see it, into room, which takes
// [MaxDependency] bytes. It returns its length, 0 if there is none to be sent.
func (f Fields) PutDependency(original, room []byte) int { return 0 }

// fields maps what f carries by what held at its time.
func (s *Selector) fields(f *codec.Frame, value *held) Fields {
	switch s.kind {
	case codec.KindVP8:
		return Fields{
			Picture:   (f.VP8.PictureID - value.picture) & pictureMask(f.VP8.LongPictureID),
			TL0PicIdx: f.VP8.TL0PicIdx - value.tl0PicIdx,
			KeyIdx:    (f.VP8.KeyIdx - value.keyIdx) & 0x1f,
		}
	default:
		return Fields{}
	}
}

func pictureMask(long bool) uint16 {
	if long {
		return 0x7fff
	}
	return 0x7f
}

// continueCounters makes the counters of a keyframe the ones after the last.
func (s *Selector) continueCounters(f *codec.Frame, value *held) {
	if s.kind == codec.KindVP8 {
		value.picture = f.VP8.PictureID - (s.last.counters.Picture + 1)
		value.tl0PicIdx = f.VP8.TL0PicIdx - (s.last.counters.TL0PicIdx + 1)
		value.keyIdx = f.VP8.KeyIdx - (s.last.counters.KeyIdx + 1)
	}
}

// sent notes what went out in order.
func (s *Selector) sent(f *codec.Frame, out *Out) {
	s.last.counters = out.Fields
	s.picture = f.VP8.PictureID
	if s.kind != codec.KindOpus {
		s.frames.add(f, out)
	}
}

// leaveOut drops p, which is ahead. A VP8 picture that is left out must not be missed: a receiver would hold back the
// pictures that follow it.
func (s *Selector) leaveOut(p *Packet) {
	value := *s.numbers.Value()
	if d := p.Frame.VP8; d.HasPictureID && d.PictureID != s.picture {
		s.picture = d.PictureID
		value.picture++
	}
	s.numbers.Drop(p.Sequence, value)
}
