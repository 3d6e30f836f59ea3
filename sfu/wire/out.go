package wire

import "encoding/binary"

const (
	// MaxID is the highest id of an extension that an [Out] carries, that of the one-byte form.
	MaxID = 14

	maxData = 16 // bytes of an element in the one-byte form
	maxWide = 255
)

// Out is a header to be written, with one CSRC at most. Extensions are in the one-byte form (RFC 8285, 4.2) unless the
// dependency descriptor is too long for it; then all are in the two-byte form (4.3). What no form can carry (an id
// above 14, a mid of more than 16 bytes) is left out.
type Out struct {
	Marker, Padding bool
	PayloadType     uint8
	Sequence        uint16
	Timestamp, SSRC uint32
	CSRC            uint32 // 0: none

	// TransportSequence is the transport-wide number (draft-holmer-rmcat-transport-wide-cc-extensions-01, 2); id 0: none.
	TransportID       uint8
	TransportSequence uint16

	// Level is the byte of RFC 6464, voice activity and -dBov; id 0: none.
	LevelID, Level uint8

	// Mid says to which media section the stream belongs (RFC 9143, 15); id 0 or "": none.
	MidID uint8
	Mid   string

	// Dependency is an AV1 dependency descriptor of at most 255 bytes; id 0 or none: none.
	DependencyID uint8
	Dependency   []byte
}

// wide reports whether the two-byte form is needed.
func (o *Out) wide() bool { return len(o.Dependency) > maxData && o.hasDependency() }

func (o *Out) hasMid() bool { return carries(o.MidID) && o.Mid != "" && len(o.Mid) <= maxData }

func (o *Out) hasDependency() bool {
	return carries(o.DependencyID) && len(o.Dependency) > 0 && len(o.Dependency) <= maxWide
}

func carries(id uint8) bool { return id != 0 && id <= MaxID }

// extensions is how many bytes the elements take, without padding.
func (o *Out) extensions() int {
	head := 1
	if o.wide() {
		head = 2
	}
	n := 0
	if carries(o.TransportID) {
		n += head + 2
	}
	if carries(o.LevelID) {
		n += head + 1
	}
	if o.hasMid() {
		n += head + len(o.Mid)
	}
	if o.hasDependency() {
		n += head + len(o.Dependency)
	}
	return n
}

// fixed is how many bytes come before the extension.
func (o *Out) fixed() int {
	if o.CSRC != 0 {
		return fixedSize + 4
	}
	return fixedSize
}

// Len is how many bytes Put writes, a multiple of 4.
func (o *Out) Len() int {
	n := o.extensions()
	if n == 0 {
		return o.fixed()
	}
	return o.fixed() + extensionHead + (n+3)&^3
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
	start := o.fixed()
	if o.CSRC != 0 {
		b[0] |= 1
		binary.BigEndian.PutUint32(b[fixedSize:], o.CSRC)
	}
	n := o.extensions()
	if n == 0 {
		return start
	}
	b[0] |= 0x10 // X
	words := (n + 3) / 4
	end := start + extensionHead + 4*words
	form := uint16(oneByteForm)
	if o.wide() {
		form = twoByteForm
	}
	binary.BigEndian.PutUint16(b[start:], form)
	binary.BigEndian.PutUint16(b[start+2:], uint16(words))
	clear(b[end-4 : end]) // the padding is in there
	o.putElements(b[start+extensionHead:end], form == twoByteForm)
	return end
}

func (o *Out) putElements(b []byte, wide bool) {
	if carries(o.TransportID) { // the first, where SetTransportSequence finds it
		at := putElementHead(b, o.TransportID, 2, wide)
		binary.BigEndian.PutUint16(b[at:], o.TransportSequence)
		b = b[at+2:]
	}
	if carries(o.LevelID) {
		at := putElementHead(b, o.LevelID, 1, wide)
		b[at] = o.Level
		b = b[at+1:]
	}
	if o.hasMid() {
		at := putElementHead(b, o.MidID, len(o.Mid), wide)
		b = b[at+copy(b[at:], o.Mid):]
	}
	if o.hasDependency() {
		at := putElementHead(b, o.DependencyID, len(o.Dependency), wide)
		copy(b[at:], o.Dependency)
	}
}

// putElementHead writes id and length, and returns where the data begins.
func putElementHead(b []byte, id uint8, size int, wide bool) int {
	if wide {
		b[0], b[1] = id, uint8(size)
		return 2
	}
	b[0] = id<<4 | uint8(size-1)
	return 1
}

// Sequence reads the sequence number in a header that was written.
func Sequence(b []byte) uint16 { return binary.BigEndian.Uint16(b[2:]) }

// SetTransportSequence changes the transport-wide number in a header that was written with a TransportID of at most
// [MaxID].
func SetTransportSequence(b []byte, number uint16) {
	start := fixedSize + 4*int(b[0]&0x0f)
	at := start + extensionHead + 1
	if binary.BigEndian.Uint16(b[start:]) == twoByteForm {
		at++
	}
	binary.BigEndian.PutUint16(b[at:], number)
}
