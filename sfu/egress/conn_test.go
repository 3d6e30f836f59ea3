package egress

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

func TestSocketBothWays(t *testing.T) {
	for _, test := range []struct{ name, network, listen, host string }{
		{"ipv4", "udp4", "127.0.0.1:0", "127.0.0.1"},
		{"ipv6", "udp6", "[::1]:0", "::1"},
		{"ipv4 on dual stack", "udp4", "[::]:0", "127.0.0.1"},
		{"ipv6 on dual stack", "udp6", "[::]:0", "::1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			needIPv6(t, test.host)
			c := open(t, test.listen)
			peer := client(t, test.network, net.JoinHostPort(test.host, "0"))
			at := netip.AddrPortFrom(netip.MustParseAddr(test.host), localAddr(c).Port())
			if _, err := peer.WriteToUDPAddrPort([]byte("up"), at); err != nil {
				t.Fatal(err)
			}
			got := read(t, c)
			if got.data != "up" || got.from != localAddr(peer) {
				t.Fatalf("read %q from %v, want from %v", got.data, got.from, localAddr(peer))
			}
			if n, err := c.WriteToAddrPort([]byte("down"), got.from); n != 4 || err != nil {
				t.Fatal(n, err)
			}
			if n, err := c.WriteTo([]byte("too"), peer.LocalAddr()); n != 3 || err != nil {
				t.Fatal(n, err)
			}
			b := make([]byte, 10)
			for _, want := range []string{"down", "too"} {
				_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
				n, err := peer.Read(b)
				if err != nil || string(b[:n]) != want {
					t.Fatalf("%q %v, want %q", b[:n], err, want)
				}
			}
		})
	}
}

func TestWriteErrors(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	if _, err := c.WriteToAddrPort([]byte("x"), netip.MustParseAddrPort("[::1]:9")); err == nil {
		t.Error("IPv6 on an IPv4 socket was sent")
	}
	if _, err := c.WriteToAddrPort([]byte("x"), netip.AddrPort{}); err == nil {
		t.Error("no destination was accepted")
	}
	if _, err := c.WriteToAddrPort(make([]byte, 70000), localAddr(c)); err == nil {
		t.Error("more than a UDP packet holds was sent")
	}
	if _, err := c.WriteTo([]byte("x"), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}); err == nil {
		t.Error("a TCP address was accepted")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteToAddrPort([]byte("x"), netip.MustParseAddrPort("127.0.0.1:9")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
}

func TestRelayBothWays(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	var got []string
	detach, err := c.Attach(relayAddr, func(p []byte) { got = append(got, string(p)) })
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []netip.AddrPort{relayAddr, netip.AddrPortFrom(netip.AddrFrom16(relayAddr.Addr().As16()), 1024)} {
		if n, err := c.WriteToAddrPort([]byte("down"), to); n != 4 || err != nil {
			t.Fatal(n, err)
		}
	}
	if len(got) != 2 || got[0] != "down" || got[1] != "down" {
		t.Fatalf("relay got %q", got)
	}

	data := []byte("up")
	c.Inject(relayAddr, data)
	copy(data, "xx") // the caller may reuse its buffer
	if r := read(t, c); r.data != "up" || r.from != relayAddr {
		t.Fatalf("read %q from %v", r.data, r.from)
	}

	if _, err := c.Attach(relayAddr, func([]byte) {}); !errors.Is(err, ErrRelay) {
		t.Errorf("attached twice: %v", err)
	}
	detach()
	detach()
	if c.relays.current.Load() != nil {
		t.Error("an empty map is looked up for each packet")
	}
	if _, err := c.Attach(relayAddr, func([]byte) {}); err != nil {
		t.Errorf("attach again: %v", err)
	}
	for _, bad := range []string{"0.0.0.0:5", "[::]:5", "203.0.113.7:0"} {
		if _, err := c.Attach(netip.MustParseAddrPort(bad), func([]byte) {}); !errors.Is(err, ErrRelay) {
			t.Errorf("attached at %s: %v", bad, err)
		}
	}
	_ = c.Close()
	if _, err := c.Attach(netip.MustParseAddrPort("203.0.113.7:1"), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("attached to a closed socket: %v", err)
	}
}

// A stranger who takes the relay's address as its own (possible on loopback, or by forging) is not heard.
func TestRelayAddressFromOutside(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	stranger, friend := client(t, "udp4", "127.0.0.1:0"), client(t, "udp4", "127.0.0.1:0")
	if _, err := c.Attach(localAddr(stranger), func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	for _, from := range []*net.UDPConn{stranger, friend} {
		if _, err := from.WriteToUDPAddrPort([]byte("x"), localAddr(c)); err != nil {
			t.Fatal(err)
		}
	}
	if r := read(t, c); r.from != localAddr(friend) {
		t.Fatalf("heard %v", r.from)
	}
	if s := c.Stats(); s.Spoofed != 1 {
		t.Fatalf("%+v", s)
	}
}

// The socket is still read after an injected packet ended a read from it.
func TestSocketAfterInject(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	peer := client(t, "udp4", "127.0.0.1:0")
	last, n := count(t, c)
	for i := range int64(200) {
		from := relayAddr
		if i%3 == 2 {
			from = localAddr(peer)
			if _, err := peer.WriteToUDPAddrPort([]byte("socket"), localAddr(c)); err != nil {
				t.Fatal(err)
			}
		} else {
			c.Inject(relayAddr, []byte("relay"))
		}
		await(t, n, i+1)
		if r := last.Load(); r.from != from {
			t.Fatalf("packet %d: %+v", i, r)
		}
	}
}

func TestInjectQueueIsBounded(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	for range waiting + 10 {
		c.Inject(relayAddr, []byte("x"))
	}
	if s := c.Stats(); s.InjectDrops != 10 {
		t.Fatalf("%+v", s)
	}
	for range waiting {
		read(t, c)
	}
	c.Inject(relayAddr, []byte("after"))
	if r := read(t, c); r.data != "after" {
		t.Fatal(r)
	}
}

func TestDeadlines(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	b := make([]byte, 10)
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, _, err := c.ReadFromAddrPort(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	// One that passes while an injected packet has the socket's deadline.
	_ = c.SetReadDeadline(time.Time{})
	c.Inject(relayAddr, []byte("x"))
	if r := read(t, c); r.data != "x" {
		t.Fatal(r)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, _, err := c.ReadFromAddrPort(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	// Pion's mux aborts writes that it thinks stuck, and clears the deadline again.
	to := localAddr(c)
	_ = c.SetDeadline(time.Now())
	if _, err := c.WriteToAddrPort([]byte("x"), to); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Time{})
	if _, err := c.WriteToAddrPort([]byte("y"), to); err != nil {
		t.Fatal(err)
	}
	if r := read(t, c); r.data != "y" {
		t.Fatal(r)
	}
}

func TestCloseEndsRead(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	done := make(chan error)
	go func() {
		_, _, err := c.ReadFromAddrPort(make([]byte, 10))
		done <- err
	}()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}

// faulty fails its first reads as a UDP socket does when the kernel reports something about an earlier packet.
type faulty struct {
	net.PacketConn
	left int
}

func (f *faulty) ReadFrom(b []byte) (int, net.Addr, error) {
	if f.left--; f.left >= 0 {
		return 0, nil, errors.New("connection refused")
	}
	return f.PacketConn.ReadFrom(b)
}

func TestReadFaultsPass(t *testing.T) {
	inner := client(t, "udp4", "127.0.0.1:0")
	c := NewConn(&faulty{PacketConn: inner, left: 5})
	c.Inject(relayAddr, []byte("x"))
	if r := read(t, c); r.data != "x" {
		t.Fatal(r)
	}
	if _, err := c.WriteToAddrPort([]byte("y"), localAddr(inner)); err != nil {
		t.Fatal(err)
	}
	if r := read(t, c); r.data != "y" {
		t.Fatal(r)
	}
	if s := c.Stats(); s.ReadFaults != 5 {
		t.Fatalf("%+v", s)
	}
}
