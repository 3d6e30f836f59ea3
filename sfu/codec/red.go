package codec

// PrimaryRED returns the primary block of a payload with redundancy (RFC 2198), as a view: the newest audio, which is
// all that a receiver without RED gets. It reports false for a payload that ends within its headers or redundant
// blocks, and for an empty primary block, which no audio codec of ours makes sense of.
func PrimaryRED(payload []byte) (opus []byte, ok bool) {
	redundant, rest := 0, payload
	for len(rest) > 0 && rest[0]&0x80 != 0 { // F: a redundant block, whose length is the last 10 of 32 bits
		if len(rest) < 4 {
			return nil, false
		}
		redundant += int(rest[2]&0x03)<<8 | int(rest[3])
		rest = rest[4:]
	}
	// One byte of header for the primary block, then the blocks in order.
	if len(rest) <= 1+redundant {
		return nil, false
	}
	return rest[1+redundant:], true
}
