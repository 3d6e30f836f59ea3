package e2e

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"parley/signaling/client"
)

// A picture that says on arrival which frame of which encoding it is, and when it was sent: VP8 by its headers, three
// encodings of two temporal layers each, in which every other frame can be left out.
const (
	pictureRate  = 20 // frames per second
	pictureMagic = 0x70617263
	markSize     = 4 + 1 + 1 + 2 + 2 + 4 + 8
	picturePart  = 1100 // bytes of a packet's payload at most
	keyframeSize = 3    // times that of another frame
)

// pictureLayer is one encoding.
type pictureLayer struct {
	rid           string
	width, height int
	bitrate       int // bit/s of payload
}

// pictureLayers are those of everybody, smallest first.
func pictureLayers() []pictureLayer {
	return []pictureLayer{{"q", 320, 180, 60_000}, {"h", 640, 360, 150_000}, {"f", 1280, 720, 400_000}}
}

// mark is what each packet of a picture says of itself, behind the headers of VP8.
type mark struct {
	layer    uint8
	keyframe bool
	part     uint16 // of parts
	parts    uint16
	number   uint32        // of the frame, the same in all encodings; even numbers are temporal layer 0
	sent     time.Duration // since the test began
}

func (m mark) put(b []byte) {
	binary.BigEndian.PutUint32(b, pictureMagic)
	b[4], b[5] = m.layer, 0
	if m.keyframe {
		b[5] = 1
	}
	binary.BigEndian.PutUint16(b[6:], m.part)
	binary.BigEndian.PutUint16(b[8:], m.parts)
	binary.BigEndian.PutUint32(b[10:], m.number)
	binary.BigEndian.PutUint64(b[14:], uint64(m.sent))
}

// readMark finds the mark in a payload of VP8 as it arrives, whatever became of the headers in front of it.
func readMark(payload []byte) (mark, bool) {
	for at := 1; at <= 20 && at+markSize <= len(payload); at++ {
		b := payload[at:]
		if binary.BigEndian.Uint32(b) != pictureMagic {
			continue
		}
		return mark{
			layer: b[4], keyframe: b[5] == 1,
			part: binary.BigEndian.Uint16(b[6:]), parts: binary.BigEndian.Uint16(b[8:]),
			number: binary.BigEndian.Uint32(b[10:]), sent: time.Duration(binary.BigEndian.Uint64(b[14:])),
		}, true
	}
	return mark{}, false
}

// encoder makes one encoding. It is owned by the pump of its publisher, but for wanted.
type encoder struct {
	pictureLayer
	index     uint8
	track     *client.Track
	wanted    atomic.Bool // a keyframe
	asked     atomic.Int64
	pictureID uint16
	tl0       uint8
	keyIdx    uint8
	payload   [picturePart]byte
}

func newEncoder(index int, l pictureLayer) *encoder {
	e := &encoder{pictureLayer: l, index: uint8(index), pictureID: uint16(rand.IntN(1 << 15))}
	e.track = client.NewTrack(client.Encoding{Kind: "video", RID: l.rid}, "camera", e.heard)
	e.wanted.Store(true)
	return e
}

// heard takes note of requests for keyframes.
func (e *encoder) heard(packets []rtcp.Packet) {
	if n := client.KeyframeRequests(packets, e.track.SSRC()); n > 0 {
		e.asked.Add(int64(n))
		e.wanted.Store(true)
	}
}

// send sends a frame. Temporal layer 1 depends on nothing but the frame before it.
func (e *encoder) send(number uint32, now time.Duration) {
	if e.track.Ready() {
		base := number%2 == 0
		m := mark{layer: e.index, number: number, sent: now, keyframe: base && e.wanted.Swap(false)}
		size := e.bitrate / 8 / pictureRate
		if base {
			e.tl0++
			size = size * 6 / 5
		} else {
			size = size * 4 / 5
		}
		if m.keyframe {
			e.keyIdx = (e.keyIdx + 1) % 32
			size *= keyframeSize
		}
		m.parts = uint16((size + picturePart - 1) / picturePart)
		each := max(size/int(m.parts), 40)
		for m.part = range m.parts {
			header := e.header(m, base)
			m.put(e.payload[header:])
			e.track.Send(e.payload[:each], m.part == m.parts-1, 0)
		}
		e.pictureID = (e.pictureID + 1) & 0x7fff
	}
	e.track.Advance(90000 / pictureRate)
}

// header writes the VP8 payload descriptor (RFC 7741, 4.2) and, in front of a frame, its header (RFC 6386, 9.1).
func (e *encoder) header(m mark, base bool) int {
	b := e.payload[:]
	b[0] = 0x80 // X
	b[1] = 0xf0 // I, L, T, K
	b[2], b[3] = 0x80|byte(e.pictureID>>8), byte(e.pictureID)
	b[4] = e.tl0
	b[5] = e.keyIdx
	if !base {
		b[0] |= 0x20 // N
		b[5] |= 1<<6 | 1<<5
	}
	if m.part > 0 {
		return 6
	}
	b[0] |= 0x10                            // S
	b[6], b[7], b[8] = 0x11|100&7<<5, 12, 0 // shown, no keyframe, a first partition of 100 bytes
	if !m.keyframe {
		return 9
	}
	b[6] &^= 1
	b[9], b[10], b[11] = 0x9d, 0x01, 0x2a
	binary.LittleEndian.PutUint16(b[12:], uint16(e.width))
	binary.LittleEndian.PutUint16(b[14:], uint16(e.height))
	return 16
}
