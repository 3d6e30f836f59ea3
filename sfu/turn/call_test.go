package turn

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"
	pion "github.com/pion/turn/v4"
	"github.com/pion/webrtc/v4"

	"parley/sfu/egress"
)

// A server behind a 1:1 NAT: it announces an address that it does not have. The client can reach nothing but TURN.
func TestCallThroughRelay(t *testing.T) {
	second := netip.MustParseAddrPort("198.51.100.7:7002")
	for _, test := range []struct {
		network   string
		announced []netip.AddrPort
	}{
		{"udp", []netip.AddrPort{media}},
		{"tcp", []netip.AddrPort{media}},
		{"udp", []netip.AddrPort{media6}},
		{"udp", []netip.AddrPort{media, media6}},
		{"udp", []netip.AddrPort{media, second}},
		{"tcp", []netip.AddrPort{second, media, media6}},
	} {
		t.Run(fmt.Sprint(test.network, test.announced), func(t *testing.T) {
			conn, err := egress.Listen(t.Context(), "127.0.0.1:0", egress.Options{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			mux, err := egress.NewMux(conn, test.announced)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = mux.Close() }()
			w := start(t, func(cfg *Config) { cfg.Media, cfg.Announced = conn, test.announced })
			name := w.user("anna", time.Hour)

			var serverSettings, clientSettings webrtc.SettingEngine
			serverSettings.SetICEUDPMux(mux)
			server := peerConnection(t, serverSettings, webrtc.Configuration{})
			clientSettings.SetIncludeLoopbackCandidate(true)
			networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4}
			if len(test.announced) == 1 && test.announced[0].Addr().Is6() {
				networks = append(networks, webrtc.NetworkTypeUDP6)
			}
			clientSettings.SetNetworkTypes(networks)
			clientSettings.SetRelayAcceptanceMinWait(0)
			anna := peerConnection(t, clientSettings, webrtc.Configuration{
				ICETransportPolicy: webrtc.ICETransportPolicyRelay,
				ICEServers: []webrtc.ICEServer{{
					URLs:     []string{fmt.Sprintf("turn:%s?transport=%s", w.addr, test.network)},
					Username: name, Credential: passwordOf(name),
				}},
			})
			talk(t, anna, server)
			for line := range strings.Lines(anna.LocalDescription().SDP) {
				if strings.HasPrefix(line, "a=candidate:") && !strings.Contains(line, " typ relay ") {
					t.Errorf("not relayed: %s", line)
				}
			}
			if s := w.Stats(); s.Allocations == 0 || s.ToPeers != 0 || s.ToClients != 0 {
				t.Errorf("%+v", s)
			}
			if s := conn.Stats(); s.PacketsOut+s.InjectDrops+s.WriteDrops+s.Spoofed+s.ReadFaults != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func peerConnection(t *testing.T, settings webrtc.SettingEngine, config webrtc.Configuration) *webrtc.PeerConnection {
	t.Helper()
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}

// talk connects the two and sends a number of messages there and back.
func talk(t *testing.T, client, server *webrtc.PeerConnection) {
	t.Helper()
	server.OnDataChannel(func(channel *webrtc.DataChannel) {
		channel.OnMessage(func(m webrtc.DataChannelMessage) { _ = channel.Send(m.Data) })
	})
	const messages = 200
	echo := make(chan []byte, messages)
	channel, err := client.CreateDataChannel("echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	channel.OnOpen(func() {
		for i := range messages {
			_ = channel.Send(append([]byte{byte(i)}, make([]byte, 1000)...))
		}
	})
	channel.OnMessage(func(m webrtc.DataChannelMessage) { echo <- m.Data })

	describe(t, client, server, client.CreateOffer)
	describe(t, server, client, func(*webrtc.OfferOptions) (webrtc.SessionDescription, error) {
		return server.CreateAnswer(nil)
	})
	timeout := time.After(2 * patience)
	for i := range messages {
		select {
		case data := <-echo:
			if len(data) != 1001 || data[0] != byte(i) {
				t.Fatalf("message %d: %d bytes", i, len(data))
			}
		case <-timeout:
			t.Fatalf("message %d is missing; %v, %v", i, client.ICEConnectionState(), server.ICEConnectionState())
		}
	}
}

// describe makes the description of one and gives it to the other, with all candidates in it.
func describe(t *testing.T, from, to *webrtc.PeerConnection,
	create func(*webrtc.OfferOptions) (webrtc.SessionDescription, error),
) {
	t.Helper()
	description, err := create(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(from)
	if err := from.SetLocalDescription(description); err != nil {
		t.Fatal(err)
	}
	<-gathered
	if err := to.SetRemoteDescription(*from.LocalDescription()); err != nil {
		t.Fatal(err)
	}
}

// Three hours with credentials that live five seconds, in virtual time: pion's client refreshes its allocation,
// permissions and channels all the while.
func TestLongCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := virtualHosts(t, "10.0.0.1", "10.0.0.2", "10.0.0.2")
		sfu := newFakeMedia()
		name := fmt.Sprintf("%d:anna", time.Now().Add(5*time.Second).Unix())
		s, err := New(Config{
			PacketConns: hosts[:1], Realm: realm, Announced: []netip.AddrPort{media}, Media: sfu, Verify: verify,
			InCall: func(id string) bool { return id == "anna" },
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		var clients []*pion.Client
		for _, conn := range hosts[1:] {
			c, err := pion.NewClient(&pion.ClientConfig{
				TURNServerAddr: hosts[0].LocalAddr().String(), Conn: conn, Username: name, Password: passwordOf(name),
				LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Listen(); err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c)
		}
		conn, err := clients[0].Allocate()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		for began := time.Now(); time.Since(began) < 3*time.Hour; time.Sleep(7 * time.Second) {
			if _, err := conn.WriteTo([]byte("up"), net.UDPAddrFromAddrPort(media)); err != nil {
				t.Fatal(time.Since(began), err)
			}
			if got := <-sfu.injected; got.data != "up" {
				t.Fatal(got)
			}
			sfu.send(addrPort(conn.LocalAddr()), "down")
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if n, _, err := conn.ReadFrom(b); err != nil || string(b[:n]) != "down" {
				t.Fatalf("after %v: %q %v", time.Since(began), b[:n], err)
			}
		}
		if _, err := clients[1].Allocate(); err == nil {
			t.Error("an expired name allocates")
		}
		if stats := s.Stats(); stats.Allocated != 1 || stats.Refused["expired"] != 1 {
			t.Errorf("%+v", stats)
		}
		_ = conn.Close()
		for i, c := range clients {
			c.Close()
			_ = hosts[i+1].Close()
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// virtualHosts makes a UDP socket for each address, all on one virtual network.
func virtualHosts(t *testing.T, ips ...string) (conns []net.PacketConn) {
	t.Helper()
	router, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: "10.0.0.0/24", LoggerFactory: logging.NewDefaultLoggerFactory(), MinDelay: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	nets := make(map[string]*vnet.Net)
	for _, ip := range ips {
		if nets[ip] == nil {
			if nets[ip], err = vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}}); err != nil {
				t.Fatal(err)
			}
			if err := router.AddNet(nets[ip]); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := nets[ip].ListenPacket("udp4", ip+":0")
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	if err := router.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Stop() })
	return conns
}
