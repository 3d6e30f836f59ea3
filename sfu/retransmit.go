package sfu

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/history"
	"parley/sfu/wire"
)

const (
	// A source's packets can be had again for cacheTime, as far as cacheBytes reach: two round trips and more on all but
	// the worst of paths, where a new keyframe is the better answer.
	cacheTime  = 700 * time.Millisecond
	cacheBytes = 1 << 20

	// rememberedPackets is how many packets of a down track can be asked for: nearly two seconds of a good picture.
	rememberedPackets = 512

	// maxResends bounds how often a receiver gets one packet again.
	maxResends = 4

	// originalSequence is how many bytes stand before the payload of a retransmission (RFC 4588, section 4).
	originalSequence = 2
)

// sourceCache keeps the last packets of one layer, once for all its receivers.
type sourceCache struct {
	mu   sync.Mutex
	ring *history.Ring // guarded by mu; nil until the first packet
}

// add keeps a packet. One that comes again under the same number does not take its place: what receivers ask for is
// what they were sent.
func (c *sourceCache) add(sequence uint16, payload []byte, at time.Time) {
	if len(payload) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ring == nil {
		c.ring = history.New(cacheTime, cacheBytes)
	}
	c.ring.Add(sequence, payload, at)
}

// copy puts the payload with that number into room and returns its size, 0 if it is gone.
func (c *sourceCache) copy(room []byte, sequence uint16) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ring == nil {
		return 0
	}
	payload, ok := c.ring.Get(sequence)
	if !ok || len(payload) > len(room) {
		return 0
	}
	return copy(room, payload)
}

// sentPackets remembers where the last packets of a down track came from.
type sentPackets struct {
	entries []sentPacket // by outgoing sequence number modulo rememberedPackets; nil until the first
}

// sentPacket is small: each receiver of each picture has rememberedPackets of them.
type sentPacket struct {
	layer     *layer
	timestamp uint32
	out, in   uint16
	counters  vp8Counters // as they went out
	marker    bool
	resends   uint8
}

// vp8Counters are the fields of a VP8 descriptor that differ between source and receiver.
type vp8Counters struct {
	pictureID         uint16
	tl0PicIdx, keyIdx uint8
}

func countersOf(d codec.VP8) vp8Counters { return vp8Counters{d.PictureID, d.TL0PicIdx, d.KeyIdx} }

// put writes the counters into a payload whose descriptor is d.
func (c vp8Counters) put(d codec.VP8, payload []byte) {
	d.PictureID, d.TL0PicIdx, d.KeyIdx = c.pictureID, c.tl0PicIdx, c.keyIdx
	d.Put(payload)
}

func (s *sentPackets) add(p sentPacket) {
	if s.entries == nil {
		s.entries = make([]sentPacket, rememberedPackets)
	}
	s.entries[p.out%rememberedPackets] = p
}

// take returns the packet with that number if it may be sent once more.
func (s *sentPackets) take(out uint16) (sentPacket, bool) {
	if s.entries == nil {
		return sentPacket{}, false
	}
	entry := &s.entries[out%rememberedPackets]
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
	sequence    uint16           // guarded by the down track's mu
	stream      *dtlssrtp.Stream // guarded by the down track's mu; nil until the first
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
func (d *downTrack) resend(nacks []rtcp.NackPair, b *egress.Batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	session, path := d.transport.ready()
	if d.detached || session == nil || d.rtx.payloadType == 0 {
		return
	}
	if d.rtx.stream == nil {
		var err error
		if d.rtx.stream, err = session.Stream(d.rtx.ssrc); err != nil {
			return
		}
	}
	for _, pair := range nacks {
		pair.Range(func(sequence uint16) bool {
			d.again(sequence, b, path)
			return true
		})
	}
}

// again sends one packet once more. mu is held.
func (d *downTrack) again(sequence uint16, b *egress.Batch, path *egress.Destination) {
	sent, ok := d.history.take(sequence)
	if !ok {
		return
	}
	header := wire.Out{
		Marker:      sent.marker,
		PayloadType: d.rtx.payloadType,
		Sequence:    d.rtx.sequence + 1,
		Timestamp:   sent.timestamp,
		SSRC:        d.rtx.ssrc,
		TransportID: d.transportID,
	}
	start := header.Len() + originalSequence
	room := b.Room(egress.MaxPacket)
	n := sent.layer.cache.copy(room[start:len(room)-dtlssrtp.Overhead], sent.in)
	if n == 0 {
		return
	}
	payload := room[start : start+n]
	if d.up.isVP8 {
		if descriptor, err := codec.ParseVP8(payload); err == nil {
			sent.counters.put(descriptor, payload)
		}
	}
	d.rtx.sequence++
	header.TransportSequence = d.transport.nextNumber()
	header.Put(room)
	binary.BigEndian.PutUint16(room[header.Len():], sequence)
	if sealed, err := d.rtx.stream.Seal(room[:start+n], header.Len()); err == nil {
		b.Send(path, len(sealed))
	}
}
