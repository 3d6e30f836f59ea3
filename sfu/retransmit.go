package sfu

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/congestion"
	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/history"
	"parley/sfu/pace"
	"parley/sfu/selection"
	"parley/sfu/wire"
)

const (
	// A source's packets can be had again for cacheTime, as far as cacheBytes reach: two round trips and more on all but
	// the worst of paths, where a new keyframe is the better answer.
	cacheTime  = 700 * time.Millisecond
	cacheBytes = 1 << 20

	// rememberedPackets is how many packets of a down track can be asked for: nearly two seconds of a good picture.
	rememberedPackets = 512

	// originalSequence is how many bytes stand before the payload of a retransmission (RFC 4588, section 4).
	originalSequence = 2
)

// sourceCache keeps the last packets of one layer, once for all its receivers.
type sourceCache struct {
	described bool // static; a dependency descriptor and a byte of its length follow each payload

	mu     sync.Mutex
	ring   *history.Ring // guarded by mu; nil until the first packet
	joined []byte        // guarded by mu; kept for its room
}

// add keeps a packet. One that comes again under the same number does not take its place: what receivers ask for is
// what they were sent.
func (c *sourceCache) add(sequence uint16, payload, descriptor []byte, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ring == nil {
		c.ring = history.New(cacheTime, cacheBytes)
	}
	if c.described {
		c.joined = append(append(append(c.joined[:0], payload...), descriptor...), byte(len(descriptor)))
		payload = c.joined
	}
	c.ring.Add(sequence, payload, at)
}

// copy puts the packet with that number into room and returns payload and descriptor, none if it is gone.
func (c *sourceCache) copy(room []byte, sequence uint16) (payload, descriptor []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ring == nil {
		return nil, nil
	}
	kept, ok := c.ring.Get(sequence)
	if !ok || len(kept) > len(room) {
		return nil, nil
	}
	payload = room[:copy(room, kept)]
	if c.described {
		at := len(payload) - 1 - int(payload[len(payload)-1])
		payload, descriptor = payload[:at], payload[at:len(payload)-1]
	}
	return payload, descriptor
}

// sentPackets remembers where the last packets of a down track came from.
type sentPackets struct {
	entries []sentPacket // by outgoing sequence number modulo rememberedPackets; nil until the first
}

// sentPacket is small: each receiver of each picture has rememberedPackets of them.
type sentPacket struct {
	layer     *layer
	timestamp uint32
	again     uint32 // ms since the sender began: when it was last sent again
	out, in   uint16
	fields    selection.Fields // as they went out
	number    uint16           // transport-wide, of the latest time that it was sent
	marker    bool
	numbered  bool
	resends   uint8
}

func (s *sentPackets) add(p sentPacket) {
	if s.entries == nil {
		s.entries = make([]sentPacket, rememberedPackets)
	}
	s.entries[p.out%rememberedPackets] = p
}

// sentAs notes the transport-wide number with which a packet was sent, for the first time or again.
func (s *sentPackets) sentAs(out, number uint16) {
	if s.entries == nil {
		return
	}
	if entry := &s.entries[out%rememberedPackets]; entry.layer != nil && entry.out == out {
		entry.number, entry.numbered = number, true
	}
}

// find returns the packet with that number if it may be sent once more at that time, in ms since the sender began: not
// twice within a round trip.
func (s *sentPackets) find(out uint16, now, rtt uint32) *sentPacket {
	if s.entries == nil {
		return nil
	}
	entry := &s.entries[out%rememberedPackets]
	switch {
	case entry.layer == nil || entry.out != out || entry.resends >= congestion.MaxResends:
		return nil
	case entry.resends > 0 && now-entry.again < rtt:
		return nil // it is on its way
	}
	return entry
}

// retransmission is the stream on which a receiver gets packets again (RFC 4588). Without one it is not resent to.
type retransmission struct {
	ssrc        uint32
	payloadType uint8
	sequence    uint16           // guarded by the sender's mu
	stream      *dtlssrtp.Stream // guarded by the sender's mu; nil until the first
}

// newRetransmission finds the format for retransmissions of a payload type.
func newRetransmission(ctx webrtc.TrackLocalContext, of webrtc.PayloadType) retransmission {
	apt := fmt.Sprint(of)
	for _, negotiated := range ctx.CodecParameters() {
		isRTX := strings.EqualFold(negotiated.MimeType, webrtc.MimeTypeRTX)
		if isRTX && formatParameter(negotiated.RTPCodecCapability, "apt", "") == apt && ctx.SSRCRetransmission() != 0 {
			return retransmission{
				ssrc: uint32(ctx.SSRCRetransmission()), payloadType: uint8(negotiated.PayloadType),
			}
		}
	}
	return retransmission{}
}

// repairs makes sure that there is a stream for retransmissions. The sender's mu is held, as in all that follows.
func (d *downTrack) repairs() bool {
	if d.rtx.payloadType == 0 {
		return false
	}
	if d.rtx.stream == nil {
		if session := d.sender.transport.session.Load(); session != nil {
			d.rtx.stream, _ = session.Stream(d.rtx.ssrc)
		}
	}
	return d.rtx.stream != nil
}

// again sends one packet once more, if it is still there. It reports false if what may be spent on that is used up.
func (d *downTrack) again(
	sequence uint16, now time.Time, rtt time.Duration, b *egress.Batch, path *egress.Destination,
) (left bool) {
	s := d.sender
	clock := uint32(now.Sub(s.began).Milliseconds())
	sent := d.history.find(sequence, clock, uint32(rtt.Milliseconds()))
	if sent == nil || sent.numbered && s.control != nil && s.control.Useless(sent.number,
		time.Duration(clock-sent.again)*time.Millisecond, sent.resends > 0) {
		return true
	}
	payload, descriptor := sent.layer.cache.copy(s.kept[:], sent.in)
	if len(payload) == 0 {
		return true
	}
	room := s.descriptor[:]
	header := wire.Out{
		Marker:       sent.marker,
		PayloadType:  d.rtx.payloadType,
		Sequence:     d.rtx.sequence + 1,
		Timestamp:    sent.timestamp,
		SSRC:         d.rtx.ssrc,
		TransportID:  d.transportID,
		DependencyID: d.dependencyID,
		Dependency:   room[:sent.fields.PutDependency(descriptor, room)],
	}
	start := header.Len() + originalSequence
	size := start + len(payload)
	if size+dtlssrtp.Overhead > egress.MaxPacket {
		return true
	}
	if s.control != nil && !s.control.MayResend(now, onWire(size)) {
		return false
	}
	if frame, err := sent.layer.reparse(payload); err == nil {
		sent.fields.Put(&frame, payload)
	}
	sent.resends++
	sent.again = clock
	d.rtx.sequence++
	in := s.place(now, d, pace.Retransmission, size, b)
	header.Put(in.room)
	binary.BigEndian.PutUint16(in.room[header.Len():], sequence)
	copy(in.room[start:], payload)
	s.send(now, in, d, d.rtx.stream, header.Len(), b, path)
	return true
}

// reparse finds the fields of a payload that was taken before. Those of AV1 are in its descriptor.
func (l *layer) reparse(payload []byte) (codec.Frame, error) {
	if l.track.format == codec.KindAV1 {
		return codec.Frame{}, nil
	}
	stateless := codec.Parser{Kind: l.track.format}
	return stateless.Parse(payload, nil, false)
}

// maxPadding is what one byte can count (RFC 3550, 5.1).
const maxPadding = 255

// pad sends a packet of nothing but padding and returns its size on the wire.
func (d *downTrack) pad(now time.Time, b *egress.Batch, path *egress.Destination) int {
	d.rtx.sequence++
	header := wire.Out{
		Padding:     true,
		PayloadType: d.rtx.payloadType,
		Sequence:    d.rtx.sequence,
		Timestamp:   d.sent.timestamp,
		SSRC:        d.rtx.ssrc,
		TransportID: d.transportID,
	}
	start := header.Len()
	size := start + maxPadding
	room := b.Room(size + dtlssrtp.Overhead)[:size]
	header.Put(room)
	clear(room[start:])
	room[size-1] = maxPadding
	d.sender.seal(now, pace.Padding, d, d.rtx.stream, room, start, b, path)
	return onWire(size)
}
