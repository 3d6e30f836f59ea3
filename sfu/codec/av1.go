package codec

const obuSequenceHeader = 1

// parseAV1 reads an AV1 payload that has no dependency descriptor (AV1 RTP, 4.4): whether it starts a keyframe, and its
// size from the sequence header, which comes first then.
func (f *Frame) parseAV1(payload []byte, marker bool) {
	f.Last = marker
	f.Keyframe = payload[0]&0x08 != 0 // N
	if !f.Keyframe {
		return
	}
	unit := payload[1:]
	if payload[0]&0x30 != 0x10 { // W: where there is one unit, its length is left out
		size, n := leb128(unit)
		if n == 0 || size > len(unit)-n {
			return
		}
		unit = unit[n : n+size]
	}
	if len(unit) < 2 || unit[0]>>3&0x0f != obuSequenceHeader {
		return
	}
	at := 1
	if unit[0]&0x04 != 0 { // extension
		at++
	}
	if unit[0]&0x02 != 0 { // has a size
		_, n := leb128(unit[min(at, len(unit)):])
		at += n
	}
	if size, ok := parseSequenceHeader(unit[min(at, len(unit)):]); ok {
		f.tellSizes([MaxSpatial]Size{size})
	}
}

// leb128 reads a number (AV1, 4.10.5) and tells how many bytes it takes, 0 if it ends too early or is too large.
func leb128(data []byte) (value, n int) {
	for i := 0; i < len(data) && i < 4; i++ {
		value |= int(data[i]&0x7f) << (7 * i)
		if data[i]&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}

// parseSequenceHeader finds the size of the largest picture (AV1, 5.5.1).
func parseSequenceHeader(header []byte) (Size, bool) {
	b := bits{data: header}
	b.skip(4)     // profile, still picture
	if b.flag() { // reduced_still_picture_header
		b.skip(5) // level
	} else {
		b.operatingPoints()
	}
	widthBits, heightBits := int(b.read(4))+1, int(b.read(4))+1
	width, height := b.read(widthBits)+1, b.read(heightBits)+1
	if b.over || width > 1<<16-1 || height > 1<<16-1 {
		return Size{}, false
	}
	return Size{uint16(width), uint16(height)}, true
}

// operatingPoints passes over what stands between the profile and the size.
func (b *bits) operatingPoints() {
	model, delayBits := false, 0
	if b.flag() { // timing info
		b.skip(64)
		if b.flag() { // equal_picture_interval
			b.golomb() // of the same form as uvlc
		}
		if model = b.flag(); model {
			delayBits = int(b.read(5)) + 1
			b.skip(42)
		}
	}
	delays := b.flag()
	for range b.read(5) + 1 {
		b.skip(12)
		if b.read(5) > 7 { // level
			b.skip(1)
		}
		if model && b.flag() {
			b.skip(2*delayBits + 1)
		}
		if delays && b.flag() {
			b.skip(4)
		}
	}
}
