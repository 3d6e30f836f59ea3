package wire

import "encoding/binary"

const (
	maxID   = 14 // of the one-byte form
	maxData = 16 // bytes of an element in the one-byte form
)

// Out is a header to be written, without CSRC, in the one-byte form if there is any extension. What that form cannot
// carry (an id above 14, a mid of more than 16 bytes) is left out.
type Out struct {
	Marker, Padding bool
	PayloadType     uint8
	Sequence        uint16
	Timestamp, SSRC uint32

	// TransportSequence is the transport-wide number (draft-holmer-rmcat-transport-wide-cc-extensions-01, 2); id 0: none.
	TransportID       uint8
	TransportSequence uint16

	// Level is the byte of RFC 6464, voice activity and -dBov; id 0: none.
	LevelID, Level uint8

	// Mid says to which media section the stream belongs (RFC 9143, 15); id 0 or "": none.
	MidID uint8
	Mid   string
}

// extensions is how many bytes the elements take, without padding.
func (o *Out) extensions() int {
	n := 0
	if carries(o.TransportID) {
		n += 3
	}
	if carries(o.LevelID) {
		n += 2
	}
	if o.hasMid() {
		n += 1 + len(o.Mid)
	}
	return n
}

func carries(id uint8) bool { return id != 0 && id <= maxID }

func (o *Out) hasMid() bool { return carries(o.MidID) && o.Mid != "" && len(o.Mid) <= maxData }

// Len is how many bytes Put writes, a multiple of 4.
func (o *Out) Len() int {
	n := o.extensions()
	if n == 0 {
		return fixedSize
	}
	return fixedSize + extensionHead + (n+3)&^3
}

// Put writes the header to the start of b, which has at least Len bytes, and returns Len.
func (o *Out) Put(b []byte) int {
	_ = b[:fixedSize]
	b[0], b[1] = 2<<6, o.PayloadType&0x7f
	if o.Padding {
		b[0] |= 0x20
	}
	if o.Marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], o.Sequence)
	binary.BigEndian.PutUint32(b[4:], o.Timestamp)
	binary.BigEndian.PutUint32(b[8:], o.SSRC)
	n := o.extensions()
	if n == 0 {
		return fixedSize
	}
	b[0] |= 0x10 // X
	words := (n + 3) / 4
	end := fixedSize + extensionHead + 4*words
	binary.BigEndian.PutUint16(b[fixedSize:], oneByteForm)
	binary.BigEndian.PutUint16(b[fixedSize+2:], uint16(words))
	clear(b[end-4 : end]) // the padding is in there
	o.putElements(b[fixedSize+extensionHead : end])
	return end
}

func (o *Out) putElements(b []byte) {
	at := 0
	if carries(o.TransportID) {
		b[0] = o.TransportID<<4 | 1 // the length less one
		binary.BigEndian.PutUint16(b[1:], o.TransportSequence)
		at = 3
	}
	if carries(o.LevelID) {
		b[at], b[at+1] = o.LevelID<<4, o.Level
		at += 2
	}
	if o.hasMid() {
		b[at] = o.MidID<<4 | uint8(len(o.Mid)-1)
		copy(b[at+1:], o.Mid)
	}
}
