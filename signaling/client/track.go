package client

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Track is one encoding that is published: it makes the RTP headers, with the extensions that a browser sets. It
// implements webrtc.TrackLocal. Its methods may be called from any goroutine.
type Track struct {
	// Static after construction.
	encoding Encoding
	streamID string
	onRTCP   func([]rtcp.Packet)

	mu     sync.Mutex
	writer webrtc.TrackLocalWriter // guarded by mu; nil while nothing can be sent
	header rtp.Header              // guarded by mu: of the next packet, without extensions
	mid    string                  // guarded by mu
	midID  uint8                   // guarded by mu: header extensions, 0 where not negotiated
	ridID  uint8                   // guarded by mu
	levels uint8                   // guarded by mu

	// What each packet needs, made once.
	sending    rtp.Header      // guarded by mu
	extensions []rtp.Extension // guarded by mu
	midValue   []byte          // guarded by mu
	ridValue   []byte          // static after construction
	levelValue [1]byte         // guarded by mu
}

// maxExtensions are those of a packet: those here, and one of pion's.
const maxExtensions = 4

// NewTrack makes an encoding of kind "audio" (Opus) or "video" (VP8). onRTCP is told what receivers report of it, on
// a goroutine of the connection; it may be nil.
func NewTrack(encoding Encoding, streamID string, onRTCP func([]rtcp.Packet)) *Track {
	return &Track{
		encoding: encoding, streamID: streamID, onRTCP: onRTCP,
		extensions: make([]rtp.Extension, 0, maxExtensions), ridValue: []byte(encoding.RID),
		header: rtp.Header{
			Version: 2, SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32(), //nolint:gosec // any start will do
		},
	}
}

// ID is the kind, of which a client publishes at most one track beside its screen.
func (t *Track) ID() string {
	if t.encoding.Screen {
		return "screen"
	}
	return t.encoding.Kind
}

// RID is that of the encoding (RFC 8851), "" without simulcast.
func (t *Track) RID() string { return t.encoding.RID }

// StreamID is the MediaStream's.
func (t *Track) StreamID() string { return t.streamID }

// Kind is audio or video.
func (t *Track) Kind() webrtc.RTPCodecType { return webrtc.NewRTPCodecType(t.encoding.Kind) }

func (t *Track) mimeType() string {
	if t.encoding.Kind == "audio" {
		return webrtc.MimeTypeOpus
	}
	return webrtc.MimeTypeVP8
}

// Bind is called by pion when it is known how to send.
func (t *Track) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range ctx.CodecParameters() {
		if !strings.EqualFold(codec.MimeType, t.mimeType()) {
			continue
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.writer = ctx.WriteStream()
		t.header.PayloadType = uint8(codec.PayloadType)
		t.header.SSRC = uint32(ctx.SSRC())
		for _, extension := range ctx.HeaderExtensions() {
			id := uint8(extension.ID)
			switch extension.URI {
			case sdp.SDESMidURI:
				t.midID = id
			case sdp.SDESRTPStreamIDURI:
				t.ridID = id
			case sdp.AudioLevelURI:
				t.levels = id
			}
		}
		return codec, nil
	}
	return webrtc.RTPCodecParameters{}, fmt.Errorf("publish %s: %w", t.mimeType(), webrtc.ErrUnsupportedCodec)
}

// Unbind is called by pion when the connection closes.
func (t *Track) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer = nil
	return nil
}

// Ready tells whether what is sent can leave.
func (t *Track) Ready() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.writer != nil
}

// SSRC is 0 before pion has bound the track.
func (t *Track) SSRC() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header.SSRC
}

// IsOn tells whether the track is sent on the m-line of that mid.
func (t *Track) IsOn(mid string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mid == mid
}

func (t *Track) setMid(mid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mid, t.midValue = mid, []byte(mid)
}

// Send sends one packet; level is that of audio in the form of RFC 6464. It returns the size of the RTP packet, 0 if
// it could not leave: not connected yet, or no more.
func (t *Track) Send(payload []byte, marker bool, level byte) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil {
		return 0
	}
	t.sending = t.header
	t.sending.Marker, t.sending.Extensions = marker, t.extensions[:0]
	if t.encoding.RID != "" { // without, the SSRC is in the description
		t.extend(t.midID, t.midValue)
		t.extend(t.ridID, t.ridValue)
	}
	if t.encoding.Kind == "audio" {
		t.levelValue[0] = level
		t.extend(t.levels, t.levelValue[:])
	}
	t.header.SequenceNumber++
	n, err := t.writer.WriteRTP(&t.sending, payload)
	if err != nil {
		return 0
	}
	return n
}

// extend adds a header extension to the packet that is being sent, if it was negotiated. It is called with mu held.
func (t *Track) extend(id uint8, value []byte) {
	if id != 0 && len(value) > 0 {
		_ = t.sending.SetExtension(id, value) // a few bytes always fit
	}
}

// Advance moves the timestamp on, in units of the codec's clock.
func (t *Track) Advance(duration uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.header.Timestamp += duration
}

// readRTCP passes on what receivers report until the sender ends.
func (t *Track) readRTCP(sender *webrtc.RTPSender) {
	for {
		var packets []rtcp.Packet
		var err error
		if t.encoding.RID != "" {
			packets, _, err = sender.ReadSimulcastRTCP(t.encoding.RID)
		} else {
			packets, _, err = sender.ReadRTCP()
		}
		if err != nil {
			return
		}
		if t.onRTCP != nil {
			t.onRTCP(packets)
		}
	}
}

// KeyframeRequests counts the requests for a keyframe of one source (PLI, RFC 4585, and FIR, RFC 5104).
func KeyframeRequests(packets []rtcp.Packet, ssrc uint32) int {
	n := 0
	for _, packet := range packets {
		switch packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			for _, destination := range packet.DestinationSSRC() {
				if destination == ssrc {
					n++
				}
			}
		}
	}
	return n
}
