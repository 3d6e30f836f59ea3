package selection

import "parley/sfu/codec"

// MaxDependency is how many bytes a dependency descriptor takes at most, rewritten.
const MaxDependency = 255

// Fields is what differs in a payload, or in a dependency descriptor, between source and receiver. Kept with a packet
// that went out, it makes the same of the source's packet once more.
type Fields struct {
	Picture   uint16 // VP8, VP9: picture id; AV1: frame number
	TL0PicIdx uint8  // VP8, VP9
	KeyIdx    uint8  // VP8
	Targets   uint8  // AV1: how many decode targets there are, 0 to leave out which are active
	Active    uint32 // AV1: the active ones, a bit each
}

// Put writes the mapped fields into a copy of the payload that frame was read from.
func (f Fields) Put(frame *codec.Frame, payload []byte) {
	if d := &frame.VP8; d.HasPictureID || d.HasTL0PicIdx || d.HasKeyIdx {
		mapped := *d
		mapped.PictureID, mapped.TL0PicIdx, mapped.KeyIdx = f.Picture, f.TL0PicIdx, f.KeyIdx
		mapped.Put(payload)
	}
	if d := &frame.VP9; d.HasPictureID || d.HasTL0PicIdx {
		mapped := *d
		mapped.PictureID, mapped.TL0PicIdx = f.Picture, f.TL0PicIdx
		mapped.Put(payload)
	}
}

// PutDependency writes the dependency descriptor original, as the receiver must see it, into room, of which it takes at
// most [MaxDependency] bytes, usually three to five. It returns its length, 0 if there is none to be sent.
func (f Fields) PutDependency(original, room []byte) int {
	return codec.PutDependency(original, room, f.Picture, f.Active, int(f.Targets))
}

// fields maps what f carries by what held at its time.
func (s *Selector) fields(f *codec.Frame, value *held) Fields {
	switch s.kind {
	case codec.KindVP8:
		return Fields{
			Picture:   (f.VP8.PictureID - value.picture) & pictureMask(f.VP8.LongPictureID),
			TL0PicIdx: f.VP8.TL0PicIdx - value.tl0PicIdx,
			KeyIdx:    (f.VP8.KeyIdx - value.keyIdx) & 0x1f,
		}
	case codec.KindVP9:
		return Fields{
			Picture:   (f.VP9.PictureID - value.picture) & pictureMask(f.VP9.LongPictureID),
			TL0PicIdx: f.VP9.TL0PicIdx - value.tl0PicIdx,
		}
	case codec.KindAV1:
		return s.dependencyFields(&f.Dependency, value)
	default:
		return Fields{}
	}
}

// dependencyFields tells the receiver which decode targets it can expect. A structure makes all of them active, so that
// nothing need be said while all are.
func (s *Selector) dependencyFields(d *codec.Dependency, value *held) Fields {
	fields := Fields{Picture: d.FrameNumber - value.picture}
	if d.Structure == nil {
		return fields
	}
	active := d.Active & d.Structure.Within(value.spatial, value.temporal)
	all := d.Structure.All()
	if active != 0 && (active != all || s.partly) {
		fields.Targets, fields.Active = uint8(d.Structure.Targets), active
	}
	return fields
}

func pictureMask(long bool) uint16 {
	if long {
		return 0x7fff
	}
	return 0x7f
}

// continueCounters makes the counters of a keyframe the ones after the last.
func (s *Selector) continueCounters(f *codec.Frame, value *held) {
	last := &s.last.counters
	switch s.kind {
	case codec.KindVP8:
		value.picture = f.VP8.PictureID - (last.Picture + 1)
		value.tl0PicIdx = f.VP8.TL0PicIdx - (last.TL0PicIdx + 1)
		value.keyIdx = f.VP8.KeyIdx - (last.KeyIdx + 1)
	case codec.KindVP9:
		value.picture = f.VP9.PictureID - (last.Picture + 1)
		value.tl0PicIdx = f.VP9.TL0PicIdx - (last.TL0PicIdx + 1)
	case codec.KindAV1:
		value.picture = f.Dependency.FrameNumber - (last.Picture + 1)
	}
}

// picture is the number of f's picture, or of its frame, as it came.
func (s *Selector) picture(f *codec.Frame) uint16 {
	switch s.kind {
	case codec.KindVP8:
		return f.VP8.PictureID
	case codec.KindVP9:
		return f.VP9.PictureID
	case codec.KindAV1:
		return f.Dependency.FrameNumber
	default:
		return 0
	}
}
