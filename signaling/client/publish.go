package client

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const (
	audioFrame = 20 * time.Millisecond
	videoFrame = time.Second / framesPerSecond
	rtpMTU     = 1200 // bytes of RTP payload
	voiceBit   = 0x80 // RFC 6464, 3: the packet has voice
)

// outTrack is one encoding that the client sends. It implements webrtc.TrackLocal.
type outTrack struct {
	// Static after construction.
	encoding Encoding
	streamID string
	frames   [][]byte
	counter  *sentCounter

	keyframe atomic.Bool // the receiver wants one

	mu     sync.Mutex
	writer webrtc.TrackLocalWriter // guarded by mu; nil while nothing can be sent
	header rtp.Header              // guarded by mu: of the next packet, without extensions
	mid    string                  // guarded by mu
	midID  uint8                   // guarded by mu: header extensions, 0 where not negotiated
	ridID  uint8                   // guarded by mu
	levels uint8                   // guarded by mu

	// Owned by the pump.
	next      int // index in frames
	payloader codecs.VP8Payloader
}

func newOutTrack(encoding Encoding, streamID string, frames [][]byte, counter *sentCounter) *outTrack {
	return &outTrack{
		encoding: encoding, streamID: streamID, frames: frames, counter: counter,
		header: rtp.Header{
			Version: 2, SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32(), //nolint:gosec // any start will do
		},
		payloader: codecs.VP8Payloader{EnablePictureID: true},
	}
}

func (t *outTrack) ID() string       { return t.encoding.Kind }
func (t *outTrack) RID() string      { return t.encoding.RID }
func (t *outTrack) StreamID() string { return t.streamID }

func (t *outTrack) Kind() webrtc.RTPCodecType { return webrtc.NewRTPCodecType(t.encoding.Kind) }

func (t *outTrack) mimeType() string {
	if t.encoding.Kind == "audio" {
		return webrtc.MimeTypeOpus
	}
	return webrtc.MimeTypeVP8
}

// Bind is called by pion when it is known how to send.
func (t *outTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
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
func (t *outTrack) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer = nil
	return nil
}

func (t *outTrack) setMid(mid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mid = mid
}

// sendFrame sends the next frame of the clip, from its keyframe on again when one was asked for.
func (t *outTrack) sendFrame(duration uint32) {
	if t.keyframe.Swap(false) {
		t.next = 0
	}
	frame := t.frames[t.next]
	t.next = (t.next + 1) % len(t.frames)
	payloads := [][]byte{frame}
	if t.encoding.Kind == "video" {
		payloads = t.payloader.Payload(rtpMTU, frame)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, payload := range payloads {
		t.sendPacket(payload, i == len(payloads)-1)
	}
	t.header.Timestamp += duration
}

// sendPacket is called with mu held.
func (t *outTrack) sendPacket(payload []byte, last bool) {
	if t.writer == nil {
		return
	}
	header := t.header
	header.Marker = last && t.encoding.Kind == "video"
	set := func(id uint8, value []byte) {
		if id != 0 && len(value) > 0 {
			_ = header.SetExtension(id, value) // a few bytes always fit
		}
	}
	if t.encoding.RID != "" { // without, the SSRC is in the description
		set(t.midID, []byte(t.mid))
		set(t.ridID, []byte(t.encoding.RID))
	}
	if t.encoding.Kind == "audio" {
		set(t.levels, []byte{voiceBit | audioLevel})
	}
	t.header.SequenceNumber++
	n, err := t.writer.WriteRTP(&header, payload)
	if err != nil || n == 0 {
		return // not connected yet, or no more
	}
	t.counter.packets.Add(1)
	t.counter.bytes.Add(int64(n))
}

// publish adds to the connection all that the client will ever send.
func (c *connection) publish(options Options, clips clips, state *state) error {
	const streamID = "camera"
	add := func(kind string, rids []string) error {
		var sender *webrtc.RTPSender
		for _, rid := range rids {
			frames := clips.audio
			if kind == "video" {
				frames = clips.video[clipOf(rid)]
			}
			encoding := Encoding{Kind: kind, RID: rid}
			track := newOutTrack(encoding, streamID, frames, state.sentAs(encoding))
			c.tracks = append(c.tracks, track)
			if sender != nil {
				if err := sender.AddEncoding(track); err != nil {
					return fmt.Errorf("add encoding %s: %w", rid, err)
				}
				continue
			}
			transceiver, err := c.pc.AddTransceiverFromTrack(track,
				webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
			if err != nil {
				return fmt.Errorf("add %s: %w", kind, err)
			}
			sender = transceiver.Sender()
			c.sending = append(c.sending, transceiver)
		}
		return nil
	}
	if options.Audio {
		if err := add("audio", []string{""}); err != nil {
			return err
		}
	}
	if options.Video && options.Simulcast {
		return add("video", rids())
	} else if options.Video {
		return add("video", []string{""})
	}
	return nil
}

func clipOf(rid string) string {
	if rid == "" {
		return "f"
	}
	return rid
}

// startSending begins to send, and to hear what the receiver says of it, once the first description is set.
func (c *connection) startSending(muted *mutes) {
	for _, transceiver := range c.sending {
		for _, track := range c.tracks {
			if track.Kind() != transceiver.Kind() {
				continue
			}
			track.setMid(transceiver.Mid())
			c.running.Go(func() { track.readRTCP(transceiver.Sender()) })
		}
	}
	if len(c.tracks) > 0 {
		c.running.Go(func() { c.pump(muted) })
	}
}

// pump sends the frames of all tracks in time until the connection closes.
func (c *connection) pump(muted *mutes) {
	began := time.Now()
	var audio, video int // frames so far
	for {
		audioDue := began.Add(time.Duration(audio) * audioFrame)
		videoDue := began.Add(time.Duration(video) * videoFrame)
		due := audioDue
		if videoDue.Before(due) {
			due = videoDue
		}
		select {
		case <-c.closing:
			return
		case <-time.After(time.Until(due)):
		}
		if due.Equal(audioDue) {
			audio++
			c.sendFrames("audio", muted.audio.Load(), 48000*uint32(audioFrame/time.Millisecond)/1000)
		}
		if due.Equal(videoDue) {
			video++
			c.sendFrames("video", muted.video.Load(), 90000/framesPerSecond)
		}
	}
}

func (c *connection) sendFrames(kind string, muted bool, duration uint32) {
	for _, track := range c.tracks {
		if track.encoding.Kind != kind {
			continue
		}
		if muted {
			track.keyframe.Store(true) // what comes next must be decodable without what is left out
			continue
		}
		track.sendFrame(duration)
	}
}

// mutes say what is not sent although it is published.
type mutes struct{ audio, video atomic.Bool }

// readRTCP takes note of requests for keyframes until the sender ends.
func (t *outTrack) readRTCP(sender *webrtc.RTPSender) {
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
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				if slices.Contains(packet.DestinationSSRC(), t.ssrc()) {
					t.counter.keyframeRequests.Add(1)
					t.keyframe.Store(true)
				}
			}
		}
	}
}

func (t *outTrack) ssrc() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header.SSRC
}
