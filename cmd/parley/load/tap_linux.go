package load

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize    = 64
	datagramSize = 1600
	// Room for SCM_TIMESTAMPNS and SO_RXQ_OVFL.
	controlSize   = 64
	timestampSize = 32
)

// batches are what reading needs, shared by all taps: only those that read at the moment hold one.
type batches struct{ free, buffers sync.Pool }

func newBatches() *batches {
	return &batches{
		free:    sync.Pool{New: func() any { return newBatch() }},
		buffers: sync.Pool{New: func() any { return new([datagramSize]byte) }},
	}
}

// buffer returns an empty buffer for one packet.
func (b *batches) buffer() []byte { return b.buffers.Get().(*[datagramSize]byte)[:0] }

// release gives back what buffer returned.
func (b *batches) release(data []byte) {
	if cap(data) == datagramSize {
		b.buffers.Put((*[datagramSize]byte)(data[:datagramSize]))
	}
}

// message is a struct mmsghdr (recvmmsg(2)).
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// batch is what one call of recvmmsg fills.
type batch struct {
	messages [batchSize]message
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet6
	controls [batchSize][controlSize]byte
	data     [batchSize][datagramSize]byte
}

func newBatch() *batch {
	b := new(batch)
	for i := range b.messages {
		b.vectors[i].Base = &b.data[i][0]
		b.vectors[i].SetLen(datagramSize)
		h := &b.messages[i].header
		h.Name = (*byte)(unsafe.Pointer(&b.names[i])) //nolint:gosec // what recvmmsg wants
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Control = &b.controls[i][0]
		b.reset(i)
	}
	return b
}

func (b *batch) reset(i int) {
	b.messages[i].header.Namelen = uint32(unsafe.Sizeof(b.names[i]))
	b.messages[i].header.SetControllen(controlSize)
}

// prepare asks the kernel for room, for the time at which each packet arrives, and for word of what it drops.
func (t *tap) prepare() {
	_ = t.raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil { // needs a privilege
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
		}
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	})
}

// wait waits until there is something for pion.
func (t *tap) wait() error {
	t.readErr, t.waited = nil, false
	if err := t.raw.Read(t.readable); err != nil {
		return err
	}
	return t.readErr
}

// read takes in what has come, and tells whether there is something for pion, or an error. False waits for more: that
// is right only when the socket has been emptied, for the poller tells of what is new.
func (t *tap) read(fd uintptr) bool {
	if t.waited {
		t.nap()
	}
	t.waited = true
	b := t.batches.free.Get().(*batch)
	defer t.batches.free.Put(b)
	for {
		// It never blocks, so the scheduler need not know of it.
		messages := uintptr(unsafe.Pointer(&b.messages)) //nolint:gosec // b is alive, and nothing in Go moves
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, messages, batchSize, unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
		case errors.Is(errno, syscall.EINTR):
			continue
		case errors.Is(errno, syscall.EAGAIN):
			return len(t.passed) > 0
		case errors.Is(errno, syscall.ECONNREFUSED):
			continue // of something sent before
		default:
			t.readErr = errno
			return true
		}
		t.takeBatch(b, int(n))
		if int(n) < batchSize {
			return len(t.passed) > 0
		}
	}
}

func (t *tap) takeBatch(b *batch, n int) {
	wall, now := time.Now().UnixNano(), t.clock.now()
	t.mu.Lock()
	for i := range n {
		m := &b.messages[i]
		packet := b.data[i][:m.length]
		if t.take(packet, now-t.age(b, i, wall)) {
			t.pass(packet, b.from(i))
		}
		b.reset(i)
	}
	urgent := t.urgent
	t.mu.Unlock()
	if urgent {
		t.urge()
	}
}

// age is how long ago a packet arrived, in ns: the time that it has waited for this process is not the server's.
func (t *tap) age(b *batch, i int, wall int64) int64 {
	control := b.controls[i][:b.messages[i].header.Controllen]
	if len(control) < timestampSize || binary.NativeEndian.Uint32(control[12:]) != unix.SO_TIMESTAMPNS {
		return 0
	}
	if len(control) > timestampSize { // SO_RXQ_OVFL, only if something was dropped
		drops := binary.NativeEndian.Uint32(control[timestampSize+16:])
		t.meter.overflowed += uint64(drops - t.drops)
		t.drops = drops
	}
	seconds, ns := binary.NativeEndian.Uint64(control[16:]), binary.NativeEndian.Uint64(control[24:])
	return max(0, wall-int64(seconds)*1e9-int64(ns))
}

func (b *batch) from(i int) netip.AddrPort {
	name := &b.names[i]
	port := name.Port>>8 | name.Port<<8
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name)) //nolint:gosec // the family says so
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port)
}
