package egress

import (
	"net/netip"
	"testing"
	"time"
)

// What happens to every packet of a call allocates nothing.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	for _, listen := range []string{"127.0.0.1:0", "[::]:0"} {
		t.Run(listen, func(t *testing.T) {
			c := open(t, listen)
			self := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), localAddr(c).Port())
			packet, b := make([]byte, 1200), make([]byte, 2048)
			relayed := 0
			if _, err := c.Attach(relayAddr, func([]byte) { relayed++ }); err != nil {
				t.Fatal(err)
			}
			check := func(name string, f func() error) {
				if err := f(); err != nil { // and warms the pools
					t.Fatal(name, err)
				}
				if n := testing.AllocsPerRun(1000, func() { _ = f() }); n != 0 {
					t.Errorf("%s: %v allocations", name, n)
				}
			}
			check("socket", func() error {
				if _, err := c.WriteToAddrPort(packet, self); err != nil {
					return err
				}
				_, _, err := c.ReadFromAddrPort(b)
				return err
			})
			check("relay", func() error {
				c.Inject(relayAddr, packet)
				if _, _, err := c.ReadFromAddrPort(b); err != nil {
					return err
				}
				_, err := c.WriteToAddrPort(packet, relayAddr)
				return err
			})
		})
	}
}

// Media allocates nothing either, in whatever way it is sent: not when it comes in, nor when it leaves.
func TestNoAllocationOfMedia(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	for _, way := range []Batching{GSO, Messages, Single} {
		t.Run(way.String(), func(t *testing.T) {
			c, err := Listen(t.Context(), "[::]:0", Options{Batching: way, Shards: 1}, discard)
			if err != nil {
				t.Skip("no IPv6 here: ", err)
			}
			defer func() { _ = c.Close() }()
			self := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), localAddr(c).Port())
			const packets = 20
			relayed, left, done := 0, packets, make(chan struct{}, 1)
			if _, err := c.Attach(relayAddr, func([]byte) { relayed++ }); err != nil {
				t.Fatal(err)
			}
			to, relay := NewDestination(self), NewDestination(relayAddr)
			ender := new(enderFunc)
			*ender = func(b *Batch) { b.Send(relay, len(b.Room(100))) }
			r := receiverFunc(func(_ []byte, _ time.Time, b *Batch) {
				b.AtEnd(ender)
				if left--; left == 0 {
					left = packets
					done <- struct{}{}
				}
			})
			defer c.Route(self, r)()
			packet := append([]byte{128}, make([]byte, 1199)...)
			round := func() {
				b := c.Batch()
				for i := range packets {
					n := 1200 - i%7
					copy(b.Room(n), packet)
					b.Send(to, n)
				}
				b.Done()
				<-done
			}
			round()
			if n := testing.AllocsPerRun(500, round); n != 0 {
				t.Errorf("%v allocations for %d packets", n, packets)
			}
			_ = c.Close()
			if s := c.Stats(); relayed == 0 || s.PacketsOut != s.PacketsIn || s.Method != way.String() {
				t.Errorf("%+v, %d to the relay", s, relayed)
			}
		})
	}
}

// A relay's media.
func TestNoAllocationOfRelayMedia(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	c := open(t, "127.0.0.1:0")
	relayed := 0
	if _, err := c.Attach(relayAddr, func([]byte) { relayed++ }); err != nil {
		t.Fatal(err)
	}
	to := NewDestination(relayAddr)
	defer c.Route(relayAddr, receiverFunc(func(packet []byte, _ time.Time, b *Batch) { send(b, to, packet) }))()
	packet := append([]byte{128}, make([]byte, 1199)...)
	round := func() { c.Inject(relayAddr, packet) }
	round()
	if n := testing.AllocsPerRun(1000, round); n != 0 || relayed != 1002 {
		t.Errorf("%v allocations, %d relayed", n, relayed)
	}
}

// The same round trip over loopback through Conn and through Go's own socket.
func BenchmarkRoundTrip(b *testing.B) {
	packet, buf := make([]byte, 1200), make([]byte, 2048)
	b.Run("conn", func(b *testing.B) {
		c := open(b, "127.0.0.1:0")
		self := localAddr(c)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.WriteToAddrPort(packet, self)
			_, _, _ = c.ReadFromAddrPort(buf)
		}
	})
	b.Run("conn, 1000 relays attached", func(b *testing.B) {
		c := open(b, "127.0.0.1:0")
		self := localAddr(c)
		for port := range uint16(1000) {
			if _, err := c.Attach(netip.AddrPortFrom(relayAddr.Addr(), 1024+port), func([]byte) {}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.WriteToAddrPort(packet, self)
			_, _, _ = c.ReadFromAddrPort(buf)
		}
	})
	b.Run("net.UDPConn", func(b *testing.B) {
		c := client(b, "udp4", "127.0.0.1:0")
		self := localAddr(c)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.WriteToUDPAddrPort(packet, self)
			_, _, _ = c.ReadFromUDPAddrPort(buf)
		}
	})
	b.Run("relay", func(b *testing.B) {
		c := open(b, "127.0.0.1:0")
		_, _ = c.Attach(relayAddr, func([]byte) {})
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.WriteToAddrPort(packet, relayAddr)
			c.Inject(relayAddr, packet)
			_, _, _ = c.ReadFromAddrPort(buf)
		}
	})
}
