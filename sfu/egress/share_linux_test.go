package egress

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Many clients are divided among several sockets; all are served, in order, and all answers come from the one port.
func TestShards(t *testing.T) {
	for _, test := range []struct{ listen, network, host string }{
		{"127.0.0.1:0", "udp4", "127.0.0.1"}, {":0", "udp4", "127.0.0.1"}, {":0", "udp6", "::1"},
	} {
		t.Run(test.listen+" "+test.network, func(t *testing.T) {
			needIPv6(t, test.host)
			const clients, rounds = 64, 20
			c, err := Listen(t.Context(), test.listen, Options{Shards: 4}, discard)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if len(c.sockets) != 4 {
				t.Fatalf("%d sockets", len(c.sockets))
			}
			server := netip.AddrPortFrom(netip.MustParseAddr(test.host), localAddr(c).Port())
			var mu sync.Mutex
			batches := make(map[*Batch]int) // how many packets each reader received
			var peers []*net.UDPConn
			for range clients {
				peer := client(t, test.network, net.JoinHostPort(test.host, "0"))
				to := NewDestination(localAddr(peer))
				defer c.Route(localAddr(peer), receiverFunc(func(packet []byte, _ time.Time, b *Batch) {
					mu.Lock()
					batches[b]++
					mu.Unlock()
					send(b, to, packet)
				}))()
				peers = append(peers, peer)
			}
			for _, peer := range peers {
				for i := range byte(rounds) {
					if _, err := peer.WriteToUDPAddrPort([]byte{128, i}, server); err != nil {
						t.Fatal(err)
					}
				}
			}
			b := make([]byte, 10)
			for _, peer := range peers {
				for i := range byte(rounds) {
					_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
					n, from, err := peer.ReadFromUDPAddrPort(b)
					if err != nil || n != 2 || b[1] != i || plain(from) != server {
						t.Fatalf("answer %d: %v from %v, want it from %v: %v", i, b[:n], from, server, err)
					}
				}
			}
			mu.Lock()
			if len(batches) != 4 {
				t.Errorf("%d of 4 sockets were used: %v", len(batches), batches)
			}
			mu.Unlock()
			// What is no media goes into one queue.
			for _, peer := range peers {
				if _, err := peer.WriteToUDPAddrPort([]byte("stun"), server); err != nil {
					t.Fatal(err)
				}
			}
			for range peers {
				if r := read(t, c); r.data != "stun" {
					t.Fatal(r)
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Sharing a port among ourselves does not let others in.
func TestSharedPortIsTaken(t *testing.T) {
	first, err := Listen(t.Context(), "127.0.0.1:0", Options{Shards: 3}, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	if second, err := Listen(t.Context(), localAddr(first).String(), Options{Shards: 3}, discard); err == nil {
		_ = second.Close()
		t.Error("two servers share a port")
	}
}
