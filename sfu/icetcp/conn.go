package icetcp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sendBuffer bounds how much the kernel holds back, which for media is only old: half a second at 2 Mbit/s.
	sendBuffer = 128 << 10
	// together is how many bytes of waiting packets are written at once.
	together = 16 << 10
	// longest packet that is taken in, in bytes: more is no datagram.
	longest = 2048
	// refresh is how often the deadline of a connection in use is moved.
	refresh = 5 * time.Second
)

// errNoICE ends a connection that does not begin as ICE does.
var errNoICE = errors.New("no STUN message")

// conn is a client's connection. Its reader and its writer are goroutines of the server.
type conn struct {
	// Static after construction.
	net.Conn
	server  *Server
	addr    netip.AddrPort // made up
	packets chan *[]byte   // from the SFU, framed; bounded
	closed  chan struct{}  // closed by Close
	close   func() error   // what Close does, once

	detach func() // from the media socket; owned by the reader

	answered atomic.Bool // the SFU has sent something: it knows the client
}

func (s *Server) newConn(raw net.Conn) *conn {
	if tcp, ok := raw.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
	c := &conn{
		Conn: raw, server: s, addr: s.address(raw.RemoteAddr()), packets: make(chan *[]byte, s.limits.Queue),
		closed: make(chan struct{}), detach: func() {},
	}
	c.close = sync.OnceValue(func() error {
		close(c.closed)
		return raw.Close()
	})
	return c
}

func (c *conn) attach() error {
	detach, err := c.server.media.Attach(c.addr, c.deliver)
	if err != nil {
		return err
	}
	c.detach = detach
	return nil
}

// Close ends the connection; reader and writer notice.
func (c *conn) Close() error { return c.close() }

// deliver takes a packet of the SFU for the client. It runs on the SFU's goroutine: a client that does not keep up
// loses packets, as it would on a network of its speed, and nobody waits.
func (c *conn) deliver(packet []byte) {
	if !c.answered.Load() && !c.answered.Swap(true) {
		c.server.conns.Settle(c)
		_ = c.SetReadDeadline(time.Now().Add(c.server.limits.Silent))
	}
	b := c.server.buffers.Get().(*[]byte)
	*b = append(binary.BigEndian.AppendUint16((*b)[:0], uint16(len(packet))), packet...)
	select {
	case c.packets <- b:
	default:
		c.server.buffers.Put(b)
		c.server.counters.dropped.Add(1)
	}
}

// read takes in what the client sends, until it ends.
func (c *conn) read() {
	defer c.server.running.Done()
	err := c.readAll()
	switch {
	case errors.Is(err, errNoICE):
		c.server.counters.garbage.Add(1)
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed):
		c.server.log.Debug("ICE over TCP ended", "error", err)
	}
	c.detach()
	c.server.conns.Remove(c)
}

func (c *conn) readAll() error {
	in, packet := bufio.NewReaderSize(c, 4096), make([]byte, longest)
	first, until := true, time.Time{}
	for {
		if now := time.Now(); c.answered.Load() && until.Sub(now) < c.server.limits.Silent-refresh {
			until = now.Add(c.server.limits.Silent)
			if err := c.SetReadDeadline(until); err != nil {
				return err
			}
		}
		n, err := readFrame(in, packet)
		if err != nil {
			return err
		}
		if first {
			if !isSTUN(packet[:n]) {
				return errNoICE
			}
			if err := c.attach(); err != nil {
				return err
			}
			first = false
		}
		c.server.media.Inject(c.addr, packet[:n])
	}
}

// readFrame reads one packet (RFC 4571, section 2). One that is longer than there is room for is skipped.
func readFrame(in *bufio.Reader, packet []byte) (int, error) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return 0, err
		}
		n := int(binary.BigEndian.Uint16(head[:]))
		if n > len(packet) {
			if _, err := in.Discard(n); err != nil {
				return 0, err
			}
			continue
		}
		_, err := io.ReadFull(in, packet[:n])
		return n, err
	}
}

// isSTUN tells whether a packet is a STUN message by its cookie (RFC 8489, section 5).
func isSTUN(packet []byte) bool {
	return len(packet) >= 20 && packet[0]&0xC0 == 0 && binary.BigEndian.Uint32(packet[4:]) == 0x2112A442
}

// write sends what waits for the client, as much at once as there is, until the connection ends.
func (c *conn) write() {
	defer c.server.running.Done()
	var out []byte
	for {
		select {
		case <-c.closed:
			return
		case b := <-c.packets:
			out = c.take(out[:0], b)
		}
		for more := true; more && len(out) < together; {
			select {
			case b := <-c.packets:
				out = c.take(out, b)
			default:
				more = false
			}
		}
		if err := c.send(out); err != nil {
			_ = c.Close() // half a packet cannot be taken back
			return
		}
	}
}

func (c *conn) take(out []byte, b *[]byte) []byte {
	out = append(out, *b...)
	c.server.buffers.Put(b)
	return out
}

func (c *conn) send(out []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(c.server.limits.Write)); err != nil {
		return err
	}
	_, err := c.Write(out)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.counters.stalled.Add(1)
	}
	return err
}
