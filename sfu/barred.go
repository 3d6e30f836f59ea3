package sfu

import (
	"encoding/json"

	"github.com/pion/webrtc/v4"
)

// isBarred reports whether a track of the participant is not forwarded.
func (p *Peer) isBarred(up *upTrack) bool {
	switch sound := up.kind == webrtc.RTPCodecTypeAudio; {
	case p.barred.Viewer:
		return true
	case sound && p.barred.Microphone: // whatever stream it claims to be of
		return true
	case up.source.screen:
		return p.barred.Screen
	default:
		return !sound && p.barred.Camera
	}
}

// bar takes back what the participant may not publish any more, and publishes what it may again.
func (p *Peer) bar(what Barred) {
	former := p.barred
	p.barred = what
	for _, up := range p.conn.published {
		if p.isBarred(up) {
			p.room.unpublish(up)
		} else {
			p.room.publish(p, up) // again is of no effect
		}
	}
	switch {
	case what.Viewer:
		p.room.unshare(p)
	case former.Viewer && p.features != nil:
		p.room.share(p, p.features)
	}
}

// shareFeatures passes on what the client says of its camera and microphone.
func (p *Peer) shareFeatures(message []byte) {
	if !validFeatures(message) {
		return
	}
	p.features = json.RawMessage(message)
	if !p.barred.Viewer {
		p.room.share(p, p.features)
	}
}
