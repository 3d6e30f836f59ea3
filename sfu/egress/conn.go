// Package egress is the one UDP socket that carries all media.
//
// [Conn] sits under pion's UDP mux. What the mux writes goes to the socket, or, when the destination is the address of
// a relay that was attached, straight to that relay; what the mux reads comes from the socket, or from a relay as if it
// had come over the network. So a TURN server in the same process needs no second walk through the kernel, and no
// hairpin behind a NAT. [Mux] is the mux itself, presenting the addresses that clients are told.
//
// Everything that touches the operating system's socket is behind the small interface in socket.go: sending and
// receiving in batches has its place there, and nothing else needs to know.
package egress

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// turn is how many packets the reader takes from one side while the other may have some too.
	turn = 128
	// glance is how long the socket may take for its turn while injected packets wait.
	glance = 500 * time.Microsecond
	// maxPause bounds the pause after a read that failed.
	maxPause = 100 * time.Millisecond
)

// Conn is the media socket. It implements net.PacketConn and ice.AddrPortReaderWriter. Addresses that it takes and
// gives are plain: an IPv4 address is never wrapped in an IPv6 one.
//
// Writing is for any number of goroutines and never waits, neither for the socket nor for a relay. Reading is for one
// goroutine at a time.
type Conn struct {
	// Static after construction.
	socket   socket
	injected chan *packet // filled by Inject, emptied by the reader
	packets  sync.Pool    // of *packet

	// Copy-on-write under attaching, nil while there are none: one atomic load per packet.
	relays    atomic.Pointer[map[netip.AddrPort]func(packet []byte)]
	attaching sync.Mutex

	counters counters
	closed   atomic.Bool
	reading  atomic.Bool // the reader is about to read from the socket, or does; set under mu

	// Owned by the reader.
	streak int // packets taken in a row: injected ones count up from 0, those of the socket's turn from -turn
	faults int // reads in a row that failed

	mu       sync.Mutex
	armed    bool      // the socket's read deadline is ours, to end a read; guarded by mu
	deadline time.Time // as set by SetReadDeadline; guarded by mu
}

// NewConn makes the media socket out of a UDP socket, or of what stands for one in a test. It owns the socket.
func NewConn(conn net.PacketConn) *Conn {
	c := &Conn{socket: newSocket(conn), injected: make(chan *packet, queue)}
	c.packets.New = func() any { return new(packet) }
	return c
}

// ReadFromAddrPort reads one packet from the socket or from a relay. A packet longer than b is cut. It fails when the
// socket is closed or at the read deadline, and bears with everything else.
func (c *Conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		if p := c.next(); p != nil {
			n, from := copy(b, p.data), p.from
			c.packets.Put(p)
			return n, from, nil
		}
		n, from, err := c.socket.read(b)
		c.reading.Store(false)
		if err != nil {
			if err := c.failed(err); err != nil {
				return 0, netip.AddrPort{}, err
			}
			continue
		}
		c.faults = 0
		if c.streak < 0 {
			c.streak++
		}
		from = plain(from)
		if c.relay(from) != nil {
			c.counters.spoofed.Add(1) // relays are in this process, so nobody sends from there
			continue
		}
		return n, from, nil
	}
}

// next returns an injected packet if it is their turn. Else it returns nil, and the socket is to be read: without a
// deadline of ours if nothing is injected, for a glance if something waits.
//
// A packet that is injected later finds reading set and ends the read; one that is injected earlier is seen here. Both
// are decided under mu, so none is overlooked.
func (c *Conn) next() *packet {
	for {
		if c.streak >= 0 {
			select {
			case p := <-c.injected:
				if c.streak++; c.streak == turn {
					c.streak = -turn
				}
				return p
			default:
				c.streak = 0
			}
		}
		if c.prepareRead() {
			return nil
		}
	}
}

// prepareRead sets the read deadline that fits, and reports false if an injected packet is to be taken instead.
func (c *Conn) prepareRead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch waiting := len(c.injected) > 0; {
	case waiting && c.streak >= 0:
		return false
	case waiting && c.streak == -turn && !c.socket.readable():
		c.streak = 0
		return false
	case waiting && c.streak == -turn:
		c.arm(time.Now().Add(glance))
	case waiting: // the socket's turn goes on
	default:
		c.streak = 0
		if c.armed {
			c.armed = false
			_ = c.socket.SetReadDeadline(c.deadline)
		}
	}
	c.reading.Store(true)
	return true
}

// arm makes the socket's read end at t. The caller holds mu.
func (c *Conn) arm(t time.Time) {
	c.armed = true
	if !c.deadline.IsZero() && c.deadline.Before(t) {
		t = c.deadline
	}
	_ = c.socket.SetReadDeadline(t)
}

// wake ends a read from the socket, now or as soon as it begins.
func (c *Conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading.Load() && !c.armed {
		c.arm(time.Unix(1, 0)) // long ago
	}
}

// failed judges a failed read: an error if reading is over, nil if it goes on.
func (c *Conn) failed(err error) error {
	if c.closed.Load() || errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.streak = 0 // whether woken or done glancing: the injected packets' turn
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
			return os.ErrDeadlineExceeded
		}
		return nil
	}
	// The mux gives up at an error, and with it all media; what UDP sockets report (no buffers, an interface that
	// went away) passes.
	c.counters.readFaults.Add(1)
	c.faults++
	time.Sleep(min(time.Duration(c.faults)*time.Millisecond, maxPause))
	return nil
}

// WriteToAddrPort sends one packet to its destination: a relay if one is attached at that address, else the network. A
// packet that the socket has no room for is dropped, as the network would, and no error.
func (c *Conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	to = plain(to)
	if deliver := c.relay(to); deliver != nil {
		deliver(b)
		return len(b), nil
	}
	err := c.socket.write(b, to)
	if errors.Is(err, errFull) {
		c.counters.writeDrops.Add(1)
		err = nil
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom is ReadFromAddrPort for those who have no use for a netip.AddrPort.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo is WriteToAddrPort for those who have no netip.AddrPort.
func (c *Conn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: errors.New("not a UDP address")}
	}
	return c.WriteToAddrPort(b, udp.AddrPort())
}

// Close closes the socket and ends reads and writes.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	return c.socket.Close()
}

// LocalAddr returns the socket's own address, which behind a NAT no client knows.
func (c *Conn) LocalAddr() net.Addr { return c.socket.LocalAddr() }

// SetReadDeadline ends reads at t with os.ErrDeadlineExceeded; a zero t means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if c.armed {
		return nil // the reader is coming back and will set it
	}
	return c.socket.SetReadDeadline(t)
}

// SetWriteDeadline makes writes fail from t on. Writes do not wait, so there is little use for it; pion's mux sets it
// to abort a write that it believes stuck, and clears it again.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.socket.SetWriteDeadline(t) }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

type counters struct {
	injectDrops, writeDrops, spoofed, readFaults atomic.Uint64
}

// Stats counts what went wrong since the start.
type Stats struct {
	InjectDrops uint64 // injected packets dropped because the reader did not keep up
	WriteDrops  uint64 // packets dropped because the socket's send buffer was full
	Spoofed     uint64 // packets from the network that claimed to come from a relay, dropped
	ReadFaults  uint64 // failed reads
}

// Stats returns the counts.
func (c *Conn) Stats() Stats {
	return Stats{
		InjectDrops: c.counters.injectDrops.Load(),
		WriteDrops:  c.counters.writeDrops.Load(),
		Spoofed:     c.counters.spoofed.Load(),
		ReadFaults:  c.counters.readFaults.Load(),
	}
}

// plain takes an IPv4 address out of the IPv6 one that a dual-stack socket wraps it in.
func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
