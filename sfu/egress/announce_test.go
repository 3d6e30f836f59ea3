package egress

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// A change of address in mid-call: the call goes on, an ICE restart and new calls get the new address, of whatever
// family there was before.
func TestAnnounceInMidCall(t *testing.T) {
	needIPv6(t, "::1")
	conn, err := Listen(t.Context(), ":0", Options{}, discard)
	if err != nil {
		t.Fatal(err)
	}
	port := localAddr(conn).Port()
	at := func(ips ...string) (addrs []netip.AddrPort) {
		for _, ip := range ips {
			addrs = append(addrs, netip.AddrPortFrom(netip.MustParseAddr(ip), port))
		}
		return addrs
	}
	mux, err := NewMux(conn, at("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mux.Close() }()
	client, server, echoes := connect(t, mux, webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6)
	echoes()
	for _, ips := range [][]string{{"::1"}, {"127.0.0.3", "127.0.0.2"}, {"::1", "127.0.0.4"}} {
		if err := mux.Announce(at(ips...)); err != nil {
			t.Fatal(err)
		}
		echoes() // over the address that is announced no more
		restart(t, client, server)
		got, want := candidates(t, server), at(ips...)
		slices.SortFunc(got, netip.AddrPort.Compare)
		slices.SortFunc(want, netip.AddrPort.Compare)
		if !slices.Equal(got, want) {
			t.Errorf("after the restart candidates %v, want %v", got, want)
		}
		echoes()
		call(t, mux, at(ips...), webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6)
	}
	_ = client.GracefulClose()
	_ = server.GracefulClose()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		mux.mu.Lock()
		left := len(mux.receiving)
		mux.mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d agents are still known", left)
		}
	}
}

// What an agent was told is good for as long as it gathers.
func TestAnnounceWhileGathering(t *testing.T) {
	m, err := NewMux(open(t, "127.0.0.1:0"), []netip.AddrPort{relayAddr})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	told := m.GetListenAddresses()
	if err := m.Announce([]netip.AddrPort{netip.MustParseAddrPort("198.51.100.1:7000")}); err != nil {
		t.Fatal(err)
	}
	conns := make([]net.PacketConn, 0, 2)
	for _, addr := range append(told, m.GetListenAddresses()...) {
		conn, err := m.GetConn("ufrag", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	if _, first := conns[0].(*receiver); !first {
		t.Error("the first receives nothing")
	}
	if _, second := conns[1].(*sendOnly); !second {
		t.Error("the second receives too")
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
}
