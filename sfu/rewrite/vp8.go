package rewrite

import "parley/sfu/codec"

// VP8 maps the counters in the VP8 payload descriptor (RFC 7741, 4.2) of successive sources onto one: a decoder finds a
// frame's references by them.
type VP8 struct {
	started   bool
	pictureID uint16 // offsets: what to subtract
	tl0PicIdx uint8
	keyIdx    uint8    // modulo 32
	last      struct { // newest that went out
		pictureID uint16
		tl0PicIdx uint8
		keyIdx    uint8
	}
}

// Switch makes the source whose next packet has descriptor d the current one.
func (v *VP8) Switch(d codec.VP8) {
	if v.started {
		v.pictureID = d.PictureID - (v.last.pictureID + 1)
		v.tl0PicIdx = d.TL0PicIdx - (v.last.tl0PicIdx + 1)
		v.keyIdx = (d.KeyIdx - (v.last.keyIdx + 1)) & 0x1f
	}
	v.started = true
	v.last.pictureID = d.PictureID - v.pictureID
	v.last.tl0PicIdx = d.TL0PicIdx - v.tl0PicIdx
	v.last.keyIdx = (d.KeyIdx - v.keyIdx) & 0x1f
}

// Next maps the counters of d, which the caller writes with [codec.VP8.Put]. What d does not carry stays absent.
func (v *VP8) Next(d codec.VP8) codec.VP8 {
	if d.HasPictureID {
		mask := uint16(0x7f)
		if d.LongPictureID {
			mask = 0x7fff
		}
		d.PictureID = (d.PictureID - v.pictureID) & mask
		if ahead := (d.PictureID - v.last.pictureID) & mask; ahead <= mask/2 {
			v.last.pictureID = d.PictureID
		}
	}
	if d.HasTL0PicIdx {
		d.TL0PicIdx -= v.tl0PicIdx
		if ahead := d.TL0PicIdx - v.last.tl0PicIdx; ahead < 0x80 {
			v.last.tl0PicIdx = d.TL0PicIdx
		}
	}
	if d.HasKeyIdx {
		d.KeyIdx = (d.KeyIdx - v.keyIdx) & 0x1f
		if ahead := (d.KeyIdx - v.last.keyIdx) & 0x1f; ahead < 0x10 {
			v.last.keyIdx = d.KeyIdx
		}
	}
	return d
}
