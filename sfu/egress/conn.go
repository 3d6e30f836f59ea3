// Package egress is the one UDP port that carries all media.
//
// A goroutine per socket reads what came, in batches, and sorts it by the first byte (RFC 7983). Media goes to the
// [Receiver] that was routed to its source; what that sends in turn is collected in the [Batch] of the same goroutine,
// and leaves when all that was read has been taken in: the more comes at once, the more a packet's way through the
// kernel is shared with others. Everything else (STUN, DTLS) waits in a queue for pion's mux, and what the mux writes
// is sent at once. Nothing here ever waits for a slow destination: packets are dropped, as the network would.
//
// An address may be that of a relay in this process: what is sent there goes straight to the relay, and what a relay
// injects is taken in as if it had come over the network. So a TURN server in the same process needs no second walk
// through the kernel, and no hairpin behind a NAT. [Mux] is pion's mux, presenting the addresses that clients are told.
//
// Everything that touches the operating system's socket is behind the small interface in socket.go.
package egress

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is the media port. It implements net.PacketConn and ice.AddrPortReaderWriter for pion, which gets to read all
// that is no media. Addresses that it takes and gives are plain: an IPv4 address is never wrapped in an IPv6 one.
//
// All methods are for any number of goroutines.
type Conn struct {
	// Static after construction.
	sockets []socket // one per shard, all at one port
	closed  chan struct{}
	close   func() error // closes closed, and the sockets
	readers sync.WaitGroup
	busy    []atomic.Int64 // of each socket's reader: nanoseconds so far
	path    *path

	inbox         inbox
	writeDeadline atomic.Int64 // nanoseconds since 1970, 0: none

	batches sync.Pool     // of *Batch
	next    atomic.Uint32 // counts batches, to give each a socket in turn

	routes table[*route]
	relays table[func(packet []byte)]

	questions questions

	counters counters
}

// NewConn makes the media port out of a UDP socket, or of what stands for one in a test. It owns the socket, and reads
// it until Close.
func NewConn(conn net.PacketConn) *Conn {
	return newConn([]net.PacketConn{conn}, Options{}, slog.New(slog.DiscardHandler))
}

func newConn(conns []net.PacketConn, o Options, log *slog.Logger) *Conn {
	c := &Conn{closed: make(chan struct{}), path: &path{log: log}}
	c.path.way.Store(int32(o.Batching))
	for _, conn := range conns {
		c.sockets = append(c.sockets, newSocket(conn, c.path))
	}
	c.close = sync.OnceValue(c.closeSockets)
	c.inbox.init()
	c.batches.New = func() any { return newBatch(c, c.sockets[int(c.next.Add(1))%len(c.sockets)]) }
	c.busy = make([]atomic.Int64, len(c.sockets))
	for i, s := range c.sockets {
		c.readers.Go(func() { c.read(s, &c.busy[i]) })
	}
	return c
}

// ReadFromAddrPort reads one packet that is no media, from the network or from a relay. A packet longer than b is cut.
// It fails when the port is closed or at the read deadline.
func (c *Conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return c.inbox.read(b, c.closed)
}

// WriteToAddrPort sends one packet to its destination at once: to a relay if one is attached at that address, else to
// the network. A packet that the socket has no room for is dropped, as the network would, and no error.
func (c *Conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	to = plain(to)
	if deadline := c.writeDeadline.Load(); deadline != 0 && time.Now().UnixNano() >= deadline {
		return 0, errDeadline
	}
	if deliver, ok := c.relays.get(to); ok {
		deliver(b)
		return len(b), nil
	}
	err := errFull
	for i := 0; i < len(c.sockets) && errors.Is(err, errFull); i++ { // another may have room: each has its own buffer
		err = c.sockets[i].write(b, to)
	}
	if errors.Is(err, errFull) {
		c.counters.writeDrops.Add(1)
		return len(b), nil
	}
	if err != nil {
		return 0, err
	}
	c.counters.packetsOut.Add(1)
	c.counters.bytesOut.Add(uint64(len(b)))
	c.counters.sends.Add(1)
	c.counters.messages.Add(1)
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

// Close closes the port, ends reads and writes, and waits for receivers that have packets in hand. So it must not be
// called by one.
func (c *Conn) Close() error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
	}
	err := c.close()
	c.readers.Wait()
	return err
}

func (c *Conn) closeSockets() error {
	close(c.closed)
	var errs []error
	for _, s := range c.sockets {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Open reports whether the port still takes packets.
func (c *Conn) Open() bool { return !c.isClosed() }

// LocalAddr returns the port's own address, which behind a NAT no client knows.
func (c *Conn) LocalAddr() net.Addr { return c.sockets[0].LocalAddr() }

// SetReadDeadline ends ReadFromAddrPort at t with os.ErrDeadlineExceeded; a zero t means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.inbox.deadline.set(t)
	return nil
}

// SetWriteDeadline makes WriteToAddrPort fail from t on with os.ErrDeadlineExceeded. Writes do not wait, so there is
// little use for it; pion's mux sets it to abort a write that it believes stuck, and clears it again. Batches do not
// care.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		c.writeDeadline.Store(0)
	} else {
		c.writeDeadline.Store(max(t.UnixNano(), 1))
	}
	return nil
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// plain takes an IPv4 address out of the IPv6 one that a dual-stack socket wraps it in.
func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
