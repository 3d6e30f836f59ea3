package turn

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v4"
)

// clientOf is pion's own TURN client.
func clientOf(t *testing.T, w *world, network, username string) *pion.Client {
	t.Helper()
	var conn net.PacketConn
	if network == "udp" {
		var err error
		if conn, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	} else {
		tcp, err := net.Dial("tcp", w.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		conn = pion.NewSTUNConn(tcp)
	}
	c, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: w.addr.String(), TURNServerAddr: w.addr.String(), Conn: conn,
		Username: username, Password: passwordOf(username), Realm: realm,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		_ = conn.Close()
	})
	return c
}

func TestRelay(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := start(t, nil)
			c := clientOf(t, w, network, w.user("anna", time.Hour))
			if addr, err := c.SendBindingRequest(); err != nil || !strings.HasPrefix(addr.String(), "127.0.0.1:") {
				t.Fatal("binding:", addr, err)
			}
			conn, err := c.Allocate()
			if err != nil {
				t.Fatal(err)
			}
			relayed := addrPort(conn.LocalAddr())
			if relayed.Addr() != media.Addr() || relayed.Port() == media.Port() || relayed.Port() == w.addr.Port() {
				t.Fatalf("relayed address %v", relayed)
			}
			// The first goes in an indication, later ones over a channel once it is bound.
			b := make([]byte, 2000)
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			for i, data := range []string{"first", strings.Repeat("x", 1200), "", "third", "fourth"} {
				if _, err := conn.WriteTo([]byte(data), net.UDPAddrFromAddrPort(media)); err != nil {
					t.Fatal(i, err)
				}
				if got := w.media.next(t); got.relay != relayed || got.data != data {
					t.Fatalf("%d: %.20q from %v", i, got.data, got.relay)
				}
				if !w.media.send(relayed, "answer to "+data) {
					t.Fatal("not attached")
				}
				n, from, err := conn.ReadFrom(b)
				if err != nil || string(b[:n]) != "answer to "+data || addrPort(from) != media {
					t.Fatalf("%d: %.20q from %v, %v", i, b[:n], from, err)
				}
			}
			if s := w.Stats(); s.Allocations != 1 || s.Allocated != 1 || s.ToPeers+s.ToClients+s.Garbage != 0 {
				t.Errorf("%+v", s)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the allocation ends", func() bool { return w.Stats().Allocations == 0 })
			if w.media.send(relayed, "late") {
				t.Error("still attached")
			}
		})
	}
}

// What the SFU sends comes from the media address that the client last sent to.
func TestRelayManyMediaAddresses(t *testing.T) {
	second := netip.MustParseAddrPort("198.51.100.7:7000")
	w := start(t, func(cfg *Config) { cfg.Announced = []netip.AddrPort{media6, media, second} })
	c := dial(t, w, "udp", w.user("anna", time.Hour))
	relayed := c.allocate()
	if relayed.Addr() != media.Addr() {
		t.Fatal("relayed address", relayed)
	}
	want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media), peerAddr(second)), 0)
	want(t, "channel", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 0)
	want(t, "channel", c.do(stun.MethodChannelBind, channel(0x4001), peerAddr(second)), 0)
	w.media.send(relayed, "early")
	for i, number := range []uint16{0x4000, 0x4000, 0x4001, 0x4001, 0x4000} {
		b, err := c.read(patience)
		if want := channelData(number, "early"); err != nil || string(b) != string(want) {
			t.Fatalf("%d: %q %v, want %q", i, b, err, want)
		}
		next := []uint16{0x4000, 0x4001, 0x4001, 0x4000, 0x4000}[i]
		c.write(channelData(next, "up"))
		w.media.next(t)
		w.media.send(relayed, "early")
	}
}

func TestFamilies(t *testing.T) {
	ask := func(family byte) stun.Setter {
		return stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{family, 0, 0, 0}}
	}
	for _, test := range []struct {
		name      string
		announced []netip.AddrPort
		ask       []stun.Setter
		want      netip.Addr // of the relay
		code      stun.ErrorCode
	}{
		{"nothing asked", []netip.AddrPort{media6, media}, nil, media.Addr(), 0},
		{"nothing asked, no ipv4", []netip.AddrPort{media6}, nil, media6.Addr(), 0},
		{"ipv4", []netip.AddrPort{media6, media}, []stun.Setter{ask(1)}, media.Addr(), 0},
		{"ipv6", []netip.AddrPort{media, media6}, []stun.Setter{ask(2)}, media6.Addr(), 0},
		{"no ipv6", []netip.AddrPort{media}, []stun.Setter{ask(2)}, netip.Addr{}, 440},
		{"no ipv4", []netip.AddrPort{media6}, []stun.Setter{ask(1)}, netip.Addr{}, 440},
		{"no family", []netip.AddrPort{media, media6}, []stun.Setter{ask(3)}, netip.Addr{}, 440},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := start(t, func(cfg *Config) { cfg.Announced = test.announced })
			c := dial(t, w, "udp", w.user("anna", time.Hour))
			answer := c.do(stun.MethodAllocate, append(test.ask, udpRelay)...)
			want(t, "allocate", answer, test.code)
			if test.code != 0 {
				return
			}
			var relayed stun.XORMappedAddress
			if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil {
				t.Fatal(err)
			}
			if got, _ := netip.AddrFromSlice(relayed.IP); got != test.want {
				t.Fatalf("relayed address %v, want %v", got, test.want)
			}
			for _, a := range test.announced {
				answer := c.do(stun.MethodCreatePermission, peerAddr(a))
				if sameFamily(a, netip.AddrPortFrom(test.want, 1)) {
					want(t, "permission", answer, 0)
					c.write(sendTo(peerAddr(a), "data"))
					if got := w.media.next(t); got.data != "data" {
						t.Fatal(got)
					}
				} else {
					want(t, "permission", answer, 443)
				}
			}
		})
	}
}

// Ports are not used again before all others were.
func TestTablePorts(t *testing.T) {
	table := newTable(Limits{PerUser: 1 << 20, Allocations: 1 << 20})
	table.reserve(map[uint16]bool{7000: true, 3478: true})
	seen := make(map[netip.AddrPort]bool)
	for {
		addr, _, why := table.take("anna", media.Addr())
		if why == capacity {
			break
		}
		if why != none || seen[addr] || addr.Port() == 7000 || addr.Port() == 3478 ||
			addr.Port() < firstPort || addr.Port() > lastPort {
			t.Fatal(addr, why)
		}
		seen[addr] = true
	}
	if len(seen) != lastPort-firstPort+1-2 {
		t.Fatal(len(seen), "ports")
	}
	if _, _, why := table.take("anna", media6.Addr()); why != none {
		t.Fatal("another address has ports of its own:", why)
	}
	free := netip.AddrPortFrom(media.Addr(), 5000)
	table.release(&relay{addr: free, account: table.users["anna"]})
	if addr, _, why := table.take("bert", media.Addr()); addr != free || why != none {
		t.Fatal(addr, why)
	}
}

// A port that the media socket has no room for is no loss for the next.
func TestAttachFails(t *testing.T) {
	w := start(t, nil)
	if _, err := w.media.Attach(netip.AddrPortFrom(media.Addr(), firstPort), func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	c := dial(t, w, "udp", w.user("anna", time.Hour))
	want(t, "allocate", c.do(stun.MethodAllocate, udpRelay), 508)
	if got := c.allocate(); got.Port() != firstPort+1 {
		t.Fatal(got)
	}
	w.media.mu.Lock()
	delete(w.media.relays, netip.AddrPortFrom(media.Addr(), firstPort))
	w.media.mu.Unlock()
}

func TestConfig(t *testing.T) {
	good := func() Config {
		conn, listener, err := Listen(t.Context(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return Config{
			PacketConns: conn, Listeners: []net.Listener{listener},
			Realm: realm, Announced: []netip.AddrPort{media}, Media: newFakeMedia(), Verify: verify,
		}
	}
	for name, spoil := range map[string]func(*Config){
		"sockets": func(c *Config) {
			_, _ = closeAll(c.PacketConns), closeAll(c.Listeners)
			c.PacketConns, c.Listeners = nil, nil
		},
		"realm":     func(c *Config) { c.Realm = "" },
		"announced": func(c *Config) { c.Announced = nil },
		"any":       func(c *Config) { c.Announced = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:7000")} },
		"no port":   func(c *Config) { c.Announced = []netip.AddrPort{netip.MustParseAddrPort("1.2.3.4:0")} },
		"media":     func(c *Config) { c.Media = nil },
		"verify":    func(c *Config) { c.Verify = nil },
		"limit":     func(c *Config) { c.Limits.Queue = -1 },
	} {
		cfg := good()
		spoil(&cfg)
		if s, err := New(cfg, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: accepted", name)
			_ = s.Close()
		}
		for _, conn := range cfg.PacketConns {
			if err := conn.Close(); err == nil {
				t.Errorf("%s: the socket was left open", name)
			}
		}
	}
	s, err := New(good(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
