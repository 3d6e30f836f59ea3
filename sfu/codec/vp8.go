// Package codec reads what an SFU must know of an RTP payload: where a keyframe starts, which layer a packet belongs
// to. It is pure and never trusts a length.
package codec

import "errors"

// ErrShort is returned for a payload that ends within its descriptor.
var ErrShort = errors.New("payload shorter than its descriptor")

// VP8 is a VP8 payload descriptor (RFC 7741, 4.2) and what the first bytes of the frame tell.
type VP8 struct {
	HasPictureID  bool
	LongPictureID bool // 15 bits, else 7
	HasTL0PicIdx  bool
	HasTID        bool
	HasKeyIdx     bool
	Start         bool // this packet starts a frame
	Sync          bool // Y: of a higher temporal layer, but refers to frames of layer 0 only

	PictureID uint16
	TL0PicIdx uint8
	TID       uint8
	KeyIdx    uint8 // 5 bits

	Keyframe      bool   // this packet starts a keyframe
	Width, Height uint16 // pixels, of a keyframe whose header is in this packet, else 0

	pictureIDAt, tl0PicIdxAt, keyIdxAt uint8 // where they stand in the payload
}

// ParseVP8 reads the descriptor at the start of an RTP payload.
func ParseVP8(payload []byte) (VP8, error) {
	var d VP8
	if len(payload) < 1 {
		return d, ErrShort
	}
	first, at := payload[0], 1
	if first&0x80 != 0 { // X
		var err error
		if at, err = d.parseExtension(payload); err != nil {
			return VP8{}, err
		}
	}
	// S with partition 0 starts a frame; an inverse key frame bit of 0 makes it a keyframe (RFC 6386, 9.1).
	d.Start = first&0x10 != 0 && first&0x07 == 0
	if d.Start && len(payload) > at && payload[at]&0x01 == 0 {
		d.parseKeyframe(payload[at:])
	}
	return d, nil
}

// parseExtension reads the optional fields and returns where the descriptor ends.
func (d *VP8) parseExtension(payload []byte) (int, error) {
	if len(payload) < 2 {
		return 0, ErrShort
	}
	flags, at := payload[1], 2
	if flags&0x80 != 0 { // I
		if len(payload) <= at {
			return 0, ErrShort
		}
		d.HasPictureID, d.pictureIDAt = true, uint8(at)
		d.PictureID = uint16(payload[at] & 0x7f)
		if payload[at]&0x80 != 0 { // M
			if len(payload) <= at+1 {
				return 0, ErrShort
			}
			d.LongPictureID = true
			d.PictureID = d.PictureID<<8 | uint16(payload[at+1])
			at++
		}
		at++
	}
	if flags&0x40 != 0 { // L
		if len(payload) <= at {
			return 0, ErrShort
		}
		d.HasTL0PicIdx, d.tl0PicIdxAt, d.TL0PicIdx = true, uint8(at), payload[at]
		at++
	}
	if flags&0x30 != 0 { // T or K
		if len(payload) <= at {
			return 0, ErrShort
		}
		if flags&0x20 != 0 {
			d.HasTID, d.TID, d.Sync = true, payload[at]>>6, payload[at]&0x20 != 0
		}
		if flags&0x10 != 0 {
			d.HasKeyIdx, d.keyIdxAt, d.KeyIdx = true, uint8(at), payload[at]&0x1f
		}
		at++
	}
	return at, nil
}

// parseKeyframe reads the size from a keyframe's header: three bytes of frame tag, a start code, 14 bits each.
func (d *VP8) parseKeyframe(frame []byte) {
	d.Keyframe = true
	if len(frame) < 10 || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a {
		return
	}
	d.Width = (uint16(frame[6]) | uint16(frame[7])<<8) & 0x3fff
	d.Height = (uint16(frame[8]) | uint16(frame[9])<<8) & 0x3fff
}

// Put writes the counters of d into payload: a copy of the one that d was read from, or one of the same layout.
func (d VP8) Put(payload []byte) {
	if d.HasPictureID {
		if d.LongPictureID {
			payload[d.pictureIDAt] = 0x80 | byte(d.PictureID>>8)
			payload[d.pictureIDAt+1] = byte(d.PictureID)
		} else {
			payload[d.pictureIDAt] = byte(d.PictureID & 0x7f)
		}
	}
	if d.HasTL0PicIdx {
		payload[d.tl0PicIdxAt] = d.TL0PicIdx
	}
	if d.HasKeyIdx {
		payload[d.keyIdxAt] = payload[d.keyIdxAt]&^0x1f | d.KeyIdx&0x1f
	}
}
