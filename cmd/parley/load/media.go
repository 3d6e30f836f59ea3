package load

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
)

const (
	audioEvery   = 20 * time.Millisecond
	audioTicks   = 960 // of the RTP clock
	audioSize    = 80  // bytes of payload
	silenceSize  = 1 + stampSize
	videoClock   = 90000
	keyframeSize = 4                // times that of another frame
	keyframes    = 10 * time.Second // from one to the next
	maxPayload   = 1180
	maxClip      = 64 << 20 // bytes of a file
	opusTOC      = 0x78     // CELT, 20 ms, mono (RFC 6716, 3.1)
)

// speech gives the loudness of somebody who speaks now and then, in the form of RFC 6464.
type speech struct {
	speaking bool
	left     int // packets until that changes
}

func (s *speech) level() byte {
	if s.left--; s.left <= 0 {
		s.speaking = !s.speaking
		s.left = 25 + rand.IntN(150) //nolint:gosec // half a second and more
	}
	if s.speaking {
		return voice()
	}
	return byte(60 + rand.IntN(40)) //nolint:gosec // the noise of a room
}

const (
	silence = 127 // the level of nothing at all

	// Packets of silence before there is only one each 400 ms.
	silenceBefore = 10
	silenceEvery  = 20
)

// voice is the level of somebody who speaks.
func voice() byte { return 0x80 | byte(18+rand.IntN(25)) } //nolint:gosec // with the bit for voice

// layer is one encoding of synthetic video.
type layer struct {
	rid           string
	width, height int
	bitrate       float64
	rate          int  // frames/s
	temporal      bool // every other frame may be left out
}

// layers are what a browser sends: several sizes of two temporal layers each, or one picture without layers.
func layers(o Options) []layer {
	w, h, rate := o.VideoWidth, o.VideoHeight, o.FrameRate
	if !o.Simulcast {
		return []layer{{"", w, h, o.VideoBitrate, rate, false}}
	}
	return []layer{
		{"q", w / 4, h / 4, o.VideoBitrate / 12, rate, true}, {"h", w / 2, h / 2, o.VideoBitrate / 4, rate, true},
		{"f", w, h, o.VideoBitrate, rate, true},
	}
}

// keyframeEvery is the number of frames from one keyframe to the next.
func (l layer) keyframeEvery() int { return int(keyframes/time.Second) * l.rate }

// picture makes the frames of a layer.
type picture struct {
	layer
	id      uint16 // of the next picture, 15 bits
	since   int    // frames since the last keyframe, so as to send the first one first
	base    byte   // TL0PICIDX: frames of temporal layer 0
	upper   bool   // the frame is of temporal layer 1
	keyIdx  byte   // 5 bits
	payload [maxPayload]byte
}

func newPicture(l layer) *picture {
	return &picture{layer: l, id: uint16(rand.IntN(1 << 15)), since: l.keyframeEvery()} //nolint:gosec // any start
}

// frame cuts the next frame into packets of equal size, and gives each, without its stamp, to send: b[at:] is for that.
func (p *picture) frame(keyframe bool, send func(b []byte, at int, marker bool)) {
	every := p.keyframeEvery()
	size := int(p.bitrate / 8 / float64(p.rate) * float64(every) / float64(every+keyframeSize-1))
	p.since++
	key := keyframe || p.since >= every
	if p.upper = p.temporal && !key && !p.upper; !p.upper {
		p.base++
	}
	if key {
		size *= keyframeSize
		p.since = 0
		p.keyIdx = (p.keyIdx + 1) % 32
	}
	packets := (size + maxPayload - 1) / maxPayload
	each := max(size/packets, minVideoPayload)
	for i := range packets {
		send(p.payload[:each], p.header(i == 0, key), i == packets-1)
	}
	p.id = (p.id + 1) & 0x7fff
}

// minVideoPayload has room for the headers and a stamp.
const minVideoPayload = 16 + stampSize

// header writes the VP8 payload descriptor (RFC 7741, 4.2) and, in the first packet of a frame, the frame's header
// (RFC 6386, 9.1). It returns their length.
func (p *picture) header(first, key bool) int {
	b := p.payload[:]
	b[0] = 0x80 // X
	b[1] = 0x80 // I
	b[2], b[3] = 0x80|byte(p.id>>8), byte(p.id)
	at := 4
	if p.temporal {
		b[1] |= 0x70 // L, T, K
		b[4], b[5] = p.base, p.keyIdx
		if p.upper {
			b[0] |= 0x20      // N: nothing depends on it
			b[5] |= 1<<6 | 32 // TID 1, Y: it depends on the frame before it alone
		}
		at = 6
	}
	if !first {
		return at
	}
	b[0] |= 0x10 // S
	const partition = 100
	h := b[at:]
	h[0], h[1], h[2] = 0x11|byte(partition&7)<<5, byte(partition>>3), 0 // shown, no keyframe
	if !key {
		return at + 3
	}
	h[0] &^= 1
	h[3], h[4], h[5] = 0x9d, 0x01, 0x2a
	h[6], h[7] = byte(p.width), byte(p.width>>8)
	h[8], h[9] = byte(p.height), byte(p.height>>8)
	return at + 10
}

// clip is a file that is played in a loop.
type clip struct {
	frames [][]byte
	every  time.Duration // from frame to frame, 20 ms for audio
	ticks  uint32        // the same on the RTP clock
}

var errClip = errors.New("no such media")

// readVideo reads an IVF file with VP8.
func readVideo(name string) (*clip, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--video-file: %w", err)
	}
	defer func() { _ = file.Close() }()
	reader, header, err := ivfreader.NewWith(io.LimitReader(file, maxClip))
	if err != nil {
		return nil, fmt.Errorf("--video-file %s: %w", name, err)
	}
	rate := float64(header.TimebaseDenominator) / float64(max(1, header.TimebaseNumerator))
	if header.FourCC != "VP80" || rate < 1 || rate > 1000 {
		return nil, fmt.Errorf("--video-file %s: %w: expected VP8 at 1 to 1000 frames/s", name, errClip)
	}
	c := &clip{every: time.Duration(float64(time.Second) / rate), ticks: uint32(90000 / rate)}
	for {
		frame, _, err := reader.ParseNextFrame()
		if err != nil {
			break // the end, or what was cut off
		}
		c.frames = append(c.frames, frame)
	}
	if len(c.frames) == 0 || len(c.frames[0]) == 0 || c.frames[0][0]&1 != 0 {
		return nil, fmt.Errorf("--video-file %s: %w: it does not begin with a keyframe", name, errClip)
	}
	return c, nil
}

// readAudio reads an Ogg file with Opus in frames of 20 ms, one to a page.
func readAudio(name string) (*clip, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--audio-file: %w", err)
	}
	defer func() { _ = file.Close() }()
	reader, _, err := oggreader.NewWith(io.LimitReader(file, maxClip))
	if err != nil {
		return nil, fmt.Errorf("--audio-file %s: %w", name, err)
	}
	c := &clip{every: audioEvery, ticks: audioTicks}
	for {
		page, _, err := reader.ParseNextPage()
		if err != nil {
			break
		}
		if len(page) > 0 && string(page[:min(len(page), 8)]) != "OpusTags" {
			c.frames = append(c.frames, page)
		}
	}
	if len(c.frames) == 0 {
		return nil, fmt.Errorf("--audio-file %s: %w: no Opus", name, errClip)
	}
	if longest := maxLen(c.frames); longest > maxPayload {
		return nil, fmt.Errorf("--audio-file %s: %w: a page of %d bytes; expected one packet of 20 ms to a page "+
			"(ffmpeg: -page_duration 20000)", name, errClip, longest)
	}
	return c, nil
}

func maxLen(frames [][]byte) int {
	n := 0
	for _, frame := range frames {
		n = max(n, len(frame))
	}
	return n
}

// clipPlayer plays a clip.
type clipPlayer struct {
	*clip
	next      int
	payloader codecs.VP8Payloader
}

// packets returns the next frame as payloads of packets: from the first frame on again, which is a keyframe, if one
// was asked for.
func (c *clipPlayer) packets(video, keyframe bool) [][]byte {
	if keyframe {
		c.next = 0
	}
	frame := c.frames[c.next]
	c.next = (c.next + 1) % len(c.frames)
	if !video {
		return [][]byte{frame}
	}
	return c.payloader.Payload(maxPayload, frame)
}
