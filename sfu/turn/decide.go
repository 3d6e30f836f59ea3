package turn

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v4"
)

// What pion asks while it handles a request, all on the goroutine of the gate's reader.

// errRefused makes pion answer with an error; the gate knows which.
var errRefused = errors.New("refused")

// authenticate returns the key that the request must be signed with, and false if there is none.
//
// An allocation belongs to the username it was made with, and its client's address to it for as long as it lives. A
// name past its life allocates nothing, but goes on with what it has while its user is in a call.
func (g *gate) authenticate(username, realm string, _ net.Addr) (key []byte, ok bool) {
	cfg := &g.server.cfg
	user, password, expires, err := cfg.Verify(username)
	r := g.relay(g.request.from)
	switch {
	case err != nil, realm != cfg.Realm:
		g.refuse(stun.CodeUnauthorized, forged)
	case r != nil && r.username != username && g.request.Method == stun.MethodAllocate:
		g.refuse(stun.CodeAllocMismatch, taken)
	case r != nil && r.username != username:
		g.refuse(stun.CodeWrongCredentials, otherUser)
	case !cfg.Now().Before(expires) && (r == nil || !cfg.InCall(user)):
		g.refuse(stun.CodeUnauthorized, expired)
	default:
		g.request.username, g.request.user = username, user
		g.request.key = pion.GenerateAuthKey(username, realm, password)
		return g.request.key, true
	}
	return nil, false
}

// authenticated is told whether the signature was right.
func (g *gate) authenticated(_, _ net.Addr, _, _, _, _ string, right bool) {
	if !right {
		g.request.key = nil
		g.refuse(stun.CodeUnauthorized, forged)
	}
}

// Validate has nothing to check.
func (g *gate) Validate() error { return nil }

// AllocatePacketConn makes the relay for an Allocate request that pion has authenticated.
func (g *gate) AllocatePacketConn(string, int) (net.PacketConn, net.Addr, error) {
	req, s := &g.request, g.server
	requested, _ := req.get(stun.AttrRequestedTransport)
	switch {
	case len(requested) == 0 || requested[0] != 17: // pion would take TCP for UDP
		g.refuse(stun.CodeUnsupportedTransProto, transport)
		return nil, nil, errRefused
	case req.has(stun.AttrEvenPort), req.has(stun.AttrReservationToken): // for RTCP on a port of its own
		g.refuse(stun.CodeInsufficientCapacity, capacity)
		return nil, nil, errRefused
	}
	home := s.home(req.get(stun.AttrRequestedAddressFamily))
	if home < 0 {
		g.refuse(stun.CodeAddrFamilyNotSupported, family)
		return nil, nil, errRefused
	}
	addr, why := s.table.take(req.user, s.media[home].addr.Addr())
	switch why {
	case none:
	case quota:
		g.refuse(stun.CodeAllocQuotaReached, why)
		return nil, nil, errRefused
	default:
		g.refuse(stun.CodeInsufficientCapacity, why)
		return nil, nil, errRefused
	}
	r := newRelay(g, addr, home)
	detach, err := s.cfg.Media.Attach(addr, r.deliver)
	if err != nil {
		s.log.Error("attach a relay to the media socket", "error", err)
		s.table.release(r)
		s.table.ended()
		g.refuse(stun.CodeInsufficientCapacity, capacity)
		return nil, nil, errRefused
	}
	r.detach = detach
	g.mu.Lock()
	g.relays[r.client] = r
	g.mu.Unlock()
	if g.stream != nil {
		s.streams.Settle(g.stream)
	}
	s.counters.allocated.Add(1)
	s.log.Debug("turn allocated", "client", r.client, "relay", r.addr, "user", r.user)
	return r, r.LocalAddr(), nil
}

// AllocateConn would make a relay for TCP (RFC 6062); pion never asks for one.
func (g *gate) AllocateConn(string, int) (net.Conn, net.Addr, error) { return nil, nil, errRefused }

// permit tells whether the client may reach that peer: the SFU's media and nothing else. A permission is for an IP
// address whatever the port, a channel for one port of it.
func (g *gate) permit(_ net.Addr, ip net.IP) bool {
	s := g.server
	addr, _ := netip.AddrFromSlice(ip) // IPv4 in IPv6 stays so, and is nobody's
	r := g.relay(g.request.from)
	if g.request.Method == stun.MethodChannelBind && s.mediaIndex(g.request.peer()) < 0 || !s.isMedia(addr) || r == nil {
		g.refuse(stun.CodeForbidden, peer)
		return false
	}
	if addr.Is4() != r.addr.Addr().Is4() {
		g.refuse(stun.CodePeerAddrFamilyMismatch, family)
		return false
	}
	return true
}

// extend notes how long pion gave the allocation to live, counted from later than pion does.
func (g *gate) extend(method stun.Method, lifetime time.Duration) {
	r := g.relay(g.request.from)
	if r == nil || method == stun.MethodAllocate && !r.expires.IsZero() { // a repeated answer
		return
	}
	r.expires = time.Now().Add(lifetime)
}
