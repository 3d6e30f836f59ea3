package selection

import "parley/sfu/codec"

// MaxDependency is how many bytes a dependency descriptor takes at most, rewritten.
const MaxDependency = 255

// Fields is what differs in a payload, or in a dependency descriptor, between source and receiver. Kept with a packet
// that went out, it makes the same of the source's packet once more.
type Fields struct {
	Picture   uint16 // VP8, VP9: picture id
	TL0PicIdx uint8  // VP8, VP9
	KeyIdx    uint8  // VP8

	Described bool   // there is a dependency descriptor to be sent
	Frame     uint16 // its frame number
	Targets   uint8  // how many decode targets there are, 0 to leave out which are active
	Active    uint32 // the active ones, a bit each
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
	if !f.Described {
		return 0
	}
	return codec.PutDependency(original, room, f.Frame, f.Active, int(f.Targets))
}

// fields maps what f carries by what held at its time.
func (s *Selector) fields(f *codec.Frame, value *held) (fields Fields) {
	switch s.kind {
	case codec.KindVP8:
		fields.Picture = (f.VP8.PictureID - value.picture) & pictureMask(f.VP8.LongPictureID)
		fields.TL0PicIdx = f.VP8.TL0PicIdx - value.tl0PicIdx
		fields.KeyIdx = (f.VP8.KeyIdx - value.keyIdx) & 0x1f
	case codec.KindVP9:
		fields.Picture = (f.VP9.PictureID - value.picture) & pictureMask(f.VP9.LongPictureID)
		fields.TL0PicIdx = f.VP9.TL0PicIdx - value.tl0PicIdx
	}
	if f.Dependency.Structure != nil {
		s.describe(&f.Dependency, value, &fields)
	}
	return fields
}

// describe tells the receiver which decode targets it can expect. A structure makes all of them active, so that nothing
// need be said while all are.
func (s *Selector) describe(d *codec.Dependency, value *held, fields *Fields) {
	fields.Described, fields.Frame = true, d.FrameNumber-value.frame
	active := d.Active & d.Structure.Within(value.limits.spatial, value.limits.temporal)
	all := d.Structure.All()
	if active != 0 && (active != all || s.partly) {
		fields.Targets, fields.Active = uint8(d.Structure.Targets), active
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
	last := &s.last.counters
	switch s.kind {
	case codec.KindVP8:
		value.picture = f.VP8.PictureID - (last.Picture + 1)
		value.tl0PicIdx = f.VP8.TL0PicIdx - (last.TL0PicIdx + 1)
		value.keyIdx = f.VP8.KeyIdx - (last.KeyIdx + 1)
	case codec.KindVP9:
		value.picture = f.VP9.PictureID - (last.Picture + 1)
		value.tl0PicIdx = f.VP9.TL0PicIdx - (last.TL0PicIdx + 1)
	}
	value.frame = f.Dependency.FrameNumber - (last.Frame + 1)
}

// number is what frames that refer to f call it, as it came: the number of its frame or picture.
func number(f *codec.Frame) uint16 {
	if f.Dependency.Structure != nil {
		return f.Dependency.FrameNumber
	}
	return f.VP9.PictureID
}
