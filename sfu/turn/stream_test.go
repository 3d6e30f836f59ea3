package turn

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// closedWithin tells whether the server ends the connection, which it may do by a reset.
func (c *client) closedWithin(wait time.Duration) bool {
	c.t.Helper()
	for {
		_, err := c.read(wait)
		if err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
		}
	}
}

// A connection has little time to allocate, whatever it sends meanwhile; with an allocation it may be silent.
func TestStreamWithoutAllocation(t *testing.T) {
	const short = time.Second
	w := start(t, func(cfg *Config) { cfg.Limits.PendingFor = short })
	began := time.Now()
	silent := dial(t, w, "tcp", w.user("anna", time.Hour))
	slow := dial(t, w, "tcp", w.user("anna", time.Hour))
	chatty := dial(t, w, "tcp", w.user("anna", time.Hour))
	settled := dial(t, w, "tcp", w.user("anna", time.Hour))
	settled.allocate()

	slow.write([]byte{0, 1}) // of a header that never ends
	for time.Since(began) < short/2 {
		want(t, "binding", chatty.do(stun.MethodBinding), 0)
	}
	for name, c := range map[string]*client{"silent": silent, "slow": slow, "chatty": chatty} {
		if !c.closedWithin(patience) {
			t.Errorf("the %s connection stays", name)
		}
	}
	if since := time.Since(began); since < short {
		t.Errorf("closed after %v", since)
	}
	want(t, "binding", settled.do(stun.MethodBinding), 0)
	want(t, "delete", settled.do(stun.MethodRefresh, lifetime(0)), 0)
	if !settled.closedWithin(patience) {
		t.Error("the connection outlives its allocation")
	}
	eventually(t, "all are gone", func() bool { s := w.Stats(); return s.Streams == 0 && s.Refused["idle"] == 4 })
}

func TestStreamLimits(t *testing.T) {
	w := start(t, func(cfg *Config) { cfg.Limits.Connections, cfg.Limits.Pending = 5, 2 })
	connect := func() *client {
		c := dial(t, w, "tcp", w.user("anna", time.Hour))
		return c
	}
	honest := connect()
	honest.allocate()
	first, second, third := connect(), connect(), connect()
	if !first.closedWithin(patience) {
		t.Error("the oldest stays though there are too many")
	}
	want(t, "second", second.do(stun.MethodBinding), 0)
	want(t, "third", third.do(stun.MethodBinding), 0)
	second.allocate()
	third.allocate()
	fourth := connect()
	fourth.allocate()
	fifth := connect()
	fifth.allocate()
	if !connect().closedWithin(patience) {
		t.Error("more connections than the limit")
	}
	for _, c := range []*client{honest, second, third, fourth, fifth} {
		want(t, "refresh", c.do(stun.MethodRefresh), 0)
	}
	if s := w.Stats(); s.Streams != 5 || s.Refused["crowded"] != 2 {
		t.Errorf("%+v", s)
	}
}

func TestStreamGarbage(t *testing.T) {
	w := start(t, nil)
	for name, garbage := range map[string]string{
		"http":      "\x80GET / HTTP/1.1\r\n",
		"tls":       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
		"no cookie": "\x00\x01\x00\x00aaaaaaaaaaaaaaaa",
	} {
		c := dial(t, w, "tcp", "")
		want(t, "before", c.do(stun.MethodBinding), 0)
		c.write([]byte(garbage))
		if !c.closedWithin(patience) {
			t.Errorf("%s: the connection stays", name)
		}
	}
	// A length that wraps around in pion's own framing and makes it spin.
	c := dial(t, w, "tcp", "")
	c.write(append([]byte{0x40, 0, 0xff, 0xff}, make([]byte, 0x10000)...))
	c.write(append([]byte{0x40, 0, 0xff, 0xfc}, make([]byte, 0xfffc)...))
	want(t, "after", c.do(stun.MethodBinding), 0)
	if s := w.Stats(); s.Garbage != 3 || s.Oversized != 2 {
		t.Errorf("%+v", s)
	}
}

// stall makes an allocation over TCP whose client does not read, and sends it packets until some are dropped. That
// takes patience at most: the SFU never waits for it.
func stall(t *testing.T, w *world) (relayed netip.AddrPort) {
	t.Helper()
	c := dial(t, w, "tcp", w.user("anna", time.Hour))
	_ = c.conn.(*net.TCPConn).SetReadBuffer(4096)
	relayed = c.allocate()
	want(t, "channel", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 0)
	packet := strings.Repeat("x", 1200)
	for began := time.Now(); w.Stats().ToClients == 0; {
		if !w.media.send(relayed, packet) || time.Since(began) > patience {
			t.Fatalf("nothing is dropped: %+v", w.Stats())
		}
	}
	return relayed
}

// A TCP client that stops reading costs the SFU no time and its neighbours nothing.
func TestStalledClientStopsNobody(t *testing.T) {
	w := start(t, func(cfg *Config) { cfg.Limits.Write = 10 * patience })
	relayed := stall(t, w)
	for _, network := range []string{"tcp", "udp"} {
		neighbour := dial(t, w, network, w.user("bert", time.Hour))
		other := neighbour.allocate()
		want(t, "channel", neighbour.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 0)
		for range 100 {
			for range 100 {
				w.media.send(relayed, "and more of it")
			}
			w.media.send(other, "for the neighbour")
			if b, err := neighbour.read(patience); err != nil || string(b[4:21]) != "for the neighbour" {
				t.Fatalf("the neighbour got %q %v", b, err)
			}
		}
	}
	if s := w.Stats(); s.Stalled != 0 || s.Streams != 2 {
		t.Errorf("%+v", s)
	}
}

// In the end it is cut.
func TestStalledClientIsCut(t *testing.T) {
	w := start(t, func(cfg *Config) { cfg.Limits.Write = 500 * time.Millisecond })
	relayed := stall(t, w)
	eventually(t, "its allocation ends", func() bool {
		s := w.Stats()
		return !w.media.send(relayed, "x") && s.Streams == 0 && s.Allocations == 0
	})
	if s := w.Stats(); s.Stalled != 1 {
		t.Errorf("%+v", s)
	}
}

// A connection that ends takes its allocation along.
func TestStreamEndsAllocation(t *testing.T) {
	w := start(t, nil)
	c := dial(t, w, "tcp", w.user("anna", time.Hour))
	relayed := c.allocate()
	_ = c.conn.Close()
	eventually(t, "the allocation ends", func() bool { return w.Stats().Allocations == 0 && w.Stats().Streams == 0 })
	if w.media.send(relayed, "x") {
		t.Error("still attached")
	}
}

// lingering is a socket whose reader is slow to notice that it was closed.
type lingering struct {
	net.PacketConn
	noticed atomic.Bool
}

func (l *lingering) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := l.PacketConn.ReadFrom(b)
	if err != nil {
		time.Sleep(50 * time.Millisecond)
		l.noticed.Store(true)
	}
	return n, from, err
}

// lingeringMedia is slow to let a relay go.
type lingeringMedia struct {
	*fakeMedia
	detached atomic.Int32
}

func (l *lingeringMedia) Attach(relay netip.AddrPort, deliver func([]byte)) (func(), error) {
	detach, err := l.fakeMedia.Attach(relay, deliver)
	return func() {
		time.Sleep(50 * time.Millisecond)
		detach()
		l.detached.Add(1)
	}, err
}

// Close returns when nothing is left, however long that takes.
func TestCloseWaits(t *testing.T) {
	var conn *lingering
	slow := &lingeringMedia{fakeMedia: newFakeMedia()}
	w := start(t, func(cfg *Config) {
		conn = &lingering{PacketConn: cfg.PacketConns[0]}
		cfg.PacketConns[0] = conn
		cfg.Media = slow
	})
	unused := start(t, func(cfg *Config) {
		cfg.PacketConns[0] = &lingering{PacketConn: cfg.PacketConns[0]}
	})
	for _, network := range []string{"udp", "tcp"} {
		dial(t, w, network, w.user("anna", time.Hour)).allocate()
	}
	w.stop(t)
	if n := slow.detached.Load(); !conn.noticed.Load() || n != 2 {
		t.Errorf("closed while a socket was read and %d relays were attached", 2-n)
	}
	unused.stop(t)
	if !unused.cfg.PacketConns[0].(*lingering).noticed.Load() {
		t.Error("closed while a socket was read")
	}
}

// Closing ends everything at once, in whatever state it is.
func TestCloseWithTraffic(t *testing.T) {
	w := start(t, nil)
	var clients []*client
	for _, network := range []string{"udp", "tcp", "udp", "tcp"} {
		c := dial(t, w, network, w.user("anna", time.Hour))
		relayed := c.allocate()
		want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
		w.media.send(relayed, "on its way")
		clients = append(clients, c)
	}
	pending := dial(t, w, "tcp", "")
	want(t, "binding", pending.do(stun.MethodBinding), 0)
	w.stop(t)
	for _, c := range append(clients, pending) {
		if c.stream != nil && !c.closedWithin(patience) {
			t.Error("a connection stays open")
		}
	}
	if s := w.Stats(); s.Allocations != 0 || s.Streams != 0 {
		t.Errorf("%+v", s)
	}
	if err := w.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
}
