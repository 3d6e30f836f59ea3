package turn

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v4"
)

const (
	// grace is how long before its end an allocation takes no more permissions. Pion adds one in two steps, and dies if
	// the allocation's timer comes between.
	grace = time.Second
	// maxPause bounds the pause after a read that failed.
	maxPause = 100 * time.Millisecond
)

// gate is one TURN socket, a UDP socket or one TCP connection, as pion's server sees it: it judges each message before
// pion does, decides what pion asks, and corrects what pion answers. There is one pion server per gate, so everything
// that is asked while a request is handled is about the request of that gate, on the goroutine that reads from it.
type gate struct {
	// Static after construction.
	server *Server
	conn   net.PacketConn // the UDP socket or the stream
	stream *stream        // nil for UDP

	// Owned by the reader, which is pion's: it handles each message before it reads the next.
	request request
	scratch []attribute
	faults  int // reads in a row that failed

	mu     sync.Mutex
	relays map[netip.AddrPort]*relay // live allocations by client; guarded by mu
}

// request is what is known about the message that pion handles.
type request struct {
	message
	from           netip.AddrPort
	username, user string         // once authenticate has accepted them
	key            []byte         // of the MESSAGE-INTEGRITY, likewise
	code           stun.ErrorCode // of the refusal, 0 if there is none
	why            reason         // of the refusal
}

// start lets a pion server read from the gate, until reading fails.
func (g *gate) start() error {
	_, err := pion.NewServer(pion.ServerConfig{
		Realm:         g.server.cfg.Realm,
		AuthHandler:   g.authenticate,
		InboundMTU:    mtu,
		LoggerFactory: g.server.pion,
		EventHandler:  pion.EventHandler{OnAuth: g.authenticated, OnAllocationError: g.failed},
		PacketConnConfigs: []pion.PacketConnConfig{
			{PacketConn: g, RelayAddressGenerator: g, PermissionHandler: g.permit},
		},
	})
	return err
}

// ReadFrom returns the next message that is pion's to handle.
func (g *gate) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := g.conn.ReadFrom(p)
		if err != nil {
			if g.stream == nil && !g.server.closed.Load() && !errors.Is(err, net.ErrClosed) {
				// Pion would give up the socket for what passes: no buffers, an interface that went away.
				g.faults++
				time.Sleep(min(time.Duration(g.faults)*time.Millisecond, maxPause))
				continue
			}
			g.server.ended(g, err)
			return 0, nil, err
		}
		g.faults = 0
		if g.admit(p[:n], from) {
			return n, from, nil
		}
	}
}

// admit tells whether pion gets the message. What it does not get has been dropped, or answered.
func (g *gate) admit(b []byte, from net.Addr) bool {
	g.request = request{from: addrPort(from)}
	switch {
	case len(b) >= mtu:
		g.server.counters.oversized.Add(1)
		return false
	case isChannelData(b):
		return true
	}
	m, err := parse(b, g.scratch)
	g.scratch = m.attributes
	g.request.message = m
	switch {
	case errors.Is(err, errNoMessage), m.Class != stun.ClassRequest && (err != nil || !m.isSend()):
		g.server.counters.garbage.Add(1)
		return false
	case err != nil:
		g.refuse(stun.CodeBadRequest, malformed)
	case m.Class == stun.ClassRequest:
		return g.judge(from)
	default:
		return true
	}
	g.answer(from)
	return false
}

// isSend tells whether the message is a Send indication, the only one that clients send.
func (m *message) isSend() bool {
	return m.Method == stun.MethodSend && m.Class == stun.ClassIndication
}

// judge does what of judging a request pion leaves out.
func (g *gate) judge(from net.Addr) bool {
	req := &g.request
	switch req.Method {
	case stun.MethodBinding, stun.MethodAllocate:
	case stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind:
		r := g.relay(req.from)
		if r == nil || req.Method != stun.MethodRefresh && time.Until(r.expires) < grace {
			g.refuse(stun.CodeAllocMismatch, noAllocation)
		}
	default: // RFC 6062's among them
		g.server.counters.garbage.Add(1)
		return false
	}
	if unknown := req.unknown(); len(unknown) > 0 {
		g.refuse(stun.CodeUnknownAttribute, malformed)
		g.answer(from, unknown)
		return false
	}
	if req.code != 0 {
		g.answer(from)
		return false
	}
	return true
}

// refuse notes why the request is refused. Pion then answers with an error of its own choice, and amend corrects it.
func (g *gate) refuse(code stun.ErrorCode, why reason) {
	g.request.code, g.request.why = code, why
}

// relay returns the client's live allocation, nil if there is none.
func (g *gate) relay(client netip.AddrPort) *relay {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.relays[client]
}

// forget is called when an allocation has ended.
func (g *gate) forget(r *relay) {
	g.mu.Lock()
	mine := g.relays[r.client] == r
	if mine {
		delete(g.relays, r.client)
	}
	g.mu.Unlock()
	if mine && g.stream != nil {
		g.server.streams.Unsettle(g.stream)
	}
}

// failed is told what pion could not do with a message.
func (g *gate) failed(from, _ net.Addr, _, message string) {
	g.server.log.Debug("turn message failed", "client", from.String(), "error", message)
}

// Close closes the socket. Pion never calls it.
func (g *gate) Close() error { return g.conn.Close() }

func (g *gate) LocalAddr() net.Addr                { return g.conn.LocalAddr() }
func (g *gate) SetDeadline(t time.Time) error      { return g.conn.SetDeadline(t) }
func (g *gate) SetReadDeadline(t time.Time) error  { return g.conn.SetReadDeadline(t) }
func (g *gate) SetWriteDeadline(t time.Time) error { return g.conn.SetWriteDeadline(t) }

// addrPort returns a client's address, IPv4 never wrapped in IPv6.
func addrPort(a net.Addr) netip.AddrPort {
	var addr netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		addr = a.AddrPort()
	case *net.TCPAddr:
		addr = a.AddrPort()
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}
