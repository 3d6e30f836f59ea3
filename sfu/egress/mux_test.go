package egress

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

func TestMuxAddresses(t *testing.T) {
	parse := func(list string) (addrs []netip.AddrPort) {
		for s := range strings.FieldsSeq(list) {
			addrs = append(addrs, netip.MustParseAddrPort(s))
		}
		return addrs
	}
	for _, test := range []struct{ announced, want string }{
		{"203.0.113.7:7000", "203.0.113.7:7000"},
		{"203.0.113.7:7000 [2001:db8::7]:7001", "203.0.113.7:7000 [2001:db8::7]:7001"},
		{"[::1]:5 127.0.0.1:5 127.0.0.1:5", "[::1]:5 127.0.0.1:5"},
		{"[::ffff:203.0.113.7]:1 203.0.113.7:1", "203.0.113.7:1"},
	} {
		m, err := NewMux(open(t, "127.0.0.1:0"), parse(test.announced))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range m.GetListenAddresses() {
			got = append(got, a.String())
			conn, err := m.GetConn("ufrag", a)
			if err != nil {
				t.Errorf("%s: %v: %v", test.announced, a, err)
				continue
			}
			defer func() { _ = conn.Close() }()
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v", test.announced, got)
		}
		if _, err := m.GetConn("ufrag", &net.TCPAddr{}); !errors.Is(err, ErrAnnounced) {
			t.Errorf("not UDP: %v", err)
		}
		for _, bad := range []string{"", "0.0.0.0:7000"} {
			if err := m.Announce(parse(bad)); !errors.Is(err, ErrAnnounced) || len(m.GetListenAddresses()) != len(got) {
				t.Errorf("announce %q: %v", bad, err)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "0.0.0.0:7000", "[::]:7000", "203.0.113.7:0"} {
		if _, err := NewMux(open(t, "127.0.0.1:0"), parse(bad)); !errors.Is(err, ErrAnnounced) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// call connects a client to a server behind the mux, whose candidates are those announced, and sends data both ways.
func call(t *testing.T, mux *Mux, announced []netip.AddrPort, networks ...webrtc.NetworkType) {
	t.Helper()
	client, server, echoes := connect(t, mux, networks...)
	got, want := candidates(t, server), slices.Clone(announced) // in any order
	slices.SortFunc(got, netip.AddrPort.Compare)
	slices.SortFunc(want, netip.AddrPort.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("candidates %v, want %v", got, want)
	}
	echoes()
	_ = client.GracefulClose()
	_ = server.GracefulClose()
}

// connect connects a client to a server behind the mux. What it returns sends data there and back.
func connect(t *testing.T, mux *Mux, networks ...webrtc.NetworkType) (
	client, server *webrtc.PeerConnection, echoes func(),
) {
	t.Helper()
	serverSettings, clientSettings := webrtc.SettingEngine{}, webrtc.SettingEngine{}
	serverSettings.SetICEUDPMux(mux)
	serverSettings.SetIncludeLoopbackCandidate(true)
	clientSettings.SetIncludeLoopbackCandidate(true)
	clientSettings.SetNetworkTypes(networks)
	server, err := webrtc.NewAPI(webrtc.WithSettingEngine(serverSettings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.GracefulClose() })
	client, err = webrtc.NewAPI(webrtc.WithSettingEngine(clientSettings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.GracefulClose() })

	server.OnDataChannel(func(channel *webrtc.DataChannel) {
		channel.OnMessage(func(m webrtc.DataChannelMessage) { _ = channel.Send(append(m.Data, " back"...)) })
	})
	open, echo := make(chan struct{}), make(chan string, 1)
	channel, err := client.CreateDataChannel("echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	channel.OnOpen(func() { close(open) })
	channel.OnMessage(func(m webrtc.DataChannelMessage) { echo <- string(m.Data) })

	exchange(t, client, server, nil)
	timeout := func() {
		t.Fatalf("no data: client %v, server %v", client.ICEConnectionState(), server.ICEConnectionState())
	}
	return client, server, func() {
		t.Helper()
		select {
		case <-open:
		case <-time.After(20 * time.Second):
			timeout()
		}
		if err := channel.SendText("there"); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-echo:
			if got != "there back" {
				t.Errorf("echo %q", got)
			}
		case <-time.After(20 * time.Second):
			timeout()
		}
	}
}

// restart looks for a path anew (RFC 8445, section 2.4), and waits until there is one.
func restart(t *testing.T, client, server *webrtc.PeerConnection) {
	t.Helper()
	connected := make(chan struct{}, 10)
	client.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		if state == webrtc.ICEConnectionStateConnected {
			connected <- struct{}{}
		}
	})
	exchange(t, client, server, &webrtc.OfferOptions{ICERestart: true})
	select {
	case <-connected:
	case <-time.After(20 * time.Second):
		t.Fatalf("no path: client %v, server %v", client.ICEConnectionState(), server.ICEConnectionState())
	}
}

// exchange makes an offer of one and an answer of the other, with all candidates in them.
func exchange(t *testing.T, offerer, answerer *webrtc.PeerConnection, options *webrtc.OfferOptions) {
	t.Helper()
	offer, err := offerer.CreateOffer(options)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(offerer)
	if err := offerer.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	if err := answerer.SetRemoteDescription(*offerer.LocalDescription()); err != nil {
		t.Fatal(err)
	}
	answer, err := answerer.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered = webrtc.GatheringCompletePromise(answerer)
	if err := answerer.SetLocalDescription(answer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	if err := offerer.SetRemoteDescription(*answerer.LocalDescription()); err != nil {
		t.Fatal(err)
	}
}

// candidates returns the addresses of a peer's host candidates, of the RTP component; others fail the test.
func candidates(t *testing.T, pc *webrtc.PeerConnection) (addrs []netip.AddrPort) {
	t.Helper()
	for line := range strings.Lines(pc.LocalDescription().SDP) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "a=candidate:")
		if !ok {
			continue
		}
		f := strings.Fields(value)
		if f[1] != "1" {
			continue // pion repeats each for RTCP
		}
		port, err := strconv.ParseUint(f[5], 10, 16)
		if err != nil || f[2] != "udp" || f[7] != "host" {
			t.Errorf("candidate %q", value)
			continue
		}
		addrs = append(addrs, netip.AddrPortFrom(netip.MustParseAddr(f[4]), uint16(port)))
	}
	return addrs
}

func TestMuxCall(t *testing.T) {
	loopback4, loopback6 := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")
	for _, test := range []struct {
		name, listen string
		announced    []netip.Addr
		network      webrtc.NetworkType
	}{
		{"ipv4", "127.0.0.1:0", []netip.Addr{loopback4}, webrtc.NetworkTypeUDP4},
		{"ipv6", "[::1]:0", []netip.Addr{loopback6}, webrtc.NetworkTypeUDP6},
		{"ipv4 on all addresses", ":0", []netip.Addr{loopback4, loopback6}, webrtc.NetworkTypeUDP4},
		{"ipv6 on all addresses", ":0", []netip.Addr{loopback4, loopback6}, webrtc.NetworkTypeUDP6},
		{"two of a family", ":0", []netip.Addr{netip.MustParseAddr("127.0.0.2"), loopback4}, webrtc.NetworkTypeUDP4},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.network == webrtc.NetworkTypeUDP6 {
				needIPv6(t, "::1")
			}
			conn, err := Listen(t.Context(), test.listen, Options{}, discard)
			if err != nil {
				t.Fatal(err)
			}
			var announced []netip.AddrPort
			for _, ip := range test.announced {
				announced = append(announced, netip.AddrPortFrom(ip, localAddr(conn).Port()))
			}
			mux, err := NewMux(conn, announced)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = mux.Close() }()
			call(t, mux, announced, test.network)
		})
	}
}

// Of two addresses of a family the first receives everything, and the second sends and closes like the first.
func TestMuxOneReceives(t *testing.T) {
	conn := open(t, "127.0.0.1:0")
	second := netip.AddrPortFrom(relayAddr.Addr().Next(), relayAddr.Port())
	m, err := NewMux(conn, []netip.AddrPort{relayAddr, second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var conns []net.PacketConn
	for _, addr := range m.GetListenAddresses() {
		c, err := m.GetConn("ufrag", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	type result struct {
		n    int
		from netip.AddrPort
		err  error
	}
	results := make(chan result)
	go func() {
		n, from, err := conns[1].(ice.AddrPortReaderWriter).ReadFromAddrPort(make([]byte, 2000))
		results <- result{n, from, err}
	}()
	peer := client(t, "udp4", "127.0.0.1:0")
	check := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername("ufrag:other")).Raw
	b := make([]byte, 2000)
	for range 50 {
		if _, err := peer.WriteToUDPAddrPort(check, localAddr(conn)); err != nil {
			t.Fatal(err)
		}
		_ = conns[0].SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, _, err := conns[0].ReadFrom(b); err != nil || n != len(check) {
			t.Fatal(n, err)
		}
	}
	if _, err := conns[1].WriteTo([]byte("answer"), peer.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := peer.Read(b); err != nil || string(b[:n]) != "answer" {
		t.Fatalf("%q %v", b[:n], err)
	}
	if err := conns[1].Close(); err != nil {
		t.Fatal(err)
	}
	if r := <-results; !errors.Is(r.err, net.ErrClosed) {
		t.Fatalf("%+v", r)
	}
	if _, _, err := conns[1].ReadFrom(b); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	if err := conns[0].Close(); err != nil {
		t.Fatal(err)
	}
}
