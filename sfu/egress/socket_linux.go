//nolint:gosec // what the kernel is given is made of pointers
package egress

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSocket reads and sends many packets per system call.
type batchSocket struct {
	*rawSocket
	path   *path
	kernel kernel
}

// kernel is the system calls that send, which a test may refuse.
type kernel interface {
	// sendmmsg sends messages and returns how many of them went; an error is that of the first, when none did.
	sendmmsg(fd uintptr, messages []message) (int, syscall.Errno)
	// sendmsg sends one message.
	sendmsg(fd uintptr, m *message) syscall.Errno
}

// message is a struct mmsghdr.
type message struct {
	unix.Msghdr
	n uint32 // bytes received
}

func newUDPSocket(conn *net.UDPConn, p *path) socket {
	raw := newRawSocket(conn)
	if raw == nil {
		return nil
	}
	// A kernel that does not know of segments (before 4.18) would ignore the request and send one huge packet.
	_ = raw.raw.Control(func(fd uintptr) {
		if _, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT); err != nil {
			p.lower(Messages, os.NewSyscallError("getsockopt", err))
		}
	})
	return &batchSocket{rawSocket: raw, path: p, kernel: linux{}}
}

// linux asks the kernel. Its calls never wait, but take so long that Go's scheduler would give our processor to another
// thread meanwhile, and get it back afterwards: on a busy core that costs a fifth of everything. So it is not told of
// them (RawSyscall); sendMany bounds them to a fraction of a millisecond.
type linux struct{}

func (linux) sendmmsg(fd uintptr, messages []message) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)),
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func (linux) sendmsg(fd uintptr, m *message) syscall.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&m.Msghdr)), unix.MSG_DONTWAIT)
	return errno
}

// sendto is syscall.Sendto, of which Go's scheduler is not told either: a STUN packet of each participant every few
// seconds would keep its watching thread awake.
func sendto(fd uintptr, data []byte, to syscall.Sockaddr) error {
	var name unix.RawSockaddrInet6
	size := uintptr(unix.SizeofSockaddrInet6)
	switch to := to.(type) {
	case *syscall.SockaddrInet4:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&name))
		*v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr}
		setPort(&v4.Port, to.Port)
		size = unix.SizeofSockaddrInet4
	case *syscall.SockaddrInet6:
		name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: to.Addr, Scope_id: to.ZoneId}
		setPort(&name.Port, to.Port)
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(data))),
		uintptr(len(data)), unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&name)), size)
	if errno != 0 {
		return errno
	}
	return nil
}

// setPort puts a port into an address of the kernel's, where it is in the order of the network.
func setPort(p *uint16, port int) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(p))[:], uint16(port))
}

// native is an address as the kernel wants it, for sockets of either family.
type native struct {
	v4 unix.RawSockaddrInet4
	v6 unix.RawSockaddrInet6
}

func newNative(a netip.AddrPort) native {
	var n native
	n.v6 = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: a.Addr().As16(), Scope_id: scope(a.Addr().Zone())}
	setPort(&n.v6.Port, int(a.Port()))
	if a.Addr().Is4() {
		n.v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.Addr().As4(), Port: n.v6.Port}
	}
	return n
}

// scope returns the number of a zone, 0 if there is none.
func scope(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// name points m at the address of d, and reports false if this socket cannot send there.
func (s *batchSocket) name(m *message, d *Destination) bool {
	switch {
	case !d.addr.IsValid():
		return false
	case s.v6:
		m.Name, m.Namelen = (*byte)(unsafe.Pointer(&d.native.v6)), unix.SizeofSockaddrInet6
		return true
	case d.addr.Addr().Is4():
		m.Name, m.Namelen = (*byte)(unsafe.Pointer(&d.native.v4)), unix.SizeofSockaddrInet4
		return true
	default:
		return false
	}
}
