package codec

// bits reads a bit string, most significant bit first. Past its end it reads zeros and says so.
type bits struct {
	data []byte
	at   int // bits read
	over bool
}

// read returns the next n bits, at most 32.
func (b *bits) read(n int) uint32 {
	if n > len(b.data)*8-b.at {
		b.over, b.at = true, len(b.data)*8
		return 0
	}
	value := uint32(0)
	for n > 0 {
		from := b.at & 7
		take := min(8-from, n)
		octet := uint32(b.data[b.at>>3]) >> (8 - from - take) & (1<<take - 1)
		value = value<<take | octet
		b.at += take
		n -= take
	}
	return value
}

func (b *bits) flag() bool { return b.read(1) != 0 }

// skip passes over n bits.
func (b *bits) skip(n int) {
	if n > len(b.data)*8-b.at {
		b.over, b.at = true, len(b.data)*8
		return
	}
	b.at += n
}

// left is how many bits remain.
func (b *bits) left() int { return len(b.data)*8 - b.at }

// nonSymmetric reads a number below count with the shorter codes for the lower ones (AV1, 4.10.7; AV1 RTP, A.8.1).
func (b *bits) nonSymmetric(count uint32) uint32 {
	width := 0
	for rest := count; rest != 0; rest >>= 1 {
		width++
	}
	short := uint32(1)<<width - count
	value := b.read(width - 1)
	if value < short {
		return value
	}
	return value<<1 + b.read(1) - short
}

// bitWriter writes a bit string into data, which must be zero.
type bitWriter struct {
	data []byte
	at   int
	over bool
}

func (w *bitWriter) write(value uint32, n int) {
	if n > len(w.data)*8-w.at {
		w.over = true
		return
	}
	for n > 0 {
		from := w.at & 7
		take := min(8-from, n)
		n -= take
		w.data[w.at>>3] |= byte(value >> n & (1<<take - 1) << (8 - from - take))
		w.at += take
	}
}

// copyBits writes the next n bits of b.
func (w *bitWriter) copyBits(b *bits, n int) {
	for n > 0 {
		take := min(n, 32)
		w.write(b.read(take), take)
		n -= take
	}
}
