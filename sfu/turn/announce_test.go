package turn

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// moved is what is announced after a change of address.
var moved = netip.MustParseAddrPort("198.51.100.9:7009")

// Who has an allocation when the address changes goes on with the address that it knows, and may go over to the new
// one; who allocates from then on gets the new one.
func TestAnnounce(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := start(t, nil)
			c := dial(t, w, network, w.user("anna", time.Hour))
			relayed := c.allocate()
			want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
			c.write(sendTo(peerAddr(media), "before"))
			if got := w.media.next(t); got.relay != relayed || got.data != "before" {
				t.Fatal(got)
			}
			want(t, "not yet", c.do(stun.MethodCreatePermission, peerAddr(moved)), 403)
			if err := w.Announce([]netip.AddrPort{moved}); err != nil {
				t.Fatal(err)
			}
			c.write(sendTo(peerAddr(media), "to the old one"))
			if got := w.media.next(t); got.relay != relayed || got.data != "to the old one" {
				t.Fatal(got)
			}
			w.media.send(relayed, "from the old one")
			if got, from := c.data(t); got != "from the old one" || from != media {
				t.Fatalf("%q from %v", got, from)
			}
			want(t, "refresh", c.do(stun.MethodRefresh, lifetime(600)), 0)
			want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media), peerAddr(moved)), 0)
			want(t, "channel", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 0)
			c.write(sendTo(peerAddr(moved), "to the new one"))
			if got := w.media.next(t); got.relay != relayed || got.data != "to the new one" {
				t.Fatal(got)
			}
			w.media.send(relayed, "from the new one")
			if got, from := c.data(t); got != "from the new one" || from != moved {
				t.Fatalf("%q from %v", got, from)
			}

			other := dial(t, w, network, w.user("bert", time.Hour))
			if relayed := other.allocate(); relayed.Addr() != moved.Addr() || relayed.Port() == moved.Port() {
				t.Errorf("relayed address %v", relayed)
			}
			want(t, "permission", other.do(stun.MethodCreatePermission, peerAddr(moved)), 0)
			family := dial(t, w, network, w.user("bert", time.Hour))
			want(t, "no IPv6 any more", family.do(stun.MethodAllocate, udpRelay,
				raw(stun.AttrRequestedAddressFamily, 2, 0, 0, 0)), 440)
			if s := w.Stats(); s.ToPeers != 0 || s.Allocations != 2 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAnnounceRefused(t *testing.T) {
	w := start(t, nil)
	for _, bad := range [][]netip.AddrPort{nil, {moved, netip.MustParseAddrPort("0.0.0.0:7000")}, {
		netip.AddrPortFrom(moved.Addr(), 0),
	}} {
		if err := w.Announce(bad); !errors.Is(err, ErrConfig) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if relayed := dial(t, w, "udp", w.user("anna", time.Hour)).allocate(); relayed.Addr() != media.Addr() {
		t.Errorf("relayed address %v", relayed)
	}
}

// A NAT that gives another port every minute fills no memory.
func TestFormerAddressesAreForgotten(t *testing.T) {
	w := start(t, nil)
	c := dial(t, w, "udp", w.user("anna", time.Hour))
	c.allocate()
	for i := range remembered {
		if err := w.Announce([]netip.AddrPort{netip.AddrPortFrom(moved.Addr(), uint16(40_000+i))}); err != nil {
			t.Fatal(err)
		}
	}
	// Of the first two, the second is the one too many.
	want(t, "the first", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 0)
	want(t, "the next", c.do(stun.MethodCreatePermission, peerAddr(media6)), 403)
	want(t, "the last but one", c.do(stun.MethodChannelBind, channel(0x4001),
		peerAddr(netip.AddrPortFrom(moved.Addr(), 40_000+remembered-2))), 0)
	if media := w.Server.media.Load(); len(media.former) != remembered || len(media.now) != 1 {
		t.Errorf("%d former, %d now", len(media.former), len(media.now))
	}
}

// The machine gets an address and loses another.
func TestRebind(t *testing.T) {
	first, second := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	w := start(t, nil)
	at := func(ip netip.Addr) *client {
		conn, err := net.Dial("udp", netip.AddrPortFrom(ip, w.addr.Port()).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		name := w.user("anna", time.Hour)
		return &client{t: t, conn: conn, username: name, password: passwordOf(name)}
	}
	if err := w.Rebind(t.Context(), []netip.Addr{first, second}); err != nil {
		t.Fatal(err)
	}
	stays, goes := at(second), at(first)
	relayed, lost := stays.allocate(), goes.allocate()
	want(t, "permission", stays.do(stun.MethodCreatePermission, peerAddr(media)), 0)
	for range 2 { // the second time there is nothing to do
		if err := w.Rebind(t.Context(), []netip.Addr{second}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the allocation ends", func() bool { return w.Stats().Allocations == 1 })
		if w.media.send(lost, "x") {
			t.Error("the relay of an address that went is still attached")
		}
	}
	stays.write(sendTo(peerAddr(media), "still here"))
	if got := w.media.next(t); got.relay != relayed || got.data != "still here" {
		t.Fatal(got)
	}

	// It comes back, beside one that is not there: that one is told, and there is no harm to others.
	if err := w.Rebind(t.Context(), []netip.Addr{netip.MustParseAddr("203.0.113.9"), first, second}); err == nil {
		t.Error("a socket at an address that is not ours")
	}
	at(first).allocate()
	want(t, "refresh", stays.do(stun.MethodRefresh, lifetime(600)), 0)
	want(t, "tcp", dial(t, w, "tcp", "").do(stun.MethodBinding), 0)

	w.stop(t)
	if err := w.Rebind(t.Context(), []netip.Addr{first}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// data awaits a packet from a peer, in an indication.
func (c *client) data(t *testing.T) (string, netip.AddrPort) {
	t.Helper()
	b, err := c.read(patience)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := m.get(stun.AttrData)
	return string(data), m.peer()
}
