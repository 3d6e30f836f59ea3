package egress

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

// ErrAnnounced is returned for addresses that cannot be announced.
var ErrAnnounced = errors.New("no address to announce")

// Mux shares a Conn among all PeerConnections. It is pion's UDP mux with one difference: the addresses that become
// host candidates are those announced, whatever the socket is bound to.
type Mux struct {
	*ice.UDPMuxDefault

	// Static after construction.
	conn *Conn

	announced atomic.Pointer[[]net.Addr] // distinct, IPv4 plain

	mu        sync.Mutex
	receiving map[inward]ice.AddrPortReaderWriter // guarded by mu: pion's connection of each
}

// inward is one ICE agent's queue of what comes in over a family.
type inward struct {
	ufrag string
	is4   bool
}

// NewMux makes a mux that owns conn and announces these addresses, in this order.
func NewMux(conn *Conn, announced []netip.AddrPort) (*Mux, error) {
	m := &Mux{conn: conn, receiving: make(map[inward]ice.AddrPortReaderWriter)}
	if err := m.Announce(announced); err != nil {
		return nil, err
	}
	m.UDPMuxDefault = ice.NewUDPMuxDefault(ice.UDPMuxParams{
		UDPConn: &bound{conn, believed(), m.claim},
		// It has nothing to say but what strangers send, packet by packet.
		Logger: logging.NewDefaultLeveledLoggerForScope("ice", logging.LogLevelDisabled, io.Discard),
	})
	return m, nil
}

// Announce replaces the announced addresses. Connections that exist keep theirs, which go on working as long as packets
// arrive; new ones, and ICE restarts, get the new ones.
func (m *Mux) Announce(announced []netip.AddrPort) error {
	var addrs []net.Addr
	seen := make(map[netip.AddrPort]struct{})
	for _, a := range announced {
		a = plain(a)
		if !a.IsValid() || a.Addr().IsUnspecified() || a.Port() == 0 {
			return fmt.Errorf("%w: %v", ErrAnnounced, a)
		}
		if _, twice := seen[a]; twice {
			continue
		}
		seen[a] = struct{}{}
		addrs = append(addrs, net.UDPAddrFromAddrPort(a))
	}
	if len(addrs) == 0 {
		return ErrAnnounced
	}
	m.announced.Store(&addrs)
	return nil
}

// Conn returns the media socket.
func (m *Mux) Conn() *Conn { return m.conn }

// GetListenAddresses returns the announced addresses.
func (m *Mux) GetListenAddresses() []net.Addr { return slices.Clone(*m.announced.Load()) }

// GetConn returns what one ICE agent, known by its ufrag, sends and receives with at one address that is announced, or
// was when the agent asked.
//
// Pion keeps one queue per agent and family, and nothing in a packet tells which of several announced addresses of a
// family it was sent to. So the first that an agent asks for receives for all; else each would get a random share.
func (m *Mux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return nil, fmt.Errorf("%w: %v", ErrAnnounced, addr)
	}
	// Pion wants the address that the socket is bound to, which is one, and looks at the family of what it is given:
	// IPv6 if it is a UDP address of IPv6, else IPv4.
	in, local := inward{ufrag, udp.IP.To4() != nil}, net.Addr(believed())
	if in.is4 {
		local = ipv4{local}
	}
	conn, err := m.UDPMuxDefault.GetConn(ufrag, local)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.receiving[in]; taken {
		return newSendOnly(conn), nil
	}
	agent := conn.(ice.AddrPortReaderWriter) // because Conn is one
	m.receiving[in] = agent
	return &receiver{conn, agent, sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.receiving, in)
	})}, nil
}

// believed is what pion takes for the address that the socket is bound to, whatever that and the announced ones are:
// of IPv6, because that can be made to look like IPv4 and not the other way round. Nothing is sent there.
func believed() *net.UDPAddr { return &net.UDPAddr{IP: net.IPv6loopback, Port: 1} }

// receiver is a connection that receives for all of its agent and family, until it is closed.
type receiver struct {
	net.PacketConn
	ice.AddrPortReaderWriter // the same
	release                  func()
}

func (r *receiver) Close() error {
	r.release()
	return r.PacketConn.Close()
}

// ipv4 is the address of a socket as seen by IPv4.
type ipv4 struct{ net.Addr }

// bound is a Conn that says it is bound to another address, and shows each packet before pion's mux looks whose it is.
type bound struct {
	*Conn
	local net.Addr
	show  func(packet []byte, from netip.AddrPort)
}

func (b *bound) LocalAddr() net.Addr { return b.local }

func (b *bound) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, from, err := b.Conn.ReadFromAddrPort(p)
	if err == nil {
		b.show(p[:n], from)
	}
	return n, from, err
}

// WriteToAddrPort sends nothing that is empty: see [Mux.claim].
func (b *bound) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return b.Conn.WriteToAddrPort(p, to)
}

// sendOnly sends, and receives nothing until it is closed.
type sendOnly struct {
	net.PacketConn
	writer ice.AddrPortReaderWriter
	close  func()
	closed chan struct{}
}

func newSendOnly(conn net.PacketConn) net.PacketConn {
	closed := make(chan struct{})
	return &sendOnly{
		PacketConn: conn,
		writer:     conn.(ice.AddrPortReaderWriter), // because Conn is one
		close:      sync.OnceFunc(func() { close(closed) }),
		closed:     closed,
	}
}

func (s *sendOnly) ReadFrom([]byte) (int, net.Addr, error) {
	<-s.closed
	return 0, nil, net.ErrClosed
}

func (s *sendOnly) ReadFromAddrPort([]byte) (int, netip.AddrPort, error) {
	<-s.closed
	return 0, netip.AddrPort{}, net.ErrClosed
}

func (s *sendOnly) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.writer.WriteToAddrPort(b, to)
}

func (s *sendOnly) Close() error {
	s.close()
	return s.PacketConn.Close()
}
