package turn

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// forbidden is everything that a relay must not reach.
func forbidden(w *world, relayed netip.AddrPort) map[string]netip.AddrPort {
	addrs := map[string]netip.AddrPort{
		"the server itself":     w.addr,
		"media in mapped":       netip.AddrPortFrom(netip.AddrFrom16(media.Addr().As16()), media.Port()),
		"this machine's ssh":    netip.AddrPortFrom(w.addr.Addr(), 22),
		"this machine's others": netip.AddrPortFrom(w.addr.Addr(), media.Port()),
	}
	for name, addr := range map[string]string{
		"loopback":         "127.0.0.1:22",
		"loopback, else":   "127.8.8.8:7000",
		"private":          "10.0.0.1:80",
		"private, last":    "10.255.255.255:7000",
		"private 172":      "172.16.0.1:80",
		"private 172 last": "172.31.255.255:7000",
		"private 192":      "192.168.1.1:80",
		"link-local":       "169.254.169.254:80",
		"link-local first": "169.254.0.1:7000",
		"shared":           "100.64.0.1:80",
		"shared, last":     "100.127.255.255:7000",
		"unspecified":      "0.0.0.0:7000",
		"this network":     "0.1.2.3:7000",
		"broadcast":        "255.255.255.255:7000",
		"multicast":        "224.0.0.251:5353",
		"anybody":          "198.51.100.1:443",
		"next to us":       "203.0.113.8:7000",
		"loopback 6":       "[::1]:22",
		"unspecified 6":    "[::]:7000",
		"link-local 6":     "[fe80::1]:80",
		"site-local 6":     "[fec0::1]:80",
		"unique local 6":   "[fd00::1]:80",
		"multicast 6":      "[ff02::1]:7000",
		"anybody 6":        "[2001:db8::8]:7001",
		"mapped loopback":  "[::ffff:127.0.0.1]:22",
		"mapped private":   "[::ffff:10.0.0.1]:80",
		"mapped 172":       "[::ffff:172.16.0.1]:80",
		"mapped 192":       "[::ffff:192.168.1.1]:80",
		"mapped shared":    "[::ffff:100.64.0.1]:80",
		"translated":       "[64:ff9b::7f00:1]:22",
		"6to4":             "[2002:7f00:1::1]:22",
		"compatible":       "[::127.0.0.1]:22",
		"mapped link-lcl":  "[::ffff:169.254.169.254]:80",
		"mapped, not even": "[::ffff:0.0.0.0]:80",
	} {
		addrs[name] = netip.MustParseAddrPort(addr)
	}
	// A permission knows no ports, so these get one, and nothing else.
	for name, port := range map[string]uint16{
		"media's ssh": 22, "media's turn": w.addr.Port(), "the other media's": media6.Port(), "port 0": 0,
		"the relay itself": relayed.Port(),
	} {
		addrs[name] = netip.AddrPortFrom(media.Addr(), port)
	}
	return addrs
}

// Everything that a relay must not reach, in every way there, is refused and counted.
func TestPeersRefused(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := start(t, nil)
			c := dial(t, w, network, w.user("anna", time.Hour))
			relayed := c.allocate()
			want(t, "the media", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
			number := uint16(0x4000)
			for name, addr := range forbidden(w, relayed) {
				number++
				before, refused := w.Stats(), uint64(3)
				if addr.Addr() == media.Addr() { // no more than what the media has anyway
					refused = 1
					want(t, name+": permission", c.do(stun.MethodCreatePermission, peerAddr(addr)), 0)
				} else {
					want(t, name+": permission", c.do(stun.MethodCreatePermission, peerAddr(addr)), 403)
					want(t, name+": permission, the media too",
						c.do(stun.MethodCreatePermission, peerAddr(media), peerAddr(addr)), 403)
				}
				want(t, name+": channel", c.do(stun.MethodChannelBind, channel(number), peerAddr(addr)), 403)
				c.write(channelData(number, "nobody gets this"))
				c.write(sendTo(peerAddr(addr), "nobody gets this"))
				want(t, "binding", c.do(stun.MethodBinding), 0) // by then they have been judged
				after := w.Stats()
				if n := after.Refused["peer"] - before.Refused["peer"]; n != refused {
					t.Errorf("%s: %d refusals counted, want %d", name, n, refused)
				}
				if n := after.ToPeers - before.ToPeers; n != 2 {
					t.Errorf("%s: %d packets to peers counted, want 2", name, n)
				}
			}
			c.write(sendTo(peerAddr(media), "the media does"))
			if got := w.media.next(t); got.data != "the media does" {
				t.Fatalf("%q reached the media socket", got.data)
			}
		})
	}
}

// Without an allocation, and without a permission, nothing goes anywhere, not to the media either.
func TestDataRefused(t *testing.T) {
	w := start(t, nil)
	c := dial(t, w, "udp", w.user("anna", time.Hour))
	send := func() {
		c.write(sendTo(peerAddr(media), "nobody gets this"))
		c.write(channelData(0x4000, "nobody gets this"))
		want(t, "binding", c.do(stun.MethodBinding), 0)
	}
	send()
	c.allocate()
	send()
	want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
	want(t, "channel", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 0)
	if n := w.Stats().ToPeers; n != 4 || len(w.media.injected) != 0 {
		t.Errorf("%d counted, %d reached the media socket", n, len(w.media.injected))
	}
	send()
	for range 2 {
		w.media.next(t)
	}
}

func TestCredentialsRefused(t *testing.T) {
	w := start(t, nil)
	valid := w.user("anna", time.Hour)
	for _, test := range []struct {
		name   string
		change func(c *client)
		code   stun.ErrorCode
		why    string
	}{
		{"expired", func(c *client) { *c = *c.as(w.user("anna", -time.Second)) }, 401, "expired"},
		{"wrong password", func(c *client) { c.password = "guessed" }, 401, "forged"},
		{"life made longer", func(c *client) { c.username = w.user("anna", 24*time.Hour) }, 401, "forged"},
		{"no username", func(c *client) { c.username = "" }, 401, "forged"},
		{"no such username", func(c *client) { *c = *c.as("anna") }, 401, "forged"},
		{"another realm", func(c *client) { c.realm = "elsewhere" }, 401, "forged"},
		{"long username", func(c *client) { *c = *c.as(valid + strings.Repeat("x", 510-len(valid))) }, 400, "malformed"},
		{"long nonce", func(c *client) { c.nonce = string(make([]byte, 200)) }, 400, "malformed"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(test.name+" over "+network, func(t *testing.T) {
				before := w.Stats()
				c := dial(t, w, network, valid)
				c.do(stun.MethodBinding)
				want(t, "not asked yet", c.once(stun.MethodAllocate, udpRelay), 401)
				test.change(c)
				answer := c.once(stun.MethodAllocate, udpRelay)
				want(t, "allocate", answer, test.code)
				var nonce stun.Nonce
				var realmAttr stun.Realm
				err := errors.Join(nonce.GetFrom(answer), realmAttr.GetFrom(answer))
				if test.code == 401 && (err != nil || realmAttr.String() != realm) {
					t.Errorf("%v has no realm and nonce", answer)
				}
				after := w.Stats()
				if after.Refused[test.why] != before.Refused[test.why]+1 || after.Allocations != 0 {
					t.Errorf("%+v", after)
				}
			})
		}
	}
}

// A client's address belongs to the user of its allocation.
func TestOtherUsersAllocation(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := start(t, nil)
			w.call("anna", true)
			w.call("bert", true)
			anna := dial(t, w, network, w.user("anna", time.Hour))
			relayed := anna.allocate()
			want(t, "permission", anna.do(stun.MethodCreatePermission, peerAddr(media)), 0)
			for _, name := range []string{
				w.user("bert", time.Hour), w.user("bert", -time.Hour),
				w.user("anna", 2*time.Hour), // RFC 8656, section 5: the same credentials as when allocating
			} {
				bert := anna.as(name)
				want(t, "refresh", bert.do(stun.MethodRefresh, lifetime(600)), 441)
				want(t, "delete", bert.do(stun.MethodRefresh, lifetime(0)), 441)
				want(t, "permission", bert.do(stun.MethodCreatePermission, peerAddr(media)), 441)
				want(t, "channel", bert.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 441)
				want(t, "allocate", bert.do(stun.MethodAllocate, udpRelay), 437)
			}
			// From another address nobody has anything.
			other := dial(t, w, network, w.user("anna", time.Hour))
			want(t, "refresh", other.do(stun.MethodRefresh, lifetime(600)), 437)
			want(t, "delete", other.do(stun.MethodRefresh, lifetime(0)), 437)
			want(t, "permission", other.do(stun.MethodCreatePermission, peerAddr(media)), 437)
			want(t, "channel", other.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 437)
			other.write(sendTo(peerAddr(media), "not through me"))

			anna.write(sendTo(peerAddr(media), "still here"))
			if got := w.media.next(t); got.relay != relayed || got.data != "still here" {
				t.Fatal(got)
			}
			if s := w.Stats(); s.Refused["other_user"] != 12 || s.Refused["taken"] != 3 || s.Refused["no_allocation"] != 4 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestQuota(t *testing.T) {
	w := start(t, func(cfg *Config) { cfg.Limits.PerUser, cfg.Limits.Allocations = 3, 5 })
	var annas []*client
	for i := range 4 {
		// The same person under names of different lives, over both transports.
		c := dial(t, w, []string{"udp", "tcp"}[i%2], w.user("anna", time.Duration(i+1)*time.Hour))
		annas = append(annas, c)
		want(t, "allocate", c.do(stun.MethodAllocate, udpRelay), []stun.ErrorCode{0, 0, 0, 486}[i])
	}
	for i := range 3 {
		c := dial(t, w, "udp", w.user("bert", time.Hour))
		want(t, "allocate", c.do(stun.MethodAllocate, udpRelay), []stun.ErrorCode{0, 0, 508}[i])
	}
	want(t, "delete", annas[0].do(stun.MethodRefresh, lifetime(0)), 0)
	eventually(t, "the allocation ends", func() bool { return w.Stats().Allocations == 4 })
	annas[3].allocate()
	if s := w.Stats(); s.Refused["quota"] != 1 || s.Refused["capacity"] != 1 || s.Allocated != 6 {
		t.Errorf("%+v", s)
	}
}

// What this server does not do is refused with the code that says so, and signed.
func TestAllocateRefused(t *testing.T) {
	w := start(t, nil)
	evenPort, reservation := raw(stun.AttrEvenPort, 0), raw(stun.AttrReservationToken, 1, 2, 3, 4, 5, 6, 7, 8)
	for name, test := range map[string]struct {
		setters []stun.Setter
		code    stun.ErrorCode
	}{
		"tcp relay (RFC 6062)": {[]stun.Setter{tcpRelay}, 442},
		"sctp relay":           {[]stun.Setter{raw(stun.AttrRequestedTransport, 132, 0, 0, 0)}, 442},
		"no transport":         {nil, 400},
		"even port":            {[]stun.Setter{udpRelay, evenPort}, 508},
		"even port, reserve":   {[]stun.Setter{udpRelay, raw(stun.AttrEvenPort, 128)}, 508},
		"reservation":          {[]stun.Setter{udpRelay, reservation}, 508},
		"both":                 {[]stun.Setter{udpRelay, evenPort, reservation}, 400},
		"do not fragment":      {[]stun.Setter{udpRelay, raw(stun.AttrDontFragment)}, 420},
		"no life":              {[]stun.Setter{udpRelay, lifetime(0)}, 508},
	} {
		c := dial(t, w, "udp", w.user("anna", time.Hour))
		answer := c.do(stun.MethodAllocate, test.setters...)
		want(t, name, answer, test.code)
		if err := c.key().Check(answer); err != nil {
			t.Errorf("%s: the answer is not signed: %v", name, err)
		}
		var unknown stun.UnknownAttributes
		if test.code == 420 && (unknown.GetFrom(answer) != nil || len(unknown) != 1 || unknown[0] != stun.AttrDontFragment) {
			t.Errorf("%s: %v unknown", name, unknown)
		}
	}
	if s := w.Stats(); s.Allocations != 0 || s.Allocated != 0 {
		t.Errorf("%+v", s)
	}
}

func TestUnknownAttributes(t *testing.T) {
	w := start(t, nil)
	c := dial(t, w, "udp", w.user("anna", time.Hour))
	for _, method := range []stun.Method{stun.MethodBinding, stun.MethodAllocate, stun.MethodRefresh} {
		answer := c.once(method, raw(0x7001, 1, 2, 3), raw(0x8001, 1), raw(0x0002))
		want(t, method.String(), answer, 420)
		var unknown stun.UnknownAttributes
		if err := unknown.GetFrom(answer); err != nil || len(unknown) != 2 || unknown[0] != 0x7001 || unknown[1] != 0x0002 {
			t.Errorf("%v: %v %v", method, unknown, err)
		}
	}
	want(t, "optional ones", c.do(stun.MethodBinding, raw(0xC001, 1, 2)), 0)
}

// Messages that take pion's parser apart: with an XOR-PEER-ADDRESS of no length at the end, or after the signature.
func TestHostileAttributes(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := start(t, nil)
			c := dial(t, w, network, w.user("anna", time.Hour))
			relayed := c.allocate()
			want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
			for size := range 12 {
				if size == 8 {
					continue
				}
				value := make([]byte, size)
				want(t, "permission", c.once(stun.MethodCreatePermission, raw(stun.AttrXORPeerAddress, value...)), 400)
				want(t, "channel", c.once(stun.MethodChannelBind, channel(0x4000), raw(stun.AttrXORPeerAddress, value...)), 400)
				for data := range 40 {
					m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication),
						raw(stun.AttrData, make([]byte, data)...), raw(stun.AttrXORPeerAddress, value...))
					c.write(m.Raw)
				}
			}
			// A peer that is not covered by the signature.
			m := stun.MustBuild(c.request(stun.MethodCreatePermission)...)
			m.Add(stun.AttrXORPeerAddress, nil)
			c.write(m.Raw)
			answer, err := c.response(m.TransactionID)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "unsigned peer", answer, 400)
			c.write(sendTo(peerAddr(media), "alive"))
			if got := w.media.next(t); got.relay != relayed || got.data != "alive" {
				t.Fatal(got)
			}
		})
	}
}

func TestGarbage(t *testing.T) {
	w := start(t, nil)
	c := dial(t, w, "udp", w.user("anna", time.Hour))
	relayed := c.allocate()
	want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
	strangers := dial(t, w, "udp", "")
	before := runtime.NumGoroutine()
	random := rand.New(rand.NewPCG(1, 2))
	const rounds = 10_000
	for i := range rounds {
		b := make([]byte, random.IntN(1700))
		for j := range b {
			b[j] = byte(random.Uint32())
		}
		if i%2 == 0 && len(b) >= headerSize { // half of it looks like STUN
			b[0] &= 0x3F
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)-headerSize))
			binary.BigEndian.PutUint32(b[4:], cookie)
			if i%4 == 0 {
				binary.BigEndian.PutUint16(b, []uint16{0x0001, 0x0003, 0x0004, 0x0008, 0x0009, 0x0016}[i/4%6])
			}
		}
		from := strangers
		if i%3 == 0 {
			from = c
		}
		from.write(b)
		if i%100 == 99 { // so that the socket's buffer does not drop it for us
			want(t, "binding", from.do(stun.MethodBinding), 0)
		}
	}
	c.write(sendTo(peerAddr(media), "alive"))
	if got := w.media.next(t); got.relay != relayed || got.data != "alive" {
		t.Fatal(got)
	}
	s := w.Stats()
	t.Logf("%+v", s)
	if s.Allocations != 1 || s.Allocated != 1 || s.Garbage < rounds/4 || s.Oversized == 0 || s.Refused["malformed"] == 0 {
		t.Errorf("%+v", s)
	}
	eventually(t, "no goroutine is left over", func() bool { return runtime.NumGoroutine() <= before })
}

// Whatever comes, the server answers the next.
func FuzzServer(f *testing.F) {
	w := start(f, nil)
	c := dial(f, w, "udp", w.user("anna", time.Hour))
	relayed := c.allocate()
	want(f, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
	f.Add(stun.MustBuild(c.request(stun.MethodRefresh, lifetime(600))...).Raw)
	f.Add(stun.MustBuild(c.request(stun.MethodChannelBind, channel(0x4000), peerAddr(media))...).Raw)
	f.Add(stun.MustBuild(c.request(stun.MethodAllocate, udpRelay, raw(stun.AttrEvenPort, 0))...).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest)).Raw)
	f.Add(sendTo(peerAddr(media), "data"))
	f.Add(sendTo(to("[::ffff:203.0.113.7]:7000"), "data"))
	f.Add(channelData(0x4000, "data"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := *c
		c.t = t
		c.write(b)
		want(t, "binding", c.do(stun.MethodBinding), 0)
		for {
			select {
			case got := <-w.media.injected:
				if got.relay != relayed {
					t.Fatal(got)
				}
			default:
				return
			}
		}
	})
}
