package sfu

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
)

// layerTimeout is how far a layer may fall behind the newest packet of its track and still count as flowing.
const layerTimeout = time.Second

// packet is one RTP packet on its way from a layer to the receivers. Receivers read it and change only copies.
type packet struct {
	layer    *layer
	header   *rtp.Header
	payload  []byte
	arrived  time.Time
	keyframe bool      // a receiver can start here
	vp8      codec.VP8 // of a VP8 track
	// preface holds the packets of a keyframe that come before its first slice (H264 parameter sets).
	preface []*packet
	level   []byte // the audio level extension (RFC 6464), if there was one
}

// upTrack is a track that a participant publishes: one layer, or several encodings of one picture (simulcast).
type upTrack struct {
	// Static after construction.
	id        string // unique in the room
	publisher string
	streamID  string // of the MediaStream that receivers get it in
	kind      webrtc.RTPCodecType
	codec     webrtc.RTPCodecCapability
	isVP8     bool
	source    sourceStream

	receivers fanOut
	best      atomic.Pointer[layer] // what receivers should switch to

	mu     sync.Mutex
	layers []*layer // guarded by mu
}

// sourceStream is what the publisher calls the stream.
type sourceStream struct {
	id     string // msid
	screen bool
}

// layer is one encoding of an upTrack.
type layer struct {
	// Static after construction.
	track     *upTrack
	rid       string
	ssrc      webrtc.SSRC
	keyframes keyframeRequests
	cache     sourceCache // of video

	lastPacket atomic.Int64 // UnixNano
	pixels     atomic.Int32 // of the last keyframe, 0 if its size is not known
	bytes      atomic.Int64 // received in all, which ranks layers whose size is not known

	// Owned by the goroutine that reads the layer.
	preface []*packet
	judged  time.Time
}

// addLayer adds an encoding that has begun to flow.
func (t *upTrack) addLayer(remote *webrtc.TrackRemote, requestKeyframe func(webrtc.SSRC)) *layer {
	l := &layer{track: t, rid: remote.RID(), ssrc: remote.SSRC()}
	l.keyframes.send = func() { requestKeyframe(l.ssrc) }
	l.lastPacket.Store(time.Now().UnixNano())
	t.mu.Lock()
	t.layers = append(t.layers, l)
	t.mu.Unlock()
	t.chooseBest()
	return l
}

// removeLayer is called when a layer has ended; it reports how many are left.
func (t *upTrack) removeLayer(l *layer) int {
	t.mu.Lock()
	for i, other := range t.layers {
		if other == l {
			t.layers = append(t.layers[:i:i], t.layers[i+1:]...)
			break
		}
	}
	left := len(t.layers)
	t.mu.Unlock()
	t.chooseBest()
	return left
}

// chooseBest picks the largest layer that flows, and asks for a keyframe if that is a change.
func (t *upTrack) chooseBest() {
	t.mu.Lock()
	var newest int64
	for _, l := range t.layers {
		newest = max(newest, l.lastPacket.Load())
	}
	var best *layer
	for _, l := range t.layers {
		flows := newest-l.lastPacket.Load() <= int64(layerTimeout)
		if flows && (best == nil || l.better(best)) {
			best = l
		}
	}
	changed := best != nil && t.best.Swap(best) != best
	t.mu.Unlock()
	if changed && t.receivers.len() > 0 {
		best.keyframes.request(time.Now())
	}
}

// better ranks by picture size where both are known, else by how much has come. Layers of one track that run for the
// same time differ in bytes by a factor, so this does not flap.
func (l *layer) better(other *layer) bool {
	a, b := l.pixels.Load(), other.pixels.Load()
	if a != 0 && b != 0 {
		return a > b
	}
	return l.bytes.Load() > other.bytes.Load()
}

// subscribe starts forwarding to d, beginning with the next keyframe.
func (t *upTrack) subscribe(d *downTrack) {
	t.receivers.add(d)
	if best := t.best.Load(); best != nil {
		best.keyframes.request(time.Now())
	}
}

// requestKeyframe is called for a receiver that has lost the picture.
func (t *upTrack) requestKeyframe(current *layer) {
	if current == nil {
		current = t.best.Load()
	}
	if current != nil {
		current.keyframes.request(time.Now())
	}
}

// read forwards a layer until its track ends. levelID is the publisher's id of the audio level extension, 0 for none.
func (l *layer) read(remote *webrtc.TrackRemote, levelID uint8) {
	buffer := make([]byte, 1500)
	header := &rtp.Header{}
	for {
		n, _, err := remote.Read(buffer)
		switch {
		case err == nil:
		case n > 0 || errors.Is(err, io.ErrShortBuffer):
			continue // a payload type that was never negotiated, or a packet larger than any MTU
		default:
			return
		}
		*header = rtp.Header{}
		start, err := header.Unmarshal(buffer[:n])
		if err != nil {
			continue
		}
		l.forward(header, buffer[start:n], levelID)
	}
}

// forward parses a packet once and hands it to every receiver.
func (l *layer) forward(header *rtp.Header, payload []byte, levelID uint8) {
	if header.Padding && len(payload) > 0 {
		// The last byte counts the padding, itself included (RFC 3550, 5.1).
		payload = payload[:max(0, len(payload)-int(payload[len(payload)-1]))]
		header.Padding, header.PaddingSize = false, 0
	}
	p := &packet{layer: l, header: header, payload: payload, arrived: time.Now()}
	if levelID != 0 {
		p.level = header.GetExtension(levelID)
	}
	l.inspect(p)
	for _, receiver := range l.track.receivers.load() {
		receiver.forward(p)
	}
}

// inspect fills in what the payload tells and keeps the layer's account of it.
func (l *layer) inspect(p *packet) {
	l.lastPacket.Store(p.arrived.UnixNano())
	l.bytes.Add(int64(len(p.payload)))
	if l.track.kind == webrtc.RTPCodecTypeAudio {
		p.keyframe = true
		return
	}
	if len(p.payload) > 0 {
		if l.track.isVP8 {
			p.vp8, _ = codec.ParseVP8(p.payload)
			p.keyframe = p.vp8.Keyframe
			if p.vp8.Width != 0 {
				l.pixels.Store(int32(p.vp8.Width) * int32(p.vp8.Height))
			}
		} else {
			p.keyframe = codec.StartsKeyframe(l.track.codec.MimeType, p.payload)
			l.keepPreface(p)
		}
	}
	l.cache.add(p)
	l.keyframes.packet(p.arrived, p.keyframe)
	if p.arrived.Sub(l.judged) > layerTimeout/4 {
		l.judged = p.arrived
		l.track.chooseBest()
	}
}

// maxPreface bounds how many packets before the first slice of a frame are remembered.
const maxPreface = 8

// keepPreface remembers the packets of a frame that precede its keyframe slice, so that a receiver that starts there
// gets the parameter sets as well.
func (l *layer) keepPreface(p *packet) {
	if len(l.preface) > 0 && l.preface[0].header.Timestamp != p.header.Timestamp {
		l.preface = nil
	}
	switch {
	case p.keyframe:
		p.preface, l.preface = l.preface, nil
	case len(l.preface) < maxPreface && codec.IsParameterSet(l.track.codec.MimeType, p.payload):
		header := p.header.Clone()
		l.preface = append(l.preface, &packet{
			layer: l, header: &header, payload: append([]byte(nil), p.payload...), arrived: p.arrived,
		})
	}
}
