package main

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	unix.Msghdr
	n uint32
}

const bufferBytes = 8 << 20 // of a socket, each way: bursts must not be lost

// listen opens a UDP socket on loopback.
func listen() (fd int, port uint16, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, 0, fmt.Errorf("socket: %w", err)
	}
	setBuffers(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		_ = unix.Close(fd)
		return -1, 0, fmt.Errorf("bind: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		_ = unix.Close(fd)
		return -1, 0, fmt.Errorf("getsockname: %w", err)
	}
	return fd, uint16(name.(*unix.SockaddrInet4).Port), nil
}

// setBuffers makes them large, as far as we may.
func setBuffers(fd int) {
	for _, option := range []int{unix.SO_RCVBUF, unix.SO_RCVBUFFORCE, unix.SO_SNDBUF, unix.SO_SNDBUFFORCE} {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, bufferBytes)
	}
}

// rawAddr is what the kernel wants in a message's header.
func rawAddr(to netip.AddrPort) *unix.RawSockaddrInet4 {
	port := to.Port()
	return &unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port<<8 | port>>8, Addr: to.Addr().As4()}
}

// setControl makes control ask for segments of size bytes (UDP_SEGMENT of udp(7)).
func setControl(control []byte, size int) {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0])) //nolint:gosec // the layout is the kernel's
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	control[unix.CmsgLen(0)], control[unix.CmsgLen(0)+1] = byte(size), byte(size>>8)
}

// sendAll hands all messages to the kernel.
func sendAll(fd int, messages []mmsghdr) error {
	for len(messages) > 0 {
		n, err := mmsg(unix.SYS_SENDMMSG, fd, messages, 0)
		if err != nil {
			return fmt.Errorf("sendmmsg: %w", err)
		}
		messages = messages[n:]
	}
	return nil
}

// mmsg calls sendmmsg or recvmmsg until it is not interrupted. The scheduler is not told, not even of waiting: it would
// hand over the CPU and take it back for every burst, and there is nobody else to have it.
func mmsg(call uintptr, fd int, messages []mmsghdr, flags uintptr) (int, error) {
	for {
		first := unsafe.Pointer(&messages[0]) //nolint:gosec // the kernel takes an address
		n, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(first), uintptr(len(messages)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// inbox receives many packets with one system call.
type inbox struct {
	buffers  [][]byte
	iovs     []unix.Iovec
	messages []mmsghdr
}

func newInbox(packets, size int) *inbox {
	b := &inbox{make([][]byte, packets), make([]unix.Iovec, packets), make([]mmsghdr, packets)}
	for i := range packets {
		b.buffers[i] = make([]byte, size)
		b.iovs[i].Base = &b.buffers[i][0]
		b.iovs[i].SetLen(size)
		b.messages[i].Iov = &b.iovs[i]
		b.messages[i].SetIovlen(1)
	}
	return b
}

// receive fills the buffers from one to another. It waits for the first packet, unless the flags say otherwise, and
// takes what else is there.
func (b *inbox) receive(fd, from, to int, flags uintptr) (int, error) {
	return mmsg(unix.SYS_RECVMMSG, fd, b.messages[from:to], flags|unix.MSG_WAITFORONE)
}

func (b *inbox) packet(i int) []byte { return b.buffers[i][:b.messages[i].n] }
