package sfu

import (
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/rewrite"
)

// outgoing is the numbering of what goes out on one line, which outlives the tracks that use it one after the other:
// the SSRC stays, so its numbers must go on.
type outgoing struct {
	sequence  rewrite.Sequence
	timestamp rewrite.Timestamp
	vp8       rewrite.VP8
	sent      time.Time // when the last packet left
}

// downTrack sends an upTrack to one receiver. It implements webrtc.TrackLocal.
type downTrack struct {
	// Static after construction.
	up *upTrack

	// Set by Bind, before the first packet.
	writer      webrtc.TrackLocalWriter
	ssrc        uint32
	payloadType uint8
	levelID     uint8 // of the audio level extension, 0 where it was not negotiated
	decodable   bool

	mu      sync.Mutex
	out     *outgoing // guarded by mu; nil once detached
	current *layer    // guarded by mu; what is being forwarded, nil before the first keyframe
}

var _ webrtc.TrackLocal = (*downTrack)(nil)

func newDownTrack(up *upTrack, out *outgoing) *downTrack { return &downTrack{up: up, out: out} }

// ID is unique among the tracks of the room.
func (d *downTrack) ID() string { return d.up.id }

// RID is empty: receivers get one encoding.
func (d *downTrack) RID() string { return "" }

// StreamID is the publisher's channel name, with ".screen" for a screen share.
func (d *downTrack) StreamID() string { return d.up.streamID }

// Kind is audio or video.
func (d *downTrack) Kind() webrtc.RTPCodecType { return d.up.kind }

// Bind is called by pion when the codecs are known. It never fails: an error here would break the whole description, so
// a track that the receiver cannot decode is bound, found out by decodable, and taken away.
func (d *downTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	d.writer = ctx.WriteStream()
	d.ssrc = uint32(ctx.SSRC())
	d.levelID = extensionID(ctx.HeaderExtensions(), audioLevelURI)
	for _, negotiated := range ctx.CodecParameters() {
		if sameCodec(negotiated.RTPCodecCapability, d.up.codec) {
			d.payloadType, d.decodable = uint8(negotiated.PayloadType), true
			return negotiated, nil
		}
	}
	return webrtc.RTPCodecParameters{RTPCodecCapability: d.up.codec}, nil
}

// Unbind is called by pion when the track is replaced or the connection closes.
func (d *downTrack) Unbind(webrtc.TrackLocalContext) error { return nil }

// detach ends forwarding and gives the line's numbering back to the next track.
func (d *downTrack) detach() {
	d.up.receivers.remove(d)
	d.mu.Lock()
	d.out = nil
	d.mu.Unlock()
}

// forward sends p if it belongs to the layer that this receiver gets. It is called by the goroutines that read the
// layers, and never waits.
func (d *downTrack) forward(p *packet) {
	d.mu.Lock()
	if d.out == nil || !d.admit(p) {
		d.mu.Unlock()
		return
	}
	first := d.current != p.layer
	var preface []outgoingPacket
	if first {
		preface = d.startLayer(p)
	}
	packet, ok := d.rewrite(p)
	d.mu.Unlock()

	for _, early := range preface {
		d.write(early)
	}
	if ok {
		d.write(packet)
	}
}

// admit decides whether p goes out. It must be called with mu held.
func (d *downTrack) admit(p *packet) bool {
	if p.layer == d.current {
		return true
	}
	// Start with any keyframe, so that there is a picture at once; change only to the best layer.
	return p.keyframe && (d.current == nil || p.layer == d.up.best.Load())
}

// startLayer makes p's layer the current one and maps what has to go before p. It must be called with mu held.
func (d *downTrack) startLayer(p *packet) []outgoingPacket {
	out := d.out
	begin := p
	if len(p.preface) > 0 {
		begin = p.preface[0]
	}
	elapsed := uint32(0)
	if !out.sent.IsZero() {
		elapsed = uint32(p.arrived.Sub(out.sent).Seconds() * float64(d.up.codec.ClockRate))
	}
	out.sequence.Switch(begin.header.SequenceNumber)
	out.timestamp.Switch(begin.header.Timestamp, elapsed)
	if d.up.isVP8 {
		out.vp8.Switch(p.vp8)
	}
	d.current = p.layer
	var packets []outgoingPacket
	for _, early := range p.preface {
		if packet, ok := d.rewrite(early); ok {
			packets = append(packets, packet)
		}
	}
	return packets
}

// outgoingPacket is a packet rewritten for one receiver.
type outgoingPacket struct {
	header  rtp.Header
	payload []byte
}

// rewrite maps the numbers of p. It must be called with mu held.
func (d *downTrack) rewrite(p *packet) (outgoingPacket, bool) {
	out := d.out
	if len(p.payload) == 0 {
		out.sequence.Drop(p.header.SequenceNumber) // padding probes are the publisher's affair
		return outgoingPacket{}, false
	}
	sequence, ok := out.sequence.Next(p.header.SequenceNumber)
	if !ok {
		return outgoingPacket{}, false
	}
	out.sent = p.arrived
	header := rtp.Header{
		Version:        2,
		Marker:         p.header.Marker,
		PayloadType:    d.payloadType,
		SequenceNumber: sequence,
		Timestamp:      out.timestamp.Next(p.header.Timestamp),
		SSRC:           d.ssrc,
	}
	if d.levelID != 0 && p.level != nil {
		_ = header.SetExtension(d.levelID, p.level) // one byte always fits
	}
	return outgoingPacket{header, d.payload(p)}, true
}

// payload returns what p carries, a copy where counters in it change. It must be called with mu held.
func (d *downTrack) payload(p *packet) []byte {
	if !d.up.isVP8 {
		return p.payload
	}
	mapped := d.out.vp8.Next(p.vp8)
	if mapped == p.vp8 {
		return p.payload
	}
	payload := append([]byte(nil), p.payload...)
	mapped.Put(payload)
	return payload
}

// write sends a packet. A failure means that the connection is closing or the socket full; the receiver asks again.
func (d *downTrack) write(packet outgoingPacket) {
	_, _ = d.writer.WriteRTP(&packet.header, packet.payload)
}

// requestKeyframe passes a receiver's request on to the layer that it gets.
func (d *downTrack) requestKeyframe() {
	d.mu.Lock()
	current, attached := d.current, d.out != nil
	d.mu.Unlock()
	if attached {
		d.up.requestKeyframe(current)
	}
}

// extensionID finds the id that was negotiated for a header extension, 0 for none.
func extensionID(extensions []webrtc.RTPHeaderExtensionParameter, uri string) uint8 {
	for _, extension := range extensions {
		if extension.URI == uri {
			return uint8(extension.ID) //nolint:gosec // 1 to 14 or 255
		}
	}
	return 0
}
