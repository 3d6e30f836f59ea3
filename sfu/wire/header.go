// Package wire reads and writes RTP headers where they stand, in the buffer that came from or goes to the network. It
// is pure, allocates nothing and never trusts a length.
package wire

import (
	"encoding/binary"
	"errors"
)

var (
	// ErrHeader is returned for what is no RTP packet, or ends within its header.
	ErrHeader = errors.New("no RTP header, or cut short")

	// ErrPadding is returned for a packet whose padding count is zero or more than there is.
	ErrPadding = errors.New("RTP padding does not fit")
)

const (
	fixedSize     = 12 // bytes of a header without CSRC and extension
	extensionHead = 4  // bytes before the extension's elements: what it is, and how long
)

// Header is what an RTP header says (RFC 3550, 5.1).
type Header struct {
	Marker, Padding bool
	PayloadType     uint8
	Sequence        uint16
	Timestamp       uint32
	SSRC            uint32
	Extensions      Extensions // a view into the packet
	Size            int        // bytes before the payload: fixed part, CSRC and extension
}

// ParseHeader reads the header at the start of an RTP packet, which may still be encrypted (RFC 3711 leaves the header
// readable). It returns ErrHeader if that is not RTP version 2 or not complete.
func ParseHeader(packet []byte) (Header, error) {
	if len(packet) < fixedSize || packet[0]>>6 != 2 {
		return Header{}, ErrHeader
	}
	h := Header{
		Marker:      packet[1]&0x80 != 0,
		Padding:     packet[0]&0x20 != 0,
		PayloadType: packet[1] & 0x7f,
		Sequence:    binary.BigEndian.Uint16(packet[2:]),
		Timestamp:   binary.BigEndian.Uint32(packet[4:]),
		SSRC:        binary.BigEndian.Uint32(packet[8:]),
		Size:        fixedSize + 4*int(packet[0]&0x0f),
	}
	if packet[0]&0x10 == 0 { // X
		if len(packet) < h.Size {
			return Header{}, ErrHeader
		}
		return h, nil
	}
	at := h.Size + extensionHead
	if len(packet) < at {
		return Header{}, ErrHeader
	}
	h.Size = at + 4*int(binary.BigEndian.Uint16(packet[at-2:]))
	if len(packet) < h.Size {
		return Header{}, ErrHeader
	}
	h.Extensions = Extensions{
		profile:  binary.BigEndian.Uint16(packet[at-4:]),
		elements: packet[at:h.Size:h.Size],
	}
	return h, nil
}

// Payload is what stands between the header and the padding of a decrypted packet, as a view. It is empty where there
// is nothing but padding. It returns ErrPadding for a count of padding that is zero or beyond the payload, and
// ErrHeader for a packet that is shorter than its header.
func Payload(h Header, packet []byte) ([]byte, error) {
	end := len(packet)
	if h.Size < 0 || end < h.Size {
		return nil, ErrHeader
	}
	if h.Padding {
		if end == h.Size {
			return nil, ErrPadding
		}
		padding := int(packet[end-1])
		if padding == 0 || padding > end-h.Size {
			return nil, ErrPadding
		}
		end -= padding
	}
	return packet[h.Size:end:end], nil
}

// IsRTCP tells RTCP from RTP where both share a port (RFC 5761, 4): RTP uses no payload types from 64 to 95 there.
func IsRTCP(packet []byte) bool {
	return len(packet) >= 2 && packet[1] >= 192 && packet[1] <= 223
}
