//go:build !unix

package egress

import (
	"net"
	"net/netip"
)

type native struct{}

func newNative(netip.AddrPort) native { return native{} }

type udpSocket struct{ *net.UDPConn }

func newUDPSocket(conn *net.UDPConn, p *path) socket {
	p.lower(Single, nil)
	return udpSocket{conn}
}

func (s udpSocket) reader(func()) reader { return newPlainReader(s.ReadFromUDPAddrPort) }
func (s udpSocket) sender() sender       { return plainSender{s} }

func (s udpSocket) write(b []byte, to netip.AddrPort) error {
	_, err := s.WriteToUDPAddrPort(b, to)
	return err
}
