package turn

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// errPeer is returned for a packet to anything but the SFU's media.
var errPeer = errors.New("no media address")

// relay is one allocation's relayed transport address. Pion takes it for a UDP socket; it is joined to the media
// socket in this process, and so can reach nothing else.
type relay struct {
	// Static after construction.
	gate     *gate
	addr     netip.AddrPort // as the SFU sees it; nobody outside can use it
	client   netip.AddrPort
	username string // what it was allocated with
	account  *account
	detach   func()
	packets  chan *[]byte  // from the SFU, bounded
	closed   chan struct{} // closed by Close
	close    func()        // what Close does, once

	expires time.Time // owned by the gate's reader; after what pion believes, at most by its time to answer

	peer atomic.Pointer[mediaAddr] // the one last sent to
}

// newRelay makes a relay that is not attached yet. home is the announced address that packets come from until the
// client has sent to one.
func newRelay(g *gate, addr netip.AddrPort, on *account, home *mediaAddr) *relay {
	r := &relay{
		gate:     g,
		addr:     addr,
		client:   g.request.from,
		username: g.request.username,
		account:  on,
		detach:   func() {},
		packets:  make(chan *[]byte, g.server.cfg.Limits.Queue),
		closed:   make(chan struct{}),
	}
	r.peer.Store(home)
	r.close = sync.OnceFunc(func() {
		r.detach()
		g.forget(r)
		g.server.table.release(r)
		close(r.closed) // last: when its reader has ended, nothing is left of it
	})
	return r
}

// deliver takes a packet of the SFU for the client. It runs on the SFU's goroutine: a client that does not keep up
// (a TCP connection that stalls) loses packets and nobody waits.
func (r *relay) deliver(packet []byte) {
	s := r.gate.server
	if len(packet) >= mtu {
		s.counters.oversized.Add(1)
		return
	}
	if !within(r.account.down, len(packet)) {
		s.counters.overBandwidth.Add(1)
		return
	}
	b := s.buffers.Get().(*[]byte)
	*b = append((*b)[:0], packet...)
	select {
	case r.packets <- b:
	default:
		s.buffers.Put(b)
		s.counters.toClients.Add(1)
	}
}

// ReadFrom returns the next packet of the SFU, as coming from the announced address that the client last sent to.
// Only that one is sure to be expected: the SFU has one socket for all of them.
func (r *relay) ReadFrom(p []byte) (int, net.Addr, error) {
	s := r.gate.server
	select {
	case <-r.closed:
	case b := <-r.packets:
		n := copy(p, *b)
		s.buffers.Put(b)
		return n, r.peer.Load().udp, nil
	}
	s.table.ended()
	return 0, nil, net.ErrClosed
}

// WriteTo hands a packet of the client to the SFU, if it is meant for it. Permissions know no ports, and pion takes an
// IPv4 address in IPv6 for the same; here both are told apart.
func (r *relay) WriteTo(p []byte, to net.Addr) (int, error) {
	s := r.gate.server
	if udp, ok := to.(*net.UDPAddr); ok {
		if m := s.media.Load().find(udp.AddrPort()); m != nil && sameFamily(m.addr, r.addr) {
			r.peer.Store(m)
			if !within(r.account.up, len(p)) {
				s.counters.overBandwidth.Add(1)
				return len(p), nil // as if the network had lost it
			}
			s.cfg.Media.Inject(r.addr, p)
			return len(p), nil
		}
	}
	return 0, errPeer // which the gate is told
}

// Close is called by pion when the allocation ends, for whatever reason.
func (r *relay) Close() error {
	r.close()
	return nil
}

func (r *relay) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(r.addr) }
func (r *relay) SetDeadline(time.Time) error      { return nil }
func (r *relay) SetReadDeadline(time.Time) error  { return nil }
func (r *relay) SetWriteDeadline(time.Time) error { return nil }

func sameFamily(a, b netip.AddrPort) bool { return a.Addr().Is4() == b.Addr().Is4() }
