package sfu

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
)

// transport carries the RTP and RTCP of one connection, beside pion: it shares pion's path and the keys of pion's DTLS,
// and nothing else. Before both are there, what is sent is dropped.
type transport struct {
	// Static after construction.
	socket *egress.Conn
	ssrc   uint32 // as which our RTCP speaks

	handshake   dtlssrtp.Handshake
	nominations nominations
	session     atomic.Pointer[dtlssrtp.Session]   // nil until DTLS is connected
	path        atomic.Pointer[egress.Destination] // nil until a pair is selected

	// Owned by the peer's loop.
	release func()         // ends the route of what comes in
	former  netip.AddrPort // that was sent to last
}

func newTransport(socket *egress.Conn) *transport {
	return &transport{socket: socket, ssrc: rand.Uint32(), release: func() {}} //nolint:gosec // any number will do
}

// observe makes settings those of a connection whose handshake this transport takes its keys from, and whose path it
// goes by.
func (t *transport) observe(settings webrtc.SettingEngine) webrtc.SettingEngine {
	t.handshake.Observe(&settings)
	t.nominations.observe(&settings)
	return settings
}

// secure is called once pion has verified the client.
func (t *transport) secure() error {
	if t.session.Load() != nil {
		return nil
	}
	session, err := t.handshake.Session()
	if err != nil {
		return fmt.Errorf("media keys: %w", err)
	}
	t.session.Store(session)
	return nil
}

// route sends to that address from now on, and has its media received by r. It reports whether another one was sent to
// before.
func (t *transport) route(to netip.AddrPort, r egress.Receiver) (moved bool) {
	release := t.release
	t.release = t.socket.Route(to, r)
	t.path.Store(egress.NewDestination(to))
	release()
	moved = t.former.IsValid() && t.former != to
	t.former = to
	return moved
}

// pause ends sending until there is a path again: without consent nothing may be sent (RFC 7675, 5.1).
func (t *transport) pause() { t.path.Store(nil) }

// close ends both directions.
func (t *transport) close() {
	t.pause()
	t.release()
	t.release = func() {}
}

// ready returns what is needed to send, nil as long as nothing can be sent.
func (t *transport) ready() (*dtlssrtp.Session, *egress.Destination) {
	session, path := t.session.Load(), t.path.Load()
	if session == nil || path == nil {
		return nil, nil
	}
	return session, path
}

// maxRTCP is the most bytes of RTCP in one packet.
const maxRTCP = 1300

// sendRTCP queues a compound packet. What cannot be sent yet is dropped: our RTCP is repeated, or asked for again.
func (t *transport) sendRTCP(b *egress.Batch, packets ...rtcp.Packet) {
	session, path := t.ready()
	if session == nil {
		return
	}
	plain, err := rtcp.Marshal(packets)
	if err != nil || len(plain) > maxRTCP {
		return
	}
	room := b.Room(len(plain) + dtlssrtp.Overhead)
	copy(room, plain)
	sealed, err := session.SealRTCP(room[:len(plain)])
	if err != nil {
		return
	}
	b.Send(path, len(sealed))
}

// sendRTCPNow is sendRTCP for who has no batch.
func (t *transport) sendRTCPNow(packets ...rtcp.Packet) {
	b := t.socket.Batch()
	t.sendRTCP(b, packets...)
	b.Done()
}

// requestKeyframe asks for a keyframe of one of the client's streams (RFC 4585, 6.3.1).
func (t *transport) requestKeyframe(ssrc uint32) {
	t.sendRTCPNow(&rtcp.PictureLossIndication{SenderSSRC: t.ssrc, MediaSSRC: ssrc})
}
