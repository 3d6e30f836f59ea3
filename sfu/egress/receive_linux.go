//nolint:gosec // what the kernel is given is made of pointers
package egress

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readMany is how many packets are read at once, if so many have come.
const readMany = 64

const (
	controlSize = 64 // room for a stamp

	// implausible is what no packet waits: the stamp is none.
	implausible = 10 * time.Second
)

// batchReader reads with recvmmsg.
type batchReader struct {
	// Static after construction.
	socket    *batchSocket
	oversized func()
	try       func(fd uintptr) (done bool)
	tryOnce   func(fd uintptr)
	buffers   [readMany][largest]byte
	iovecs    [readMany]unix.Iovec
	controls  [readMany][controlSize]byte

	names    [readMany]unix.RawSockaddrInet6
	messages [readMany]message
	packets  [readMany]incoming
	got      int           // messages of the last call
	errno    syscall.Errno // likewise
	zones    map[uint32]string
}

func (s *batchSocket) reader(oversized func()) reader {
	r := &batchReader{socket: s, oversized: oversized, zones: make(map[uint32]string)}
	for i := range r.messages {
		r.iovecs[i].Base = &r.buffers[i][0]
		r.iovecs[i].SetLen(largest)
		m := &r.messages[i]
		m.Iov, m.Name = &r.iovecs[i], (*byte)(unsafe.Pointer(&r.names[i]))
		m.SetIovlen(1)
		m.Control = &r.controls[i][0]
	}
	_ = s.raw.Control(func(fd uintptr) { // a kernel that cannot leaves us without
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	r.got = readMany
	r.try = r.receive
	r.tryOnce = func(fd uintptr) { r.receive(fd) }
	return r
}

// receive asks the kernel once, and reports false if there is nothing.
func (r *batchReader) receive(fd uintptr) bool {
	for i := range r.got { // what the last call has changed
		r.messages[i].Namelen = unix.SizeofSockaddrInet6
		r.messages[i].SetControllen(controlSize)
	}
	r.got, r.errno = 0, 0
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.messages[0])), readMany,
			unix.MSG_DONTWAIT, 0, 0) // raw: see linux
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		if r.errno = errno; errno == 0 {
			r.got = int(n)
		}
		return true
	}
}

func (r *batchReader) read() ([]incoming, error) {
	if err := r.socket.raw.Read(r.try); err != nil {
		return nil, err
	}
	if r.errno != 0 {
		return nil, os.NewSyscallError("recvmmsg", r.errno)
	}
	return r.received(), nil
}

func (r *batchReader) more() []incoming {
	if err := r.socket.raw.Control(r.tryOnce); err != nil || r.errno != 0 {
		return nil // for read to find out
	}
	return r.received()
}

// breathe makes a call that Go's scheduler is told of, which wakes its watching thread: that one polls the network and
// takes the processor from who has it for long. Of all other calls here it hears nothing, see linux.
func (r *batchReader) breathe() {
	_, _, _ = unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	runtime.Gosched()
}

// received returns what the last call has brought.
func (r *batchReader) received() []incoming {
	packets, now := r.packets[:0], time.Now().UnixNano()
	for i := range r.got {
		m := &r.messages[i]
		if m.Flags&unix.MSG_TRUNC != 0 {
			r.oversized()
			continue
		}
		packets = append(packets, incoming{
			data: r.buffers[i][:m.n:m.n], from: r.source(&r.names[i]), waited: waited(r.controls[i][:m.Controllen], now),
		})
	}
	return packets
}

// waited is for how long a packet was in the socket's queue, by the kernel's stamp; 0 if there is none. Both clocks may
// be set; only what is in the queue meanwhile is misjudged.
func waited(control []byte, now int64) time.Duration {
	const stamp = 2 * 8 // struct timespec
	if len(control) < unix.SizeofCmsghdr+stamp {
		return 0
	}
	header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	if header.Level != unix.SOL_SOCKET || header.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	at := (*unix.Timespec)(unsafe.Pointer(&control[unix.CmsgLen(0)]))
	if waited := time.Duration(now - at.Nano()); waited < implausible {
		return waited
	}
	return 0
}

// source returns a packet's source, plain.
func (r *batchReader) source(name *unix.RawSockaddrInet6) netip.AddrPort {
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port(&v4.Port))
	}
	addr := netip.AddrFrom16(name.Addr).Unmap()
	if name.Scope_id != 0 {
		addr = addr.WithZone(r.zone(name.Scope_id))
	}
	return netip.AddrPortFrom(addr, port(&name.Port))
}

// port takes a port out of an address of the kernel's, where it is in the order of the network.
func port(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }

// zone names an interface as package net does.
func (r *batchReader) zone(index uint32) string {
	if name, ok := r.zones[index]; ok {
		return name
	}
	name := strconv.Itoa(int(index))
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		name = i.Name
	}
	r.zones[index] = name
	return name
}
