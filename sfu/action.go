package sfu

import (
	"encoding/json"
	"io"
	"net/netip"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/congestion"
)

// action is something that happened, posted to a peer's loop and done there. An error ends the peer.
type action interface{ do(p *Peer) error }

// From the participant.
type (
	described         struct{ description Description }
	candidateReceived struct{ candidate *Candidate }
	screenNamed       struct{ streamID string }
	viewed            struct {
		tiles []Tile
		only  *bool
	}
	slotsWanted struct{ audio int }
	barred      struct{ what Barred }
	limited     struct {
		mid string
		why Why
	}
)

// From the connection, which may have been replaced meanwhile.
type (
	candidateGathered struct {
		c         *connection
		candidate *Candidate
	}
	pathChanged struct {
		c     *connection
		state webrtc.ICEConnectionState
	}
	secured      struct{ c *connection } // DTLS is connected
	pathSelected struct {
		c       *connection
		to      netip.AddrPort
		relayed bool
	}
	sourceFound struct {
		c *connection
		u unknownSource
	}
	qualityChanged struct {
		c       *connection
		up      *upTrack
		quality Quality
		control congestion.State
	}
	featuresOpened struct {
		c       *connection
		channel io.Reader
	}
	featuresReceived struct {
		c       *connection
		message []byte
	}
)

// From the room.
type (
	trackPublished   struct{ up *upTrack }
	trackUnpublished struct{ up *upTrack }
	featuresShared   struct {
		from     string
		features json.RawMessage
	}
	eventForPublisher struct{ event Event }
	slotChanged       struct{ event SlotChanged }
	layerWanted       struct{} // one that its publisher has switched off
)

func (a described) do(p *Peer) error {
	p.unread.Add(-1)
	return p.describe(a.description)
}

func (a candidateReceived) do(p *Peer) error {
	if err := p.conn.addCandidate(a.candidate); err != nil {
		p.deliver(Refused{err})
	}
	return nil
}

func (a screenNamed) do(p *Peer) error {
	if len(p.screens) < maxScreens && len(a.streamID) <= maxStreamID {
		p.screens[a.streamID] = true
	}
	return nil
}

func (a viewed) do(p *Peer) error {
	p.see(a.tiles, a.only, time.Now())
	return nil
}

func (a slotsWanted) do(p *Peer) error {
	p.listen(a.audio)
	return nil
}

func (a barred) do(p *Peer) error {
	p.bar(a.what)
	return nil
}

func (a limited) do(p *Peer) error {
	why := a.why
	if why == ForBandwidth {
		why = ForUplink // as the others see it
	}
	if _, known := p.conn.limits[a.mid]; !known && len(p.conn.limits) >= maxOwnLines {
		return nil
	}
	p.conn.limits[a.mid] = why
	if up := p.conn.published[a.mid]; up != nil {
		up.limit(time.Now(), why)
	}
	return nil
}

func (a candidateGathered) do(p *Peer) error {
	if a.c == p.conn {
		p.deliver(LocalCandidate{a.candidate})
	}
	return nil
}

func (a pathChanged) do(p *Peer) error {
	if a.c != p.conn {
		return nil
	}
	switch a.state {
	case webrtc.ICEConnectionStateClosed:
		a.c.connected = false
		a.c.transport.pause()
	case webrtc.ICEConnectionStateFailed:
		a.c.pathDown = true
		a.c.transport.pause()
	case webrtc.ICEConnectionStateDisconnected:
		a.c.pathDown = true
	case webrtc.ICEConnectionStateConnected, webrtc.ICEConnectionStateCompleted:
		a.c.pathDown = false
		if !a.c.connected {
			a.c.connected, a.c.offerAfter = true, time.Now()
		}
	default:
	}
	p.judgeSilence(time.Now())
	return nil
}

func (a secured) do(p *Peer) error {
	if a.c != p.conn {
		return nil
	}
	if err := a.c.transport.secure(); err != nil {
		p.log.Warn("no media possible", "error", err)
		return p.resetUnasked("no media keys")
	}
	a.c.secured = true
	p.publishSending(a.c)
	a.c.lines.secured()
	p.tellUndecodable()
	return nil
}

func (a pathSelected) do(p *Peer) error {
	if a.c == p.conn {
		p.log.Debug("path", "to", a.to)
		a.c.relayed = a.relayed
		if a.c.transport.route(a.to, a.c.ingress) {
			a.c.sender.moved(time.Now())
		}
	}
	return nil
}

func (a sourceFound) do(p *Peer) error {
	if a.c == p.conn {
		p.bindSource(a.c, a.u)
	}
	return nil
}

func (a qualityChanged) do(p *Peer) error {
	if a.c == p.conn && a.c.lines.active[a.up] != nil {
		p.log.Debug("quality", "track", a.up.id, "layer", a.quality.Layer, "why", a.quality.Why,
			"estimate", a.control.Estimate, "queue", a.control.Queue, "loss", a.control.Loss)
		p.deliver(a.quality)
	}
	return nil
}

func (a layerWanted) do(p *Peer) error {
	p.switchLayers(time.Now())
	return nil
}

func (a featuresOpened) do(p *Peer) error {
	if a.c == p.conn {
		a.c.readFeatures(a.channel, p.post)
		p.gossip.told = time.Time{} // what it was told until now it did not hear
		p.room.sendFeatures(p)
	}
	return nil
}

func (a featuresReceived) do(p *Peer) error {
	if a.c == p.conn {
		p.shareFeatures(a.message)
	}
	return nil
}

func (a trackPublished) do(p *Peer) error {
	p.discover(a.up)
	return nil
}

func (a trackUnpublished) do(p *Peer) error {
	p.lose(a.up)
	return nil
}

func (a slotChanged) do(p *Peer) error {
	p.deliver(a.event)
	p.describeSlots()
	return nil
}

func (a featuresShared) do(p *Peer) error {
	p.gossip.add(a)
	return nil
}

func (a eventForPublisher) do(p *Peer) error {
	p.deliver(a.event)
	return nil
}
