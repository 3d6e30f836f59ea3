package sfu

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/rewrite"
)

// downTrack sends an upTrack to one receiver. It implements webrtc.TrackLocal.
type downTrack struct {
	// Static after construction.
	up *upTrack

	// Set by Bind, before the first packet.
	writer      webrtc.TrackLocalWriter
	ssrc        uint32
	payloadType uint8
	rtx         retransmission
	levelID     uint8 // of the audio level extension, 0 where it was not negotiated
	decodable   bool

	mu        sync.Mutex
	detached  bool   // guarded by mu, as all that follows
	current   *layer // what is being forwarded, nil before the first keyframe
	sequence  rewrite.Sequence
	timestamp rewrite.Timestamp
	vp8       rewrite.VP8
	history   sentPackets
	sent      account
}

// account is what a sender report tells.
type account struct {
	packets, octets uint32
	timestamp       uint32 // of the newest packet
	at              time.Time
}

var _ webrtc.TrackLocal = (*downTrack)(nil)

func newDownTrack(up *upTrack) *downTrack { return &downTrack{up: up} }

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
			d.rtx = newRetransmission(ctx, negotiated.PayloadType)
			return negotiated, nil
		}
	}
	return webrtc.RTPCodecParameters{RTPCodecCapability: d.up.codec}, nil
}

// Unbind is called by pion when the track is replaced or the connection closes.
func (d *downTrack) Unbind(webrtc.TrackLocalContext) error { return nil }

// detach ends forwarding.
func (d *downTrack) detach() {
	d.up.receivers.remove(d)
	d.mu.Lock()
	d.detached = true
	d.mu.Unlock()
}

// forward sends p if it belongs to the layer that this receiver gets. It is called by the goroutines that read the
// layers, and never waits.
func (d *downTrack) forward(p *packet) {
	d.mu.Lock()
	if d.detached || !d.admit(p) {
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
	begin := p
	if len(p.preface) > 0 {
		begin = p.preface[0]
	}
	elapsed := uint32(0)
	if !d.sent.at.IsZero() {
		elapsed = d.ticks(p.arrived.Sub(d.sent.at))
	}
	d.sequence.Switch(begin.header.SequenceNumber)
	d.timestamp.Switch(begin.header.Timestamp, elapsed)
	if d.up.isVP8 {
		d.vp8.Switch(p.vp8)
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
	if len(p.payload) == 0 {
		d.sequence.Drop(p.header.SequenceNumber) // padding probes are the publisher's affair
		return outgoingPacket{}, false
	}
	sequence, ok := d.sequence.Next(p.header.SequenceNumber)
	if !ok {
		return outgoingPacket{}, false
	}
	header := rtp.Header{
		Version:        2,
		Marker:         p.header.Marker,
		PayloadType:    d.payloadType,
		SequenceNumber: sequence,
		Timestamp:      d.timestamp.Next(p.header.Timestamp),
		SSRC:           d.ssrc,
	}
	if d.levelID != 0 && p.level != nil {
		_ = header.SetExtension(d.levelID, p.level) // one byte always fits
	}
	mapped := p.vp8
	if d.up.isVP8 {
		mapped = d.vp8.Next(p.vp8)
	}
	if d.rtx.payloadType != 0 {
		d.history.add(sentPacket{
			out: sequence, in: p.header.SequenceNumber, timestamp: header.Timestamp, marker: header.Marker,
			layer: p.layer, vp8: mapped,
		})
	}
	d.sent.packets++
	d.sent.octets += uint32(len(p.payload))
	d.sent.timestamp, d.sent.at = header.Timestamp, p.arrived
	return outgoingPacket{header, withVP8(p.payload, p.vp8, mapped)}, true
}

// withVP8 returns the payload with its counters mapped, a copy where they change.
func withVP8(payload []byte, from, to codec.VP8) []byte {
	if from == to {
		return payload
	}
	payload = append([]byte(nil), payload...)
	to.Put(payload)
	return payload
}

// ticks converts a time into units of the media clock.
func (d *downTrack) ticks(elapsed time.Duration) uint32 {
	return uint32(elapsed.Seconds() * float64(d.up.codec.ClockRate))
}

// report is a sender report as of now, nil before the first packet.
func (d *downTrack) report(now time.Time) rtcp.Packet {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sent.packets == 0 {
		return nil
	}
	return &rtcp.SenderReport{
		SSRC:        d.ssrc,
		NTPTime:     ntpTime(now),
		RTPTime:     d.sent.timestamp + d.ticks(now.Sub(d.sent.at)),
		PacketCount: d.sent.packets,
		OctetCount:  d.sent.octets,
	}
}

// ntpTime is the 64-bit format of RFC 3550, section 4: seconds since 1900 and a fraction.
func ntpTime(t time.Time) uint64 {
	const from1900to1970 = 2208988800
	seconds := uint64(t.Unix()) + from1900to1970
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return seconds<<32 | fraction
}

// write sends a packet. A failure means that the connection is closing or the socket full; the receiver asks again.
func (d *downTrack) write(packet outgoingPacket) {
	_, _ = d.writer.WriteRTP(&packet.header, packet.payload)
}

// requestKeyframe passes a receiver's request on to the layer that it gets.
func (d *downTrack) requestKeyframe() {
	d.mu.Lock()
	current, attached := d.current, !d.detached
	d.mu.Unlock()
	if attached {
		d.up.requestKeyframe(current)
	}
}

// extensionID finds the id that was negotiated for a header extension, 0 for none.
func extensionID(extensions []webrtc.RTPHeaderExtensionParameter, uri string) uint8 {
	for _, extension := range extensions {
		if extension.URI == uri {
			return uint8(extension.ID)
		}
	}
	return 0
}
