package dtlssrtp_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
)

const patience = 10 * time.Second

func await[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

// incoming hands on what comes in, still encrypted.
type incoming chan []byte

func (in incoming) Receive(packet []byte, _ time.Time, _ *egress.Batch) {
	select {
	case in <- bytes.Clone(packet):
	default:
	}
}

// down is the server's track. It sends nothing by pion.
type down struct{ bound chan webrtc.TrackLocalContext }

func (d down) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	d.bound <- ctx
	return ctx.CodecParameters()[0], nil
}
func (down) Unbind(webrtc.TrackLocalContext) error { return nil }
func (down) ID() string                            { return "down" }
func (down) RID() string                           { return "" }
func (down) StreamID() string                      { return "server" }
func (down) Kind() webrtc.RTPCodecType             { return webrtc.RTPCodecTypeAudio }

// server is a PeerConnection whose media goes beside pion.
type server struct {
	pc        *webrtc.PeerConnection
	conn      *egress.Conn
	handshake *dtlssrtp.Handshake
	down      down
	media     incoming
	to        chan netip.AddrPort
	connected chan struct{}
}

func newServer(t *testing.T, adjust func(*webrtc.SettingEngine)) *server {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		conn: egress.NewConn(socket), handshake: new(dtlssrtp.Handshake), media: make(incoming, 64),
		down: down{make(chan webrtc.TrackLocalContext, 1)}, to: make(chan netip.AddrPort, 8), connected: make(chan struct{}),
	}
	mux, err := egress.NewMux(s.conn, []netip.AddrPort{socket.LocalAddr().(*net.UDPAddr).AddrPort()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mux.Close() })
	settings := webrtc.SettingEngine{}
	settings.SetICEUDPMux(mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetSRTPProtectionProfiles(
		dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	if adjust != nil {
		adjust(&settings)
	}
	s.handshake.Observe(&settings)
	s.pc = newPeerConnection(t, settings)
	transport := s.pc.SCTP().Transport()
	transport.OnStateChange(func(state webrtc.DTLSTransportState) {
		if state == webrtc.DTLSTransportStateConnected {
			close(s.connected)
		}
	})
	transport.ICETransport().OnSelectedCandidatePairChange(func(pair *webrtc.ICECandidatePair) {
		to := netip.AddrPortFrom(netip.MustParseAddr(pair.Remote.Address), pair.Remote.Port)
		s.conn.Route(to, s.media)
		s.to <- to
	})
	return s
}

func newPeerConnection(t *testing.T, settings webrtc.SettingEngine) *webrtc.PeerConnection {
	t.Helper()
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}

// negotiate has one side offer and the other answer, with all candidates in the descriptions.
func negotiate(t *testing.T, offerer, answerer *webrtc.PeerConnection) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	offer, err := offerer.CreateOffer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(offerer)
	must(offerer.SetLocalDescription(offer))
	<-gathered
	must(answerer.SetRemoteDescription(*offerer.LocalDescription()))
	answer, err := answerer.CreateAnswer(nil)
	must(err)
	gathered = webrtc.GatheringCompletePromise(answerer)
	must(answerer.SetLocalDescription(answer))
	<-gathered
	must(offerer.SetRemoteDescription(*answerer.LocalDescription()))
}

func clientSettings() webrtc.SettingEngine {
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return strings.HasPrefix(name, "lo") })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return settings
}

// TestKeysOfARealHandshake has a client of plain pion send to the server and receive from it.
func TestKeysOfARealHandshake(t *testing.T) {
	for name, test := range map[string]struct {
		profile dtls.SRTPProtectionProfile
		suites  []dtls.CipherSuiteID
	}{
		"AES-128-GCM":       {dtls.SRTP_AEAD_AES_128_GCM, nil},
		"AES-256-GCM":       {dtls.SRTP_AEAD_AES_256_GCM, nil},
		"AES-128-CM + SHA1": {dtls.SRTP_AES128_CM_HMAC_SHA1_80, nil},
		"SHA-384": {
			dtls.SRTP_AEAD_AES_128_GCM, []dtls.CipherSuiteID{dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			t.Run("call", func(t *testing.T) { talk(t, test.profile, test.suites) })
		})
	}
}

func talk(t *testing.T, profile dtls.SRTPProtectionProfile, suites []dtls.CipherSuiteID) {
	s := newServer(t, func(settings *webrtc.SettingEngine) {
		if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := s.handshake.Session(); !errors.Is(err, dtlssrtp.ErrNoKeys) {
		t.Fatalf("keys before the handshake: %v", err)
	}
	settings := clientSettings()
	settings.SetSRTPProtectionProfiles(profile)
	settings.SetDTLSCipherSuites(suites...)
	client := newPeerConnection(t, settings)

	up, err := webrtc.NewTrackLocalStaticRTP(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "up", "client")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.AddTrack(up); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pc.AddTrack(s.down); err != nil {
		t.Fatal(err)
	}
	heard := make(chan *rtp.Packet, 64)
	client.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if p, _, err := track.ReadRTP(); err == nil {
			heard <- p
		}
	})
	negotiate(t, client, s.pc)
	await(t, "connection", s.connected)
	session, err := s.handshake.Session()
	if err != nil {
		t.Fatal(err)
	}
	to := egress.NewDestination(await(t, "path", s.to))
	fromClient(t, s, session, client, up)
	toClient(t, s, session, to, await(t, "binding", s.down.bound), heard)
}

// fromClient has the client send RTP and RTCP until some of both has come.
func fromClient(
	t *testing.T, s *server, session *dtlssrtp.Session, client *webrtc.PeerConnection, up *webrtc.TrackLocalStaticRTP,
) {
	t.Helper()
	stop := make(chan struct{})
	done := make(chan struct{})
	defer func() { close(stop); <-done }()
	go func() {
		defer close(done)
		for sequence := uint16(65_530); ; sequence++ {
			_ = up.WriteRTP(&rtp.Packet{
				Header: rtp.Header{Version: 2, SequenceNumber: sequence, Timestamp: 1}, Payload: []byte("from the client"),
			})
			_ = client.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 99}})
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	for sound, control := 0, 0; sound < 20 || control < 20; {
		packet := await(t, "media of the client", s.media)
		if packet[1] == 206 {
			plain, err := session.OpenRTCP(packet)
			if err != nil {
				t.Fatalf("RTCP of the client: %v", err)
			}
			var pli rtcp.PictureLossIndication
			if err := pli.Unmarshal(plain); err != nil || pli.MediaSSRC != 99 {
				t.Fatalf("got %+v, %v", pli, err)
			}
			control++
			continue
		}
		plain, err := session.OpenRTP(packet)
		if err != nil {
			t.Fatalf("RTP of the client: %v", err)
		}
		var p rtp.Packet
		if err := p.Unmarshal(plain); err != nil || string(p.Payload) != "from the client" {
			t.Fatalf("got %v, %v", &p, err)
		}
		sound++
	}
}

// toClient seals packets for the client until it reads one.
func toClient(t *testing.T, s *server, session *dtlssrtp.Session, to *egress.Destination,
	ctx webrtc.TrackLocalContext, heard <-chan *rtp.Packet,
) {
	t.Helper()
	stream, err := session.Stream(uint32(ctx.SSRC()))
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte("from the server")
	deadline := time.After(patience)
	for sequence := uint16(65_530); ; sequence++ {
		head, err := (&rtp.Header{
			Version: 2, SequenceNumber: sequence, SSRC: uint32(ctx.SSRC()),
			PayloadType: uint8(ctx.CodecParameters()[0].PayloadType),
		}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		b := s.conn.Batch()
		room := b.Room(len(head) + len(payload) + dtlssrtp.Overhead)
		n := copy(room, head)
		n += copy(room[n:], payload)
		sealed, err := stream.Seal(room[:n], len(head))
		if err != nil {
			t.Fatal(err)
		}
		b.Send(to, len(sealed))
		b.Done()
		select {
		case p := <-heard:
			if !bytes.Equal(p.Payload, payload) {
				t.Errorf("got %v", p)
			}
			return
		case <-deadline:
			t.Fatal("the client hears nothing")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestNoKeysOfAClientsHandshake has the observed end be the client of DTLS, whose keys are not ours to take.
func TestNoKeysOfAClientsHandshake(t *testing.T) {
	s := newServer(t, func(settings *webrtc.SettingEngine) {
		if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
			t.Fatal(err)
		}
	})
	client := newPeerConnection(t, clientSettings())
	if _, err := client.CreateDataChannel("any", nil); err != nil {
		t.Fatal(err)
	}
	negotiate(t, client, s.pc)
	await(t, "connection", s.connected)
	if _, err := s.handshake.Session(); !errors.Is(err, dtlssrtp.ErrNoKeys) {
		t.Errorf("session: %v", err)
	}
}
