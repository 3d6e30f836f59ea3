package codec

// Types of NAL unit (RFC 6184, 5.2 and H.264 table 7-1).
const (
	nalSlice    = 1
	nalIDR      = 5
	nalSEI      = 6
	nalSPS      = 7
	nalAUD      = 9 // access unit delimiter
	nalPrefix   = 14
	nalReserved = 18
	nalSTAPA    = 24
	nalFUA      = 28
)

// parseH264 finds the first IDR slice of a picture: alone, within an aggregation, or at the start of a fragmentation.
// What comes before it is no keyframe.
func (f *Frame) parseH264(payload []byte, marker bool) {
	f.Last = marker
	slice := false
	switch payload[0] & 0x1f {
	case nalSTAPA:
		for rest := payload[1:]; len(rest) > 2; {
			size := int(rest[0])<<8 | int(rest[1])
			slice = f.parseNAL(rest[2:min(2+size, len(rest))]) || slice
			rest = rest[min(2+size, len(rest)):]
		}
	case nalFUA:
		if len(payload) > 1 {
			kind := payload[1] & 0x1f
			f.Keyframe = payload[1]&0x80 != 0 && kind == nalIDR && firstSlice(payload[2:])
			f.ParameterSet = precedes(kind)
		}
	default:
		slice = f.parseNAL(payload)
	}
	f.ParameterSet = f.ParameterSet && !slice
}

// parseNAL reads a NAL unit that is whole, and reports whether it is a slice, or a part of one.
func (f *Frame) parseNAL(unit []byte) (slice bool) {
	if len(unit) == 0 {
		return false
	}
	kind := unit[0] & 0x1f
	if kind >= nalSlice && kind <= nalIDR {
		f.Keyframe = f.Keyframe || kind == nalIDR && firstSlice(unit[1:])
		return true
	}
	f.ParameterSet = f.ParameterSet || precedes(kind)
	if kind == nalSPS {
		if size, ok := parseSPS(unit[1:]); ok {
			f.tellSizes([MaxSpatial]Size{size})
		}
	}
	return false
}

// precedes reports whether units of that type come before a picture's first slice (H.264, 7.4.1.2.3).
func precedes(kind byte) bool {
	return kind >= nalSEI && kind <= nalAUD || kind >= nalPrefix && kind <= nalReserved
}

// firstSlice reports whether a slice begins with the picture's first macroblock, which is number 0 and as such a one
// (H.264, 7.3.3 and 9.1). Who began with a later slice would never get the first.
func firstSlice(header []byte) bool { return len(header) > 0 && header[0]&0x80 != 0 }

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
