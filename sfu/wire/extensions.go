package wire

// What a header extension says to be (RFC 8285, 4.2 and 4.3). The last four bits of the two-byte form are free.
const (
	oneByteForm = 0xbede
	twoByteForm = 0x1000
)

// stopID ends an extension in the one-byte form (RFC 8285, 4.2).
const stopID = 15

// Extensions are the elements of a header extension (RFC 8285). The zero value has none.
type Extensions struct {
	profile  uint16
	elements []byte
}

// Get returns the data of the first element with that id, as a view, or nil if there is none. An element that exceeds
// the extension is not there, nor is what follows it.
func (e Extensions) Get(id uint8) []byte {
	switch {
	case id == 0: // padding
		return nil
	case e.profile == oneByteForm:
		return e.oneByte(id)
	case e.profile&0xfff0 == twoByteForm:
		return e.twoByte(id)
	default:
		return nil
	}
}

func (e Extensions) oneByte(id uint8) []byte {
	for rest := e.elements; len(rest) > 0; {
		if rest[0] == 0 { // padding
			rest = rest[1:]
			continue
		}
		found, end := rest[0]>>4, 2+int(rest[0]&0x0f)
		// 0 with a length is as bad as 15: there is no telling where the next one begins.
		if found == stopID || found == 0 || end > len(rest) {
			return nil
		}
		if found == id {
			return rest[1:end:end]
		}
		rest = rest[end:]
	}
	return nil
}

func (e Extensions) twoByte(id uint8) []byte {
	for rest := e.elements; len(rest) > 0; {
		if rest[0] == 0 { // padding, one byte
			rest = rest[1:]
			continue
		}
		if len(rest) < 2 {
			return nil
		}
		end := 2 + int(rest[1])
		if end > len(rest) {
			return nil
		}
		if rest[0] == id {
			return rest[2:end:end]
		}
		rest = rest[end:]
	}
	return nil
}
