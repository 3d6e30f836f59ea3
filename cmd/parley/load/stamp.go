package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
)

// A stamp lies behind the codec's header in each synthetic packet and covers the rest of the payload. Big endian:
//
//	0  magic      4 bytes
//	4  checksum   of all that follows (CRC-32C)
//	8  time       ns since the run began, at the moment of sending
//	16 publisher  4 bytes
//	20 track      2 bytes
//	22 length     2 bytes, of the filling
//	24 counter    of the track's packets, 4 bytes
//	28 filling    noise
const (
	stampSize   = 28
	stampWithin = 32 // the longest codec header in front of it
)

var (
	errNoStamp = errors.New("payload without a stamp")
	errCorrupt = errors.New("payload that is not what was sent")
)

// stamp says where a packet comes from.
type stamp struct {
	at        int64 // ns since the run began
	publisher uint32
	track     uint16
	counter   uint32
}

func stampMagic() []byte { return []byte{'P', 0xa5, 'L', 0xd3} }

// filler has the noise that payloads are filled with.
type filler struct{ noise []byte }

func newFiller() *filler {
	f := &filler{make([]byte, 64<<10)}
	for i := 0; i < len(f.noise); i += 8 {
		binary.BigEndian.PutUint64(f.noise[i:], rand.Uint64()) //nolint:gosec // noise
	}
	return f
}

// put writes a stamp and its filling, which take up all of b: at least stampSize, at most a packet.
func (f *filler) put(b []byte, s stamp) {
	copy(b, stampMagic())
	binary.BigEndian.PutUint64(b[8:], uint64(s.at))
	binary.BigEndian.PutUint32(b[16:], s.publisher)
	binary.BigEndian.PutUint16(b[20:], s.track)
	filling := b[stampSize:]
	binary.BigEndian.PutUint16(b[22:], uint16(len(filling)))
	binary.BigEndian.PutUint32(b[24:], s.counter)
	from := int(s.counter*97) % (len(f.noise) - len(filling))
	copy(filling, f.noise[from:])
	binary.BigEndian.PutUint32(b[4:], checksum(b[8:]))
}

// readStamp finds the stamp in the payload of an RTP packet, whatever the codec. It returns errNoStamp or errCorrupt.
func readStamp(payload []byte) (stamp, error) {
	head := payload[:min(len(payload), stampWithin+4)]
	at := bytes.Index(head, stampMagic())
	if at < 0 || len(payload) < at+stampSize {
		return stamp{}, errNoStamp
	}
	b := payload[at:]
	if int(binary.BigEndian.Uint16(b[22:])) != len(b)-stampSize || binary.BigEndian.Uint32(b[4:]) != checksum(b[8:]) {
		return stamp{}, errCorrupt
	}
	return stamp{
		at:        int64(binary.BigEndian.Uint64(b[8:])),
		publisher: binary.BigEndian.Uint32(b[16:]),
		track:     binary.BigEndian.Uint16(b[20:]),
		counter:   binary.BigEndian.Uint32(b[24:]),
	}, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
