package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// socket is what Conn asks of the operating system's socket, or of what stands for it in a test.
type socket interface {
	// read waits for one packet, until the read deadline or Close.
	read(b []byte) (int, netip.AddrPort, error)
	// readable tells whether read may find a packet at once. True costs time if there is none, false starves it.
	readable() bool
	// write sends one packet without waiting. It returns errFull if there is no room for it.
	write(b []byte, to netip.AddrPort) error

	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	LocalAddr() net.Addr
	Close() error
}

// errFull means that the send buffer is full. A UDP socket knows no slow destination: what waits in its buffer waits
// for the network card, or for the link address of a destination on the same network. Writing later would delay
// everybody's media, so the packet is dropped.
var errFull = errors.New("send buffer full")

func newSocket(conn net.PacketConn) socket {
	if udp, ok := conn.(*net.UDPConn); ok {
		if s := newUDPSocket(udp); s != nil {
			return s
		}
	}
	return packetSocket{conn}
}

// packetSocket is any net.PacketConn with UDP addresses, such as vnet's.
type packetSocket struct{ net.PacketConn }

func (s packetSocket) read(b []byte) (int, netip.AddrPort, error) {
	n, from, err := s.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	udp, ok := from.(*net.UDPAddr)
	if !ok {
		return 0, netip.AddrPort{}, fmt.Errorf("packet from %T, which is no UDP address", from)
	}
	return n, udp.AddrPort(), nil
}

func (s packetSocket) readable() bool { return true }

func (s packetSocket) write(b []byte, to netip.AddrPort) error {
	_, err := s.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
}
