//go:build unix

package egress

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// rawSocket is a real UDP socket. Go's own write parks the goroutine while the send buffer is full; this one tries
// once.
type rawSocket struct {
	*net.UDPConn
	raw     syscall.RawConn
	v6      bool      // addresses go to the kernel as IPv6
	writers sync.Pool // of *writer
}

// newRawSocket returns nil if the socket cannot be used directly.
func newRawSocket(conn *net.UDPConn) *rawSocket {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	s := &rawSocket{UDPConn: conn, raw: raw}
	known := false
	err = raw.Control(func(fd uintptr) {
		name, err := syscall.Getsockname(int(fd))
		if err != nil {
			return
		}
		switch name.(type) {
		case *syscall.SockaddrInet4:
			known = true
		case *syscall.SockaddrInet6:
			known, s.v6 = true, true
		}
	})
	if err != nil || !known {
		return nil
	}
	s.writers.New = func() any { return newWriter() }
	return s
}

func (s *rawSocket) write(b []byte, to netip.AddrPort) error {
	switch addr := to.Addr(); {
	case addr.Zone() != "": // link-local: rare, and the kernel wants the zone as a number
		_, err := s.WriteToUDPAddrPort(b, to)
		return err
	case !addr.IsValid(), addr.Is6() && !s.v6:
		return &net.OpError{Op: "write", Net: "udp", Addr: net.UDPAddrFromAddrPort(to), Err: syscall.EAFNOSUPPORT}
	}
	x := s.writers.Get().(*writer)
	defer s.writers.Put(x)
	return x.send(s, b, to)
}

// writer is what one write hands to the kernel, kept so that writing allocates nothing.
type writer struct {
	v4   syscall.SockaddrInet4
	v6   syscall.SockaddrInet6
	to   syscall.Sockaddr // one of the two
	data []byte
	err  error
	try  func(fd uintptr)
}

func newWriter() *writer {
	x := new(writer)
	x.try = func(fd uintptr) {
		for {
			x.err = sendto(fd, x.data, x.to)
			if !errors.Is(x.err, syscall.EINTR) {
				return // also when the buffer is full: never wait
			}
		}
	}
	return x
}

func (x *writer) send(s *rawSocket, b []byte, to netip.AddrPort) error {
	if s.v6 {
		x.v6.Addr, x.v6.Port, x.to = to.Addr().As16(), int(to.Port()), &x.v6
	} else {
		x.v4.Addr, x.v4.Port, x.to = to.Addr().As4(), int(to.Port()), &x.v4
	}
	x.data = b
	err := s.raw.Control(x.try)
	x.data = nil
	switch {
	case err != nil:
		return err
	case x.err == nil:
		return nil
	case errors.Is(x.err, syscall.EAGAIN), errors.Is(x.err, syscall.ENOBUFS):
		return errFull
	default:
		return &net.OpError{Op: "write", Net: "udp", Source: s.LocalAddr(), Addr: net.UDPAddrFromAddrPort(to),
			Err: os.NewSyscallError("sendto", x.err)}
	}
}
