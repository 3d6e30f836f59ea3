package egress

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"

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
	conn      *Conn
	announced []netip.AddrPort // distinct
	addrs     []net.Addr       // the same
	local     *net.UDPAddr     // what pion believes the socket to be bound to, one of addrs
}

// NewMux makes a mux that owns conn and announces these addresses, in this order.
func NewMux(conn *Conn, announced []netip.AddrPort) (*Mux, error) {
	m := &Mux{conn: conn}
	for _, a := range announced {
		a = plain(a)
		if !a.IsValid() || a.Addr().IsUnspecified() || a.Port() == 0 {
			return nil, fmt.Errorf("%w: %v", ErrAnnounced, a)
		}
		if slices.Contains(m.announced, a) {
			continue
		}
		addr := net.UDPAddrFromAddrPort(a)
		m.announced = append(m.announced, a)
		m.addrs = append(m.addrs, addr)
		// An IPv6 address if there is one: see GetConn.
		if m.local == nil || m.local.IP.To4() != nil && a.Addr().Is6() {
			m.local = addr
		}
	}
	if m.local == nil {
		return nil, ErrAnnounced
	}
	m.UDPMuxDefault = ice.NewUDPMuxDefault(ice.UDPMuxParams{
		UDPConn: &bound{conn, m.local},
		// It has nothing to say but what strangers send, packet by packet.
		Logger: logging.NewDefaultLeveledLoggerForScope("ice", logging.LogLevelDisabled, io.Discard),
	})
	return m, nil
}

// Conn returns the media socket.
func (m *Mux) Conn() *Conn { return m.conn }

// GetListenAddresses returns the announced addresses.
func (m *Mux) GetListenAddresses() []net.Addr { return slices.Clone(m.addrs) }

// GetConn returns what one ICE agent, known by its ufrag, sends and receives with at one announced address.
//
// Pion keeps one queue per agent and family, and nothing in a packet tells which of several announced addresses of a
// family it was sent to. So the first of them receives for all; else each would get a random share.
func (m *Mux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return nil, fmt.Errorf("%w: %v", ErrAnnounced, addr)
	}
	at := plain(udp.AddrPort())
	i := slices.Index(m.announced, at)
	if i < 0 {
		return nil, fmt.Errorf("%w: %v", ErrAnnounced, addr)
	}
	// Pion wants the address that the socket is bound to, which is one, and looks at the family of what it is given:
	// IPv6 if it is a UDP address of IPv6, else IPv4.
	var local net.Addr = m.local
	if at.Addr().Is4() && m.local.IP.To4() == nil {
		local = ipv4{m.local}
	}
	conn, err := m.UDPMuxDefault.GetConn(ufrag, local)
	if err != nil {
		return nil, err
	}
	first := slices.IndexFunc(m.announced, func(a netip.AddrPort) bool { return a.Addr().Is4() == at.Addr().Is4() })
	if i == first {
		return conn, nil
	}
	return newSendOnly(conn), nil
}

// ipv4 is the address of a socket as seen by IPv4.
type ipv4 struct{ net.Addr }

// bound is a Conn that says it is bound to an announced address.
type bound struct {
	*Conn
	local net.Addr
}

func (b *bound) LocalAddr() net.Addr { return b.local }

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
