package sfu

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
)

const (
	// cachedPackets is how many packets of a source can still be had: half a second at 1000 packets per second.
	cachedPackets = 512

	// maxResends bounds how often a receiver gets one packet again.
	maxResends = 4
)

// sourceCache keeps the last packets of one layer, once for all its receivers.
type sourceCache struct {
	mu      sync.Mutex
	entries []cachedPacket // guarded by mu; by sequence number modulo cachedPackets, nil until the first
}

type cachedPacket struct {
	sequence uint16
	payload  []byte // owned by the entry, reused
	vp8      codec.VP8
	filled   bool
}

// add keeps a packet. One that comes again under the same number does not take its place: what receivers ask for is
// what they were sent.
func (c *sourceCache) add(p *packet) {
	if len(p.payload) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make([]cachedPacket, cachedPackets)
	}
	entry := &c.entries[p.header.SequenceNumber%cachedPackets]
	if entry.filled && entry.sequence == p.header.SequenceNumber {
		return
	}
	entry.sequence, entry.vp8, entry.filled = p.header.SequenceNumber, p.vp8, true
	entry.payload = append(entry.payload[:0], p.payload...)
}

// get returns a copy of the payload with that number, with room for headroom bytes before it.
func (c *sourceCache) get(sequence uint16, headroom int) (payload []byte, vp8 codec.VP8, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		return nil, codec.VP8{}, false
	}
	entry := &c.entries[sequence%cachedPackets]
	if !entry.filled || entry.sequence != sequence {
		return nil, codec.VP8{}, false
	}
	return append(make([]byte, headroom, headroom+len(entry.payload)), entry.payload...), entry.vp8, true
}

// sentPackets remembers where the last packets of a down track came from.
type sentPackets struct {
	entries []sentPacket // by outgoing sequence number modulo cachedPackets; nil until the first
}

type sentPacket struct {
	out, in   uint16
	timestamp uint32
	marker    bool
	resends   uint8
	layer     *layer
	vp8       codec.VP8 // as it went out
}

func (s *sentPackets) add(p sentPacket) {
	if s.entries == nil {
		s.entries = make([]sentPacket, cachedPackets)
	}
	s.entries[p.out%cachedPackets] = p
}

// take returns the packet with that number if it may be sent once more.
func (s *sentPackets) take(out uint16) (sentPacket, bool) {
	if s.entries == nil {
		return sentPacket{}, false
	}
	entry := &s.entries[out%cachedPackets]
	if entry.layer == nil || entry.out != out || entry.resends >= maxResends {
		return sentPacket{}, false
	}
	entry.resends++
	return *entry, true
}

// retransmission is the stream on which a receiver gets packets again (RFC 4588). Without one it is not resent to.
type retransmission struct {
	ssrc        uint32
	payloadType uint8
	sequence    uint16 // guarded by the down track's mu
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

// resend answers a NACK (RFC 4585, 6.2.1).
func (d *downTrack) resend(nack *rtcp.TransportLayerNack) {
	for _, pair := range nack.Nacks {
		for _, sequence := range pair.PacketList() {
			if packet, ok := d.again(sequence); ok {
				d.write(packet)
			}
		}
	}
}

// again makes the retransmission of one packet.
func (d *downTrack) again(sequence uint16) (outgoingPacket, bool) {
	const originalSequence = 2 // bytes before the payload
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.detached {
		return outgoingPacket{}, false
	}
	sent, ok := d.history.take(sequence)
	if !ok {
		return outgoingPacket{}, false
	}
	payload, vp8, ok := sent.layer.cache.get(sent.in, originalSequence)
	if !ok || !vp8.SameLayout(sent.vp8) {
		return outgoingPacket{}, false
	}
	binary.BigEndian.PutUint16(payload, sequence)
	if vp8 != sent.vp8 {
		sent.vp8.Put(payload[originalSequence:])
	}
	d.rtx.sequence++
	return outgoingPacket{rtp.Header{
		Version:        2,
		Marker:         sent.marker,
		PayloadType:    d.rtx.payloadType,
		SequenceNumber: d.rtx.sequence,
		Timestamp:      sent.timestamp,
		SSRC:           d.rtx.ssrc,
	}, payload}, true
}
