package sfutest

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"
)

// Networks makes networks for tests that run at the same time: vnet counts its hosts in a variable that nothing guards.
type Networks struct{ mu sync.Mutex }

// Network is a network in memory. In a testing/synctest bubble its time is virtual.
type Network struct {
	all    *Networks
	t      *testing.T
	router *vnet.Router
}

// New makes a network on which each packet takes so long. It ends with the test.
func (n *Networks) New(t *testing.T, delay time.Duration) *Network {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	quiet := &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", LoggerFactory: quiet, MinDelay: delay})
	if err != nil {
		t.Fatal(err)
	}
	if err := router.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Stop() })
	return &Network{n, t, router}
}

// host adds a host.
func (n *Network) host(ip string) *vnet.Net {
	n.t.Helper()
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	host, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.router.AddNet(host); err != nil {
		n.t.Fatal(err)
	}
	return host
}

// Listen makes a host with one socket.
func (n *Network) Listen(address string) net.PacketConn {
	n.t.Helper()
	ip, _, err := net.SplitHostPort(address)
	if err != nil {
		n.t.Fatal(err)
	}
	conn, err := n.host(ip).ListenPacket("udp4", address)
	if err != nil {
		n.t.Fatal(err)
	}
	return conn
}

// API makes a host with a client of pion, which speaks Opus and VP8 and what a browser does of RTCP, and intercepts as
// the factories do.
func (n *Network) API(ip string, interceptors ...interceptor.Factory) *webrtc.API {
	n.t.Helper()
	return n.APIWith(ip, func(*webrtc.SettingEngine) {}, interceptors...)
}

// APIWith is API with settings that adjust has changed.
func (n *Network) APIWith(
	ip string, adjust func(*webrtc.SettingEngine), interceptors ...interceptor.Factory,
) *webrtc.API {
	n.t.Helper()
	engine, err := newEngine()
	if err != nil {
		n.t.Fatal(err)
	}
	settings := webrtc.SettingEngine{
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	}
	settings.SetNet(n.host(ip))
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	adjust(&settings)
	registry := &interceptor.Registry{}
	for _, factory := range interceptors {
		registry.Add(factory)
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(registry))
}

func newEngine() (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	whole := webrtc.RTCPFeedback{Type: "transport-cc"}
	for _, codec := range []webrtc.RTPCodecParameters{
		{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, RTCPFeedback: []webrtc.RTCPFeedback{whole},
		}},
		{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
			RTCPFeedback: []webrtc.RTCPFeedback{whole, {Type: "nack"}, {Type: "nack", Parameter: "pli"}},
		}},
		{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96",
		}},
	} {
		kind := webrtc.RTPCodecTypeVideo
		if codec.ClockRate == 48000 {
			kind = webrtc.RTPCodecTypeAudio
		}
		if err := engine.RegisterCodec(codec, kind); err != nil {
			return nil, err
		}
	}
	for _, uri := range []string{
		sdp.SDESMidURI, sdp.SDESRTPStreamIDURI, sdp.SDESRepairRTPStreamIDURI, sdp.TransportCCURI,
	} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if kind == webrtc.RTPCodecTypeAudio && (uri == sdp.SDESRTPStreamIDURI || uri == sdp.SDESRepairRTPStreamIDURI) {
				continue
			}
			if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return nil, err
			}
		}
	}
	return engine, nil
}
