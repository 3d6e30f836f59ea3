//go:build !unix

package egress

import (
	"net"
	"net/netip"
)

type udpSocket struct{ *net.UDPConn }

func newUDPSocket(conn *net.UDPConn) socket { return udpSocket{conn} }

func (s udpSocket) read(b []byte) (int, netip.AddrPort, error) { return s.ReadFromUDPAddrPort(b) }

func (s udpSocket) readable() bool { return true }

func (s udpSocket) write(b []byte, to netip.AddrPort) error {
	_, err := s.WriteToUDPAddrPort(b, to)
	return err
}
