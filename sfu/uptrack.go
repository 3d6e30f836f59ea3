package sfu

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/alloc"
	"parley/sfu/codec"
	"parley/sfu/egress"
	"parley/sfu/feedback"
	"parley/sfu/rewrite"
	"parley/sfu/selection"
	"parley/sfu/wire"
)

// packet is one RTP packet on its way from a layer to the receivers, who only read it. Its payload lies where the
// socket was read to, until the read batch ends.
type packet struct {
	layer   *layer
	in      selection.Packet
	frame   codec.Frame
	header  wire.Header
	payload []byte
	leaves  time.Time // if it is sent again: when
	padding uint8     // to send behind the payload, see evenOut
	// preface holds the packets of a keyframe that come before its first slice (H264 parameter sets).
	preface []packet
	level   []byte // the audio level extension (RFC 6464), if there was one
	// descriptor is the dependency descriptor (AV1 RTP, appendix A; other codecs have it too), if there was one.
	descriptor []byte
	primary    []byte // of a RED packet (RFC 2198), what a receiver without RED gets
}

// upTrack is a track that a participant publishes: one layer, or several encodings of one picture (simulcast).
type upTrack struct {
	// Static after construction.
	id        string // unique in the room
	publisher string
	streamID  string // of the MediaStream that receivers get it in
	kind      webrtc.RTPCodecType
	codec     webrtc.RTPCodecCapability
	format    codec.Kind
	source    sourceStream
	ingress   *ingress // that it comes from
	wake      func()   // has the publisher's loop look at what is wanted

	// Static once it is published.
	order uint64 // the how manieth of the room

	// One of these at most.
	microphone *microphone // nil unless it is one
	slot       *slot       // not a track of anybody's but what an audio slot is described as

	dominant *atomic.Bool // its publisher speaks more than the others; nil: nobody knows

	receivers fanOut
	ladder    atomic.Pointer[ladder] // of video; nil until the first packet
	limited   atomic.Pointer[Why]    // what keeps the publisher from sending more; nil: nothing known
	stalled   atomic.Bool            // it sends nothing though it is wanted, for that reason

	// Guarded by the ingress' mu.
	batch   *egress.Batch // that pending is of
	pending []packet      // to be forwarded when the read batch ends
	last    time.Time     // the newest packet of a picture
	resumed time.Time     // since when packets come without a pause

	mu     sync.Mutex
	layers []*layer // guarded by mu
	stale  bool     // guarded by mu: layers have come or gone since the ladder was made
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
	run         keyframeRun // likewise

	demand layerDemand

	// Guarded by the ingress' mu.
	account       *feedback.Source
	shed          bool // some of what came has just been dropped unread
	preface       []packet
	parser        codec.Parser
	meter         meter
	flow          flow
	width, height uint16 // of the last keyframe, 0 if its size is not known
	last          time.Time
	judged        time.Time
	clock         rewrite.Clock
	unreadable    stamp // of the frame of which a packet came before its structure
}

// stamp is a timestamp, if there is one.
type stamp struct {
	known bool
	value uint32
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
	l.parser = codec.Parser{Kind: t.format}
	l.cache.described = t.format != codec.KindVP9 // whose own descriptor says as much
	t.mu.Lock()
	defer t.mu.Unlock()
	t.layers = append(t.layers, l)
	t.stale = true
}

// speaks reports whether its publisher is the one who speaks.
func (t *upTrack) speaks() bool { return t.dominant != nil && t.dominant.Load() }

// attach begins to send the track by d.
func (t *upTrack) attach(d *downTrack) {
	if t.slot != nil {
		t.slot.open(d)
		return
	}
	t.receivers.add(d)
}

// detach ends that.
func (t *upTrack) detach(d *downTrack) {
	if t.slot != nil {
		t.slot.close(d)
		return
	}
	t.receivers.remove(d)
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
	return slices.Clone(t.layers)
}

// removeLayer is called when a layer has ended.
func (t *upTrack) removeLayer(l *layer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.layers = slices.DeleteFunc(t.layers, func(other *layer) bool { return other == l })
	t.stale = true
}

// judge makes the ladder anew if it is time. The ingress' mu is held.
func (t *upTrack) judge(l *layer, now time.Time) {
	t.mu.Lock()
	due := t.stale || now.Sub(l.judged) >= meterWindow
	var layers []*layer
	if due {
		t.stale = false
		layers = slices.Clone(t.layers)
	}
	t.mu.Unlock()
	if !due {
		return
	}
	l.judged = now
	layers = slices.DeleteFunc(layers, func(l *layer) bool { return !l.available(now) })
	rankLayers(layers)
	built, former := buildLadder(layers), t.ladder.Load()
	if former != nil {
		built.shape = former.shape
	}
	if !built.sameShape(former) {
		built.shape++
	}
	t.ladder.Store(built)
}

// available reports whether receivers can have the layer: it flows, or would if it were wanted. now is when the track's
// newest packet came.
func (l *layer) available(now time.Time) bool {
	if l.last.IsZero() {
		return false
	}
	// After a pause of all layers, as of a camera that was switched off, they come back one after the other.
	back := now.Sub(l.track.resumed) < layerTimeout
	return back || now.Sub(l.last) <= max(l.track.timeout(), l.meter.slow()) || l.demand.expected(now)
}

// absent reports whether the layer does not flow.
func (l *layer) absent(now time.Time) bool {
	l.ingress.mu.Lock()
	defer l.ingress.mu.Unlock()
	return now.Sub(l.last) > l.track.timeout()
}

// timeout is how far a layer may fall behind the newest packet of its track and still count as flowing.
func (t *upTrack) timeout() time.Duration {
	if t.source.screen {
		return screenLayerTimeout
	}
	return layerTimeout
}

// came notes a packet of a layer.
func (t *upTrack) came(l *layer, now time.Time) {
	if now.Sub(t.last) > t.timeout() {
		t.resumed = now
	}
	t.last, l.last = now, now
	if t.stalled.Load() {
		t.stalled.Store(false)
	}
}

// stall notes whether the publisher is kept from sending anything of a picture that is wanted, and has receivers told.
// It is called by the publisher's loop.
func (t *upTrack) stall(now time.Time, wanted bool) {
	stalled := wanted && t.why(alloc.Free) != Unlimited && t.quiet(now)
	if t.stalled.Swap(stalled) == stalled {
		return
	}
	for _, d := range t.receivers.load() {
		d.sender.reconsider(now)
	}
}

// limit takes what keeps the publisher from sending its best. Who is not kept from it sends nothing by choice.
func (t *upTrack) limit(now time.Time, why Why) {
	t.limited.Store(&why)
	if why == Unlimited {
		t.stall(now, false)
	}
}

// quiet reports whether a track that has sent something sends nothing now.
func (t *upTrack) quiet(now time.Time) bool {
	t.ingress.mu.Lock()
	defer t.ingress.mu.Unlock()
	return !t.last.IsZero() && now.Sub(t.last) > 2*t.timeout()
}

func (l *layer) pixels() int { return int(l.width) * int(l.height) }

func (l *layer) rate() float64 {
	rate, _ := l.meter.upTo(maxSpatial-1, maxTemporal-1)
	return rate
}

func (l *layer) isVideo() bool { return l.track.kind == webrtc.RTPCodecTypeVideo }

// take parses a packet, once for all receivers. It is forwarded when the read batch ends, so that a receiver gets all
// that came in one go in one go, and a track's layers in the order in which they came. The ingress' mu is held.
func (l *layer) take(header wire.Header, payload []byte, arrived time.Time, b *egress.Batch) {
	if header.PayloadType != l.payloadType && (l.red == 0 || header.PayloadType != l.red) {
		return // comfort noise, events
	}
	l.flow.add(arrived, len(payload)+packetExtras)
	t := l.track
	if t.batch != b {
		t.forward(b) // what another goroutine has not come to yet: its packets stay valid until it has mu
		t.batch = b
		b.AtEnd(t)
	}
	t.pending = append(t.pending, packet{layer: l, header: header, payload: payload, in: selection.Packet{
		Encoding: l.ssrc, Sequence: header.Sequence, Timestamp: header.Timestamp, Marker: header.Marker, Arrived: arrived,
	}})
	l.inspect(&t.pending[len(t.pending)-1])
}

// EndBatch forwards what has been taken.
func (t *upTrack) EndBatch(b *egress.Batch) {
	t.ingress.mu.Lock()
	defer t.ingress.mu.Unlock()
	if t.batch == b {
		t.forward(b)
		t.batch = nil
	}
}

// forward hands what is pending to every receiver. The ingress' mu is held.
func (t *upTrack) forward(b *egress.Batch) {
	if len(t.pending) == 0 {
		return
	}
	if t.kind == webrtc.RTPCodecTypeVideo {
		evenOut(t.pending)
	}
	for i := range t.pending {
		p := &t.pending[i]
		p.in.Frame, p.in.Empty = &p.frame, len(p.payload) == 0
	}
	if t.microphone != nil {
		t.microphone.forward(t.pending, b)
	}
	t.ingress.crew.fan(t.receivers.load(), t.pending, b)
	clear(t.pending)
	t.pending = t.pending[:0]
}

// inspect fills in what a packet tells and keeps the layer's account of it.
func (l *layer) inspect(p *packet) {
	if l.isVideo() {
		l.inspectVideo(p)
		return
	}
	p.frame.Keyframe = true
	p.level = p.header.Extensions.Get(l.ingress.ids.level)
	if l.red != 0 && p.header.PayloadType == l.red {
		var ok bool
		if p.primary, ok = codec.PrimaryRED(p.payload); !ok {
			p.payload = nil // nothing that could be played
		}
	}
}

func (l *layer) inspectVideo(p *packet) {
	p.in.Clock = l.clock
	if len(p.payload) > 0 {
		if l.cache.described {
			p.descriptor = p.header.Extensions.Get(l.ingress.ids.dependency)
		}
		var err error
		if p.frame, err = l.parser.Parse(p.payload, p.descriptor, p.header.Marker); err != nil {
			p.payload = nil // of no use to anybody
			if errors.Is(err, codec.ErrStructure) {
				l.unreadable = stamp{true, p.header.Timestamp}
				l.keyframes.request(p.in.Arrived)
			}
			return
		}
		l.keepPreface(p)
		if w, h := p.frame.Width, p.frame.Height; w != 0 && (w != l.width || h != l.height) {
			l.width, l.height = w, h
			l.judged = time.Time{} // at once
		}
		l.meter.add(p.in.Arrived, &p.frame, len(p.payload))
		l.track.came(l, p.in.Arrived)
		l.cache.add(p.header.Sequence, p.payload, p.descriptor, p.in.Arrived)
	}
	l.run.add(p)
	// A keyframe of which packets could not be read is none, even if what they lacked has come since.
	whole := l.unreadable != stamp{true, p.header.Timestamp}
	l.keyframes.packet(p.in.Arrived, p.frame.Keyframe && whole)
	l.track.judge(l, p.in.Arrived)
}

// maxPreface bounds how many packets before the first slice of a frame are remembered.
const maxPreface = 8

// keepPreface remembers the packets of an H264 frame that precede its keyframe slice, so that a receiver that starts
// there gets the parameter sets as well.
func (l *layer) keepPreface(p *packet) {
	if l.track.format != codec.KindH264 {
		return
	}
	if len(l.preface) > 0 && l.preface[0].header.Timestamp != p.header.Timestamp {
		l.preface = nil
	}
	switch {
	case p.frame.Keyframe:
		p.preface, l.preface = l.preface, nil
	case len(l.preface) < maxPreface && p.frame.ParameterSet:
		early := *p
		early.header.Extensions = wire.Extensions{}
		early.payload = slices.Clone(p.payload)
		early.frame.Keyframe = true // for who starts here
		early.in.Frame = &early.frame
		l.preface = append(l.preface, early)
	}
}
