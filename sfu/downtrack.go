package sfu

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu/congestion"
	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/pace"
	"parley/sfu/selection"
	"parley/sfu/wire"
)

// downTrack sends an upTrack to one receiver. It implements webrtc.TrackLocal, for pion to describe; what it sends goes
// by the sender.
type downTrack struct {
	// Static after construction.
	id     uint32 // among the sender's
	up     *upTrack
	sender *sender
	class  pace.Class

	// Set by Bind, before the first packet.
	ssrc         uint32
	payloadType  uint8
	red          uint8 // payload type of sound with redundancy, 0 where it was not negotiated
	levelID      uint8 // of the audio level extension, 0 where it was not negotiated
	transportID  uint8 // of the transport-wide number likewise
	dependencyID uint8 // of the dependency descriptor likewise
	rtx          retransmission
	decodable    bool

	// Guarded by the mu of the client's ingress.
	reception congestion.Reception

	// Guarded by the sender's mu.
	open     bool             // packets may go out
	stream   *dtlssrtp.Stream // nil until the first packet
	selector *selection.Selector
	choice   choice
	history  sentPackets
	sealed   newest // of the numbers that have gone out
	unsent   inBatch
	sent     account
	plain    int // packets that are to be sent without redundancy, which would be of another source
}

// redundancy is how many packets later an encoder may repeat one (RFC 2198).
const redundancy = 3

// newest is the newest of some sequence numbers.
type newest struct {
	any    bool
	number uint16
}

func (n *newest) note(number uint16) {
	if !n.any || int16(number-n.number) > 0 {
		n.any, n.number = true, number
	}
}

// before reports whether all of them are before that number.
func (n *newest) before(number uint16) bool { return !n.any || int16(number-n.number) > 0 }

// account is what a sender report tells.
type account struct {
	packets, octets uint32
	timestamp       uint32 // of the newest packet
	at              time.Time
}

var _ webrtc.TrackLocal = (*downTrack)(nil)

func newDownTrack(id uint32, up *upTrack, s *sender) *downTrack {
	d := &downTrack{id: id, up: up, sender: s, class: pace.Video, selector: selection.New(up.format, up.codec.ClockRate)}
	if up.kind == webrtc.RTPCodecTypeAudio {
		d.class = pace.Audio
	}
	return d
}

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
	d.dependencyID = extensionID(ctx.HeaderExtensions(), dependencyURI)
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
func (d *downTrack) detach(now time.Time) {
	d.up.detach(d)
	d.sender.remove(d, now)
}

// forward sends those packets that this receiver is to get. It is called by whoever reads the layers, and never waits:
// packets are sealed into the batch under the sender's mu.
func (d *downTrack) forward(packets []packet, b *egress.Batch) {
	s := d.sender
	s.mu.Lock()
	defer s.mu.Unlock()
	session, path := s.transport.ready()
	if !d.open || session == nil || d.up.slot != nil && d.up.slot.from.Load() != packets[0].layer.track.microphone {
		return
	}
	if d.stream == nil {
		var err error
		if d.stream, err = session.Stream(d.ssrc); err != nil {
			return
		}
	}
	now := packets[0].in.Arrived
	s.forwarding = d
	s.pass(now, d)
	s.forwarding = nil
	for i := range packets {
		if d.joins(&packets[i]) {
			d.join(&packets[i], b, path)
		}
		d.offer(&packets[i], b, path)
	}
	encoding, waits := d.selector.Waiting()
	for i := 0; waits && i < len(packets); i++ {
		if packets[i].in.Encoding == encoding {
			packets[i].layer.keyframes.request(now) // the one asked for came before it could be sent
			return
		}
	}
}

// offer sends p, with what has to come before it, if it belongs to what the receiver gets.
func (d *downTrack) offer(p *packet, b *egress.Batch, path *egress.Destination) {
	switch {
	case !p.layer.isVideo():
		d.selector.SetTarget(selection.Target{Encoding: p.in.Encoding})
	case p.frame.ParameterSet && !p.frame.Keyframe && d.selector.Current().Encoding != p.in.Encoding:
		return // it comes again as the preface of its keyframe
	case len(p.preface) > 0 && d.selector.Begins(&p.in):
		for i := range p.preface {
			d.offer(&p.preface[i], b, path)
		}
	}
	former := d.selector.Current().Encoding
	if out, ok := d.selector.Next(&p.in); ok {
		if d.up.slot != nil && former != d.selector.Current().Encoding {
			d.plain = redundancy
		}
		d.send(p, out, b, path)
	} else if out, open := d.selector.Fill(&p.in); open { // or the receiver would ask for it on and on
		d.send(&packet{layer: p.layer, in: p.in, header: p.header, padding: 1}, out, b, path)
	}
}

// header is that of the packet as it goes out.
func (d *downTrack) header(p *packet, out selection.Out) wire.Out {
	header := wire.Out{
		Marker:      out.Marker,
		Padding:     p.padding > 0,
		PayloadType: d.payloadType,
		Sequence:    out.Sequence,
		Timestamp:   out.Timestamp,
		SSRC:        d.ssrc,
		TransportID: d.transportID,
	}
	if d.up.slot != nil {
		header.CSRC = p.header.SSRC // whose sound it is (RFC 3550, 5.1)
	}
	if d.levelID != 0 && len(p.level) == 1 {
		header.LevelID, header.Level = d.levelID, p.level[0]
	}
	if d.dependencyID != 0 {
		room := d.sender.descriptor[:]
		header.DependencyID = d.dependencyID
		header.Dependency = room[:out.Fields.PutDependency(p.descriptor, room)]
	}
	return header
}

// sentAt is when the packet leaves, at the earliest: the numbers of what is sent are in the order of sending.
func (p *packet) sentAt() time.Time {
	if !p.leaves.IsZero() {
		return p.leaves
	}
	return p.in.Arrived
}

// send maps the numbers of p and sends it now, or when its turn comes. The sender's mu is held, as in all that follows.
func (d *downTrack) send(p *packet, out selection.Out, b *egress.Batch, path *egress.Destination) {
	header, payload := d.header(p, out), p.payload
	switch {
	case p.primary == nil:
	case d.plain > 0:
		payload = p.primary
	case d.red != 0 && d.payloadType == p.layer.payloadType: // which its blocks name
		header.PayloadType = d.red
	default:
		payload = p.primary
	}
	start := header.Len()
	size := start + len(payload) + int(p.padding)
	if size+dtlssrtp.Overhead > egress.MaxPacket {
		return // larger than any path takes
	}
	now := p.sentAt()
	in := d.sender.place(now, d, d.class, size, b)
	room := in.room
	header.Put(room)
	copy(room[start:], payload)
	if p.layer.isVideo() {
		out.Fields.Put(&p.frame, room[start:start+len(payload)])
	}
	if len(payload) > 0 {
		d.remember(p, out)
	}
	if p.padding > 0 { // zeros, the last byte counts them (RFC 3550, 5.1)
		clear(room[size-int(p.padding) : size])
		room[size-1] = p.padding
	}
	d.sender.send(now, in, d, d.stream, start, b, path)
	d.plain = max(d.plain-1, 0)
	d.sent.packets++
	d.sent.octets += uint32(len(payload))
	if d.sent.packets == 1 || int32(header.Timestamp-d.sent.timestamp) >= 0 { // else it is late
		d.sent.timestamp, d.sent.at = header.Timestamp, now
	}
}

// remember keeps what a retransmission needs.
func (d *downTrack) remember(p *packet, out selection.Out) {
	if d.rtx.payloadType != 0 && p.layer.isVideo() {
		d.history.add(sentPacket{
			out: out.Sequence, in: p.header.Sequence, timestamp: out.Timestamp, marker: out.Marker,
			layer: p.layer, fields: out.Fields,
		})
	}
}

// ticks converts a time into units of the media clock.
func (d *downTrack) ticks(elapsed time.Duration) uint32 {
	return uint32(elapsed.Seconds() * float64(d.up.codec.ClockRate))
}

// report is a sender report as of now, nil before the first packet.
func (d *downTrack) report(now time.Time) rtcp.Packet {
	d.sender.mu.Lock()
	defer d.sender.mu.Unlock()
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
func (d *downTrack) requestKeyframe(now time.Time) {
	d.sender.mu.Lock()
	defer d.sender.mu.Unlock()
	if !d.open {
		return
	}
	d.selector.Lost()
	d.choice.request(now)
	if d.choice.ladder == nil { // sound
		return
	}
	if at := d.choice.ladder.find(d.selector.Current()); at >= 0 {
		if flowing := d.choice.ladder.steps[at].layer; flowing != d.choice.layer {
			flowing.keyframes.request(now) // the other may take its time
		}
	}
}

// extensionID finds the id that was negotiated for a header extension, 0 for none that we can write.
func extensionID(extensions []webrtc.RTPHeaderExtensionParameter, uri string) uint8 {
	for _, extension := range extensions {
		if extension.URI == uri && extension.ID <= wire.MaxID {
			return uint8(extension.ID)
		}
	}
	return 0
}
