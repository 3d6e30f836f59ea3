package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/egress"
	"parley/sfu/feedback"
	"parley/sfu/wire"
)

// layerTimeout is how far a layer may fall behind the newest packet of its track and still count as flowing.
const layerTimeout = time.Second

// packet is one RTP packet on its way from a layer to the receivers, who only read it. Its payload lies where the
// socket was read to, until the read batch ends.
type packet struct {
	layer    *layer
	header   wire.Header
	payload  []byte
	padding  uint8 // to send behind the payload, see evenOut
	arrived  time.Time
	keyframe bool      // a receiver can start here
	vp8      codec.VP8 // of a VP8 track
	// preface holds the packets of a keyframe that come before its first slice (H264 parameter sets).
	preface []packet
	level   []byte // the audio level extension (RFC 6464), if there was one
	primary []byte // of a RED packet (RFC 2198), what a receiver without RED gets
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
	track       *upTrack
	ingress     *ingress // that it comes from
	rid         string
	ssrc        uint32
	payloadType uint8
	red         uint8 // payload type of the same sound with redundancy, 0 for none
	keyframes   keyframeRequests
	cache       sourceCache // of video

	lastPacket atomic.Int64 // UnixNano
	pixels     atomic.Int32 // of the last keyframe, 0 if its size is not known
	bytes      atomic.Int64 // received in all, which ranks layers whose size is not known

	// Guarded by the ingress' mu.
	account *feedback.Source
	batch   *egress.Batch // that pending is of
	pending []packet      // to be forwarded when the read batch ends
	preface []packet
	judged  time.Time
}

// newLayer makes a layer out of a stream of the client's, not yet of any track.
func newLayer(in *ingress, u unknownSource, clockRate uint32) *layer {
	l := &layer{
		ingress: in, rid: u.rid, ssrc: u.ssrc, payloadType: u.payloadType,
		account: feedback.NewSource(u.ssrc, clockRate),
	}
	l.keyframes.send = func() { in.transport.requestKeyframe(l.ssrc) }
	return l
}

// addLayer adds an encoding that has begun to flow.
func (t *upTrack) addLayer(l *layer) {
	l.track = t
	l.lastPacket.Store(time.Now().UnixNano())
	t.mu.Lock()
	t.layers = append(t.layers, l)
	t.mu.Unlock()
	t.chooseBest()
}

// layerOf returns the layer with that rid, nil if there is none.
func (t *upTrack) layerOf(rid string) *layer {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.layers {
		if l.rid == rid {
			return l
		}
	}
	return nil
}

// allLayers returns the layers now.
func (t *upTrack) allLayers() []*layer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]*layer(nil), t.layers...)
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

func (l *layer) isVideo() bool { return l.track.kind == webrtc.RTPCodecTypeVideo }

// take parses a packet, once for all receivers. It is forwarded when the read batch ends, so that a receiver gets all
// that came in one go in one go. The ingress' mu is held.
func (l *layer) take(header wire.Header, payload []byte, arrived time.Time, b *egress.Batch) {
	if header.PayloadType != l.payloadType && (l.red == 0 || header.PayloadType != l.red) {
		return // comfort noise, events
	}
	if l.batch != b {
		l.forward(b) // what another goroutine has not come to yet: its packets stay valid until it has mu
		l.batch = b
		b.AtEnd(l)
	}
	l.pending = append(l.pending, packet{layer: l, header: header, payload: payload, arrived: arrived})
	l.inspect(&l.pending[len(l.pending)-1])
}

// EndBatch forwards what has been taken.
func (l *layer) EndBatch(b *egress.Batch) {
	l.ingress.mu.Lock()
	defer l.ingress.mu.Unlock()
	if l.batch == b {
		l.forward(b)
		l.batch = nil
	}
}

// forward hands what is pending to every receiver. The ingress' mu is held.
func (l *layer) forward(b *egress.Batch) {
	if len(l.pending) == 0 {
		return
	}
	if l.isVideo() {
		evenOut(l.pending)
	}
	for _, receiver := range l.track.receivers.load() {
		receiver.forward(l.pending, b)
	}
	clear(l.pending)
	l.pending = l.pending[:0]
}

const (
	// maxUneven is by how many bytes packets may differ that are made equal by padding.
	maxUneven = 15
	// largestEven is the longest payload that leaves room for headers and tag whatever is added.
	largestEven = egress.MaxPacket - 100
)

// evenOut pads packets to the size of their neighbours where that takes few bytes: an encoder cuts a frame into parts
// that differ by a byte, and only packets of one size can leave together.
func evenOut(packets []packet) {
	for len(packets) > 0 {
		low, high, n := len(packets[0].payload), len(packets[0].payload), 1
		for ; n < len(packets); n++ {
			size := len(packets[n].payload)
			if size == 0 || size > largestEven || max(high, size)-min(low, size) > maxUneven {
				break
			}
			low, high = min(low, size), max(high, size)
		}
		for i := range packets[:n-1] { // the last may be shorter
			if size := len(packets[i].payload); size > 0 {
				packets[i].padding = uint8(high - size)
			}
		}
		packets = packets[n:]
	}
}

// inspectAudio fills in what a packet of sound tells.
func (l *layer) inspectAudio(p *packet) {
	p.keyframe = true
	p.level = p.header.Extensions.Get(l.ingress.ids.level)
	if l.red != 0 && p.header.PayloadType == l.red {
		var ok bool
		if p.primary, ok = codec.PrimaryRED(p.payload); !ok {
			p.payload = nil // nothing that could be played
		}
	}
}

// inspect fills in what the payload tells and keeps the layer's account of it.
func (l *layer) inspect(p *packet) {
	l.lastPacket.Store(p.arrived.UnixNano())
	l.bytes.Add(int64(len(p.payload)))
	if !l.isVideo() {
		l.inspectAudio(p)
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
	l.cache.add(p.header.Sequence, p.payload, p.arrived)
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
		early := *p
		early.header.Extensions = wire.Extensions{}
		early.payload = append([]byte(nil), p.payload...)
		l.preface = append(l.preface, early)
	}
}
