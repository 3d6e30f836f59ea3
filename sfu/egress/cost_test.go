package egress

import (
	"net"
	"net/netip"
	"runtime"
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

// A destination on our own network whose link address nobody tells fills the send buffer until the kernel gives up on
// it, seconds later. All others share that buffer.
func TestDeadNeighboursDoNotStopOthers(t *testing.T) {
	dead := deadNeighbours(t)
	conn, err := Listen(t.Context(), "0.0.0.0:0", discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	peer := client(t, "udp4", "127.0.0.1:0")
	packet := make([]byte, 1200)
	start := time.Now()
	for range 500 {
		for _, to := range dead {
			if _, err := conn.WriteToAddrPort(packet, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := conn.WriteToAddrPort([]byte("alive"), localAddr(peer)); err != nil {
		t.Fatal(err)
	}
	_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 10)
	n, err := peer.Read(b)
	took := time.Since(start)
	if err != nil || string(b[:n]) != "alive" {
		t.Fatalf("%q %v", b[:n], err)
	}
	t.Logf("%d packets to dead neighbours and one to a live peer: %v, %+v", 500*len(dead), took, conn.Stats())
	if took > time.Second {
		t.Errorf("writing took %v: it waited for a neighbour", took)
	}

	// Without the big buffer packets are dropped, those to the living too, but still nobody waits.
	small := open(t, "0.0.0.0:0")
	_ = small.socket.(*udpSocket).SetWriteBuffer(4096)
	start = time.Now()
	for range 500 {
		if _, err := small.WriteToAddrPort(packet, dead[0]); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("writing with a full buffer took %v", took)
	}
	if small.Stats().WriteDrops == 0 {
		t.Error("the buffer was never full")
	}
}

// deadNeighbours finds addresses on a network of ours that nobody answers for.
func deadNeighbours(t *testing.T) []netip.AddrPort {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the neighbour queue is Linux's")
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagBroadcast == 0 {
			continue
		}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil || !prefix.Addr().Is4() || prefix.Bits() > 24 {
				continue
			}
			var dead []netip.AddrPort
			last := prefix.Addr().As4()
			for _, host := range []byte{211, 213, 214, 219} {
				if host != last[3] {
					dead = append(dead, netip.AddrPortFrom(netip.AddrFrom4([4]byte{last[0], last[1], last[2], host}), 9))
				}
			}
			return dead
		}
	}
	t.Skip("needs an Ethernet interface with an IPv4 network")
	return nil
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
