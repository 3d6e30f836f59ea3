package egress

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
)

// largest is how much of an incoming packet is read, in bytes. Nobody sends us more: media and DTLS keep to MTUs.
const largest = 2048

// socket is what Conn asks of the operating system's socket, or of what stands for it in a test.
type socket interface {
	// reader makes what reads from the socket, for the one goroutine that does. It calls oversized for each packet that
	// it drops because it is longer than largest.
	reader(oversized func()) reader
	// sender makes what a Batch sends with.
	sender() sender
	// write sends one packet without waiting. It returns errFull if there is no room for it.
	write(b []byte, to netip.AddrPort) error

	LocalAddr() net.Addr
	Close() error
}

// reader is used by one goroutine.
type reader interface {
	// read waits for packets, until Close. What it returns is valid until the next read.
	read() ([]incoming, error)
	// more returns what has come meanwhile, valid as long, and never waits.
	more() []incoming
	// breathe lets other goroutines run, for a reader that finds packets whenever it looks.
	breathe()
}

// sender is used by one Batch. It never waits.
type sender interface {
	// add takes the packets of a group. It may send, or leave that to flush.
	add(b *Batch, g *group)
	// flush sends what was added, and keeps nothing of it.
	flush(b *Batch)
}

// errFull means that the send buffer is full. A UDP socket knows no slow destination: what waits in its buffer waits
// for the network card, or for the link address of a destination on the same network. Writing later would delay
// everybody's media, so the packet is dropped.
var errFull = errors.New("send buffer full")

// path is the way that batches take through the kernel: the best that is wanted and has not been refused.
type path struct {
	log *slog.Logger
	way atomic.Int32 // Batching
}

func (p *path) method() Batching { return Batching(p.way.Load()) }

// lower gives up all ways that are better than one, because of an error, or because there are none here.
func (p *path) lower(to Batching, err error) {
	for {
		now := p.way.Load()
		if now >= int32(to) {
			return
		}
		if !p.way.CompareAndSwap(now, int32(to)) {
			continue
		}
		if err != nil {
			p.log.Warn("the kernel refuses to send media this way; another costs more CPU",
				"refused", Batching(now).String(), "taken", to.String(), "error", err)
		}
		return
	}
}

func newSocket(conn net.PacketConn, p *path) socket {
	if udp, ok := conn.(*net.UDPConn); ok {
		if s := newUDPSocket(udp, p); s != nil {
			return s
		}
	}
	p.lower(Single, nil)
	return packetSocket{conn}
}

// packetSocket is any net.PacketConn with UDP addresses, such as vnet's.
type packetSocket struct{ net.PacketConn }

func (s packetSocket) reader(func()) reader { return newPlainReader(s.receive) }
func (s packetSocket) sender() sender       { return plainSender{s} }

func (s packetSocket) receive(b []byte) (int, netip.AddrPort, error) {
	n, from, err := s.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	udp, ok := from.(*net.UDPAddr)
	if !ok {
		return 0, netip.AddrPort{}, fmt.Errorf("packet from %T, which is no UDP address", from)
	}
	return n, udp.AddrPort(), nil
}

func (s packetSocket) write(b []byte, to netip.AddrPort) error {
	_, err := s.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
}

// plainReader reads packets one by one.
type plainReader struct {
	receive func(b []byte) (int, netip.AddrPort, error)
	buffer  []byte
	one     [1]incoming
}

func newPlainReader(receive func(b []byte) (int, netip.AddrPort, error)) *plainReader {
	return &plainReader{receive: receive, buffer: make([]byte, largest)}
}

func (r *plainReader) read() ([]incoming, error) {
	n, from, err := r.receive(r.buffer)
	if err != nil {
		return nil, err
	}
	r.one[0] = incoming{data: r.buffer[:n], from: plain(from)}
	return r.one[:], nil
}

// more returns nothing: reading would wait.
func (r *plainReader) more() []incoming { return nil }

// breathe has nothing to do: reading is a call that Go's scheduler sees.
func (r *plainReader) breathe() {}

// plainSender writes packets one by one.
type plainSender struct{ socket }

func (s plainSender) add(b *Batch, g *group) {
	b.each(g, func(data []byte) { b.judge(data, s.write(data, g.to.addr)) })
}

func (s plainSender) flush(*Batch) {}
