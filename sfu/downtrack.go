package sfu

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/rewrite"
	"parley/sfu/wire"
)

// downTrack sends an upTrack to one receiver. It implements webrtc.TrackLocal, for pion to describe; what it sends goes
// by the transport.
type downTrack struct {
	// Static after construction.
	up        *upTrack
	transport *transport

	// Set by Bind, before the first packet.
	ssrc        uint32
	payloadType uint8
	red         uint8 // payload type of sound with redundancy, 0 where it was not negotiated
	levelID     uint8 // of the audio level extension, 0 where it was not negotiated
	transportID uint8 // of the transport-wide number likewise
	rtx         retransmission
	decodable   bool

	mu        sync.Mutex
	detached  bool             // guarded by mu, as all that follows
	stream    *dtlssrtp.Stream // nil until the first packet
	current   *layer           // what is being forwarded, nil before the first keyframe
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

func newDownTrack(up *upTrack, t *transport) *downTrack { return &downTrack{up: up, transport: t} }

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
	d.ssrc = uint32(ctx.SSRC())
	d.levelID = extensionID(ctx.HeaderExtensions(), audioLevelURI)
	d.transportID = extensionID(ctx.HeaderExtensions(), sdp.TransportCCURI)
	for _, negotiated := range ctx.CodecParameters() {
		if (format{codec: negotiated.RTPCodecCapability}).isRED() {
			d.red = uint8(negotiated.PayloadType)
		}
	}
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

// forward sends those packets that belong to the layer that this receiver gets. It is called by whoever reads the
// layers, and never waits: packets are sealed into the batch under mu, which nobody else wants but for a NACK.
func (d *downTrack) forward(packets []packet, b *egress.Batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	session, path := d.transport.ready()
	if d.detached || session == nil {
		return
	}
	if d.stream == nil {
		var err error
		if d.stream, err = session.Stream(d.ssrc); err != nil {
			return
		}
	}
	for i := range packets {
		p := &packets[i]
		if !d.admit(p) {
			if d.current == nil && p.layer == d.up.best.Load() {
				p.layer.keyframes.request(p.arrived) // the one asked for came before it could be sent
			}
			continue
		}
		if d.current != p.layer {
			d.startLayer(p)
			for i := range p.preface {
				d.send(&p.preface[i], b, path)
			}
		}
		d.send(p, b, path)
	}
}

// admit decides whether p goes out. mu is held.
func (d *downTrack) admit(p *packet) bool {
	if p.layer == d.current {
		return true
	}
	// Start with any keyframe, so that there is a picture at once; change only to the best layer.
	return p.keyframe && (d.current == nil || p.layer == d.up.best.Load())
}

// startLayer makes p's layer the current one. mu is held.
func (d *downTrack) startLayer(p *packet) {
	begin := p
	if len(p.preface) > 0 {
		begin = &p.preface[0]
	}
	elapsed := uint32(0)
	if !d.sent.at.IsZero() {
		elapsed = d.ticks(p.arrived.Sub(d.sent.at))
	}
	d.sequence.Switch(begin.header.Sequence)
	d.timestamp.Switch(begin.header.Timestamp, elapsed)
	if d.up.isVP8 {
		d.vp8.Switch(p.vp8)
	}
	d.current = p.layer
}

// send maps the numbers of p, seals it and queues it. mu is held.
func (d *downTrack) send(p *packet, b *egress.Batch, path *egress.Destination) {
	payload := p.payload
	if len(payload) == 0 {
		d.sequence.Drop(p.header.Sequence) // padding probes are the publisher's affair
		return
	}
	sequence, ok := d.sequence.Next(p.header.Sequence)
	if !ok {
		return
	}
	header := wire.Out{
		Marker:      p.header.Marker,
		Padding:     p.padding > 0,
		PayloadType: d.payloadType,
		Sequence:    sequence,
		Timestamp:   d.timestamp.Next(p.header.Timestamp),
		SSRC:        d.ssrc,
		TransportID: d.transportID,
	}
	if d.transportID != 0 {
		header.TransportSequence = d.transport.nextNumber()
	}
	switch {
	case p.primary == nil:
	case d.red != 0 && d.payloadType == p.layer.payloadType: // which its blocks name
		header.PayloadType = d.red
	default:
		payload = p.primary
	}
	if d.levelID != 0 && len(p.level) == 1 {
		header.LevelID, header.Level = d.levelID, p.level[0]
	}
	start := header.Len()
	size := start + len(payload) + int(p.padding)
	if size+dtlssrtp.Overhead > egress.MaxPacket {
		return // larger than any path takes
	}
	room := b.Room(size + dtlssrtp.Overhead)
	header.Put(room)
	copy(room[start:], payload)
	d.mapVP8(p, room[start:start+len(payload)], header)
	if p.padding > 0 { // zeros, the last byte counts them (RFC 3550, 5.1)
		clear(room[size-int(p.padding) : size])
		room[size-1] = p.padding
	}
	sealed, err := d.stream.Seal(room[:size], start)
	if err != nil {
		return // came twice
	}
	b.Send(path, len(sealed))
	d.sent.packets++
	d.sent.octets += uint32(len(payload))
	if d.sent.packets == 1 || int32(header.Timestamp-d.sent.timestamp) >= 0 { // else it is late
		d.sent.timestamp, d.sent.at = header.Timestamp, p.arrived
	}
}

// mapVP8 writes the mapped counters into the payload, and remembers what a retransmission needs. mu is held.
func (d *downTrack) mapVP8(p *packet, payload []byte, header wire.Out) {
	mapped := p.vp8
	if d.up.isVP8 {
		if mapped = d.vp8.Next(p.vp8); mapped != p.vp8 {
			mapped.Put(payload)
		}
	}
	if d.rtx.payloadType != 0 {
		d.history.add(sentPacket{
			out: header.Sequence, in: p.header.Sequence, timestamp: header.Timestamp, marker: header.Marker,
			layer: p.layer, counters: countersOf(mapped),
		})
	}
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
