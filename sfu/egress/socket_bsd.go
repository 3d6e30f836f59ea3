//go:build unix && !linux

package egress

import (
	"net"
	"net/netip"
	"syscall"
)

type native struct{}

func newNative(netip.AddrPort) native { return native{} }

func newUDPSocket(conn *net.UDPConn, p *path) socket {
	s := newRawSocket(conn)
	if s == nil {
		return nil
	}
	p.lower(Single, nil)
	return oneByOne{s}
}

// oneByOne reads and sends packets one by one.
type oneByOne struct{ *rawSocket }

func (s oneByOne) reader(func()) reader { return newPlainReader(s.ReadFromUDPAddrPort) }
func (s oneByOne) sender() sender       { return plainSender{s} }

func sendto(fd uintptr, data []byte, to syscall.Sockaddr) error {
	return syscall.Sendto(int(fd), data, 0, to)
}
