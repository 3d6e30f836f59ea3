package sfu

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

// bindSource finds out what a stream of the client's is, and publishes its track if it is the first of it. One that
// cannot be told yet is asked about again by its next packets.
func (p *Peer) bindSource(c *connection, u unknownSource) {
	line := c.lineOf(u)
	if line == nil {
		return
	}
	f, ok := line.formats[u.payloadType]
	switch {
	case !ok:
		return
	case f.isRepair():
		if l := c.repaired(line, u); l != nil {
			c.ingress.bind(u.ssrc, &source{layer: l, repair: true})
		}
		return
	}
	l := newLayer(c.ingress, u, f.codec.ClockRate)
	for pt, other := range line.formats {
		switch {
		case f.isRED() && strings.EqualFold(other.codec.MimeType, webrtc.MimeTypeOpus):
			l.payloadType, l.red, f = pt, u.payloadType, other
		case other.isRED():
			l.red = pt
		}
	}
	if !p.sfu.forwards(f.codec) {
		return
	}
	up := c.published[line.mid]
	if up != nil && !sameCodec(up.codec, f.codec) {
		p.takeBack(c, line.mid)
		up = nil
	}
	if up == nil {
		if up = p.publish(c, line, f.codec); up == nil {
			return
		}
	}
	if former := up.layerOf(u.rid); former != nil {
		if former.ssrc == u.ssrc {
			return // asked twice
		}
		c.ingress.replace(former)
		up.removeLayer(former)
	} else if len(up.allLayers()) >= maxLayers {
		p.log.Debug("encoding refused", "encodings", maxLayers)
		p.tellLimit(c, "encodings:"+line.mid, &p.sfu.tallies.encodings,
			fmt.Errorf("%w: at most %d encodings of a track", ErrLimit, maxLayers))
		return
	}
	up.addLayer(l)
	c.ingress.bind(u.ssrc, &source{layer: l})
}

// publishSending makes known what the client is about to send, before its first packets come: so the others' round is
// under way meanwhile, and one round serves all that a newcomer brings. Of a line with a choice of codecs the first
// packet tells.
func (p *Peer) publishSending(c *connection) {
	if !c.secured {
		return
	}
	for i := range c.sending {
		line := &c.sending[i]
		if codec, sure := p.sfu.codecOf(line); sure && line.stream != "" && c.published[line.mid] == nil {
			p.publish(c, line, codec)
		}
	}
}

// publish makes the track of a line known to the room. It returns nil if the client has too many.
func (p *Peer) publish(c *connection, line *sendingLine, codec webrtc.RTPCodecCapability) *upTrack {
	if len(c.published) >= maxTracks {
		p.log.Debug("track refused", "tracks", maxTracks)
		p.tellLimit(c, line.mid, &p.sfu.tallies.tracks, fmt.Errorf("%w: at most %d tracks at once", ErrLimit, maxTracks))
		return nil
	}
	up := p.newUpTrack(c, line, codec)
	if why, known := c.limits[line.mid]; known {
		up.limited.Store(&why)
	}
	c.published[line.mid] = up
	if !p.isBarred(up) {
		p.room.publish(p, up)
	}
	p.wantAll(line.mid)
	return up
}

// tellLimit tells the participant, and counts, of what it has too much; once for each of them, since its packets go on.
func (p *Peer) tellLimit(c *connection, of string, count *atomic.Uint64, err error) {
	if !c.overLimit[of] && len(c.overLimit) < 2*maxOwnLines {
		c.overLimit[of] = true
		count.Add(1)
		p.deliver(Refused{err})
	}
}

// takeBackEnded unpublishes what the client no longer sends.
func (p *Peer) takeBackEnded(c *connection) {
	for mid, up := range c.published {
		if !c.sends(mid, up.source.id) {
			p.takeBack(c, mid)
		}
	}
}

// takeBack unpublishes the track of a line.
func (p *Peer) takeBack(c *connection, mid string) {
	up := c.published[mid]
	delete(c.published, mid)
	for _, l := range up.allLayers() {
		c.ingress.unbind(l)
	}
	p.room.unpublish(up)
}

func (p *Peer) newUpTrack(c *connection, line *sendingLine, codec webrtc.RTPCodecCapability) *upTrack {
	p.tracks++
	source := sourceStream{id: line.stream}
	source.screen = p.isScreen(c, source.id)
	streamID := p.id
	if source.screen {
		streamID += screenSuffix
	}
	up := &upTrack{
		id:        fmt.Sprintf("%s-%s-%d", p.id, line.kind, p.tracks),
		wake:      func() { p.post(layerWanted{}) },
		publisher: p.id,
		streamID:  streamID,
		kind:      webrtc.NewRTPCodecType(line.kind),
		codec:     codec,
		format:    kindOf(codec),
		source:    source,
		ingress:   c.ingress,
		dominant:  &p.speaks,
	}
	if up.kind == webrtc.RTPCodecTypeAudio && !source.screen {
		up.microphone = &microphone{track: up, voices: p.room.voices}
	}
	return up
}

// isScreen tells a screen share from camera and microphone: the client has said so, its stream is named so, or it is
// another stream than the first with that kind of track.
func (p *Peer) isScreen(c *connection, streamID string) bool {
	return p.screens[streamID] || strings.HasSuffix(streamID, screenSuffix) || c.isSecondStream(streamID)
}
