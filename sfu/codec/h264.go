package codec

// Types of NAL unit (RFC 6184, 5.2 and H.264 table 7-1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalPPS   = 8
	nalSTAPA = 24
	nalFUA   = 28
)

// parseH264 finds an IDR slice: alone, within an aggregation, or at the start of a fragmentation. Parameter sets alone
// are no keyframe.
func (f *Frame) parseH264(payload []byte, marker bool) {
	f.Last = marker
	switch payload[0] & 0x1f {
	case nalSTAPA:
		for rest := payload[1:]; len(rest) > 2; {
			size := int(rest[0])<<8 | int(rest[1])
			f.parseNAL(rest[2:min(2+size, len(rest))])
			rest = rest[min(2+size, len(rest)):]
		}
	case nalFUA:
		f.Keyframe = len(payload) > 1 && payload[1]&0x80 != 0 && payload[1]&0x1f == nalIDR
	default:
		f.parseNAL(payload)
	}
	f.ParameterSet = f.ParameterSet && !f.Keyframe
}

// parseNAL reads a NAL unit that is whole.
func (f *Frame) parseNAL(unit []byte) {
	if len(unit) == 0 {
		return
	}
	switch unit[0] & 0x1f {
	case nalIDR:
		f.Keyframe = true
	case nalPPS:
		f.ParameterSet = true
	case nalSPS:
		f.ParameterSet = true
		if size, ok := parseSPS(unit[1:]); ok {
			f.tellSizes([MaxSpatial]Size{size})
		}
	}
}

// maxSPS is how much of a sequence parameter set is read: the size of the picture stands near its beginning.
const maxSPS = 256

// parseSPS finds the size of the picture in a sequence parameter set (H.264, 7.3.2.1.1), whose header is left out.
func parseSPS(set []byte) (Size, bool) {
	var room [maxSPS]byte
	b := bits{data: unescape(room[:0], set)}
	profile := b.read(8)
	b.skip(16) // constraints, level
	b.golomb()
	chroma := uint32(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma = b.highProfile()
	}
	b.golomb() // log2_max_frame_num_minus4
	switch b.golomb() {
	case 0:
		b.golomb()
	case 1:
		b.skip(1)
		b.golomb()
		b.golomb()
		for range min(b.golomb(), 255) {
			b.golomb()
		}
	}
	b.golomb() // max_num_ref_frames
	b.skip(1)
	width, height := (b.golomb()+1)*16, (b.golomb()+1)*16
	if frameOnly := b.flag(); !frameOnly {
		height *= 2
		b.skip(1)
	}
	b.skip(1)
	if b.flag() { // frame_cropping_flag
		acrossUnit, downUnit := uint32(1), uint32(1)
		if chroma == 1 || chroma == 2 {
			acrossUnit = 2
		}
		if chroma == 1 {
			downUnit = 2
		}
		width -= (b.golomb() + b.golomb()) * acrossUnit
		height -= (b.golomb() + b.golomb()) * downUnit
	}
	if b.over || width == 0 || height == 0 || width > 1<<14 || height > 1<<14 {
		return Size{}, false
	}
	return Size{uint16(width), uint16(height)}, true
}

// highProfile reads what only the high profiles have, and returns the chroma format.
func (b *bits) highProfile() (chroma uint32) {
	chroma = b.golomb()
	if chroma == 3 {
		b.skip(1)
	}
	b.golomb()
	b.golomb()
	b.skip(1)
	if !b.flag() { // seq_scaling_matrix_present_flag
		return chroma
	}
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !b.flag() {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int32(8), int32(8)
		for range size {
			if next != 0 {
				next = (last + b.signedGolomb() + 256) % 256
			}
			if next != 0 {
				last = next
			}
		}
	}
	return chroma
}

// unescape appends a NAL unit without its emulation prevention bytes (H.264, 7.4.1), as far as into has room.
func unescape(into, unit []byte) []byte {
	zeros := 0
	for _, octet := range unit {
		if len(into) == cap(into) {
			break
		}
		if zeros >= 2 && octet == 3 {
			zeros = 0
			continue
		}
		if octet == 0 {
			zeros++
		} else {
			zeros = 0
		}
		into = append(into, octet)
	}
	return into
}

// golomb reads an Exp-Golomb code (H.264, 9.1).
func (b *bits) golomb() uint32 {
	zeros := 0
	for !b.flag() {
		if zeros++; zeros > 31 || b.over {
			b.over = true
			return 0
		}
	}
	return 1<<zeros - 1 + b.read(zeros)
}

func (b *bits) signedGolomb() int32 {
	code := b.golomb()
	if code&1 != 0 {
		return int32(code/2) + 1
	}
	return -int32(code / 2)
}
