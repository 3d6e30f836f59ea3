package client

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"parley/signaling/protocol"
)

// closedWait is how long the server may take to explain why it closed the connection, before the client asks for
// another.
const closedWait = 2 * time.Second

// nudgeEvery is how often what should have ended with its connection is told so again.
const nudgeEvery = 50 * time.Millisecond

// connection is one RTCPeerConnection. A reset replaces it whole, and what its callbacks still post is dropped.
type connection struct {
	// Static after construction.
	pc        *webrtc.PeerConnection
	features  *webrtc.DataChannel
	tracks    []*outTrack
	sending   []outLine
	frameRate int // of the pictures in tracks
	closing   chan struct{}
	running   sync.WaitGroup

	// Owned by the client's loop.
	early    []webrtc.ICECandidateInit // from before the first description of the server
	gathered bool                      // the end of our candidates has been told
	expiry   *time.Timer               // runs while the server has closed its end without a word, else nil
}

// outLine is one published track in all its encodings.
type outLine struct {
	transceiver *webrtc.RTPTransceiver
	encodings   []*Track
}

// newAPI makes what connections are built with.
func newAPI(options Options, log *slog.Logger) (*webrtc.API, error) {
	engine := &webrtc.MediaEngine{}
	register := options.Codecs
	if register == nil {
		register = registerCodecs
	}
	if err := register(engine); err != nil {
		return nil, fmt.Errorf("register codecs: %w", err)
	}
	for uri, kinds := range map[string][]webrtc.RTPCodecType{
		sdp.SDESMidURI:               {webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo},
		sdp.SDESRTPStreamIDURI:       {webrtc.RTPCodecTypeVideo},
		sdp.SDESRepairRTPStreamIDURI: {webrtc.RTPCodecTypeVideo},
		sdp.TransportCCURI:           {webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo},
		sdp.AudioLevelURI:            {webrtc.RTPCodecTypeAudio},
	} {
		for _, kind := range kinds {
			extension := webrtc.RTPHeaderExtensionCapability{URI: uri}
			if err := engine.RegisterHeaderExtension(extension, kind); err != nil {
				return nil, fmt.Errorf("register %s: %w", uri, err)
			}
		}
	}
	withInterceptors := options.Interceptors
	if withInterceptors == nil {
		withInterceptors = func() (*interceptor.Registry, error) { return newInterceptors(log) }
	}
	interceptors, err := withInterceptors()
	if err != nil {
		return nil, fmt.Errorf("interceptors: %w", err)
	}
	system, err := newNetwork()
	if err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{LoggerFactory: pionLogs{log}}
	settings.SetNet(system)
	settings.SetIncludeLoopbackCandidate(true) // a server on this machine may announce nothing else
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if options.Settings != nil {
		options.Settings(&settings)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(interceptors),
		webrtc.WithSettingEngine(settings)), nil
}

// registerCodecs registers Opus, and VP8 with retransmissions.
func registerCodecs(engine *webrtc.MediaEngine) error {
	if err := engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "transport-cc"}},
		},
		PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio); err != nil {
		return err
	}
	if err := engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
			RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: "transport-cc"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"},
			},
		},
		PayloadType: 96,
	}, webrtc.RTPCodecTypeVideo); err != nil {
		return err
	}
	return engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96",
		},
		PayloadType: 97,
	}, webrtc.RTPCodecTypeVideo)
}

// newInterceptors sets up what a browser does beside sending and receiving: retransmissions both ways, reports, and
// transport-wide feedback.
func newInterceptors(log *slog.Logger) (*interceptor.Registry, error) {
	generator, err := nack.NewGeneratorInterceptor()
	if err != nil {
		return nil, err
	}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	numbers, err := twcc.NewHeaderExtensionInterceptor()
	if err != nil {
		return nil, err
	}
	feedback, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(pionLogs{log}))
	if err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	for _, factory := range []interceptor.Factory{generator, responder, receiver, sender, numbers, feedback} {
		registry.Add(factory)
	}
	return registry, nil
}

// connect makes a connection and the offer with which it begins.
func (c *Client) connect() error {
	pc, err := c.api.NewPeerConnection(c.configuration)
	if err != nil {
		return fmt.Errorf("new peer connection: %w", err)
	}
	conn := &connection{pc: pc, closing: make(chan struct{})}
	c.conn = conn
	if err := c.openFeatures(conn); err != nil {
		return err
	}
	c.listen(conn)
	if media := c.options.Media; media != nil {
		if err := media.Attach(&Connection{c, conn}); err != nil {
			return fmt.Errorf("attach media: %w", err)
		}
	} else if err := conn.publish(c.options, c.clips, c.state, &c.voice); err != nil {
		return err
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("create offer: %w", err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		return fmt.Errorf("set offer: %w", err)
	}
	conn.startSending(&c.muted)
	c.sendSignal(protocol.SignalBody{Description: &protocol.Description{Type: "offer", SDP: offer.SDP}})
	return nil
}

// ifCurrent posts to the loop what only the current connection may do.
func (c *Client) ifCurrent(conn *connection, f func()) {
	c.queue.post(func() {
		if c.conn == conn {
			f()
		}
	})
}

// listen lets the callbacks of a connection post to the loop.
func (c *Client) listen(conn *connection) {
	ifCurrent := func(f func()) { c.ifCurrent(conn, f) }
	conn.pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		ifCurrent(func() { c.sendCandidate(conn, candidate) })
	})
	conn.pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		ifCurrent(func() { conn.receive(remote, receiver, c.state) })
	})
	c.followPath(conn)
	// pion tells each state in a goroutine of its own, so the last to be told need not be the latest.
	conn.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		ifCurrent(func() {
			pcState := conn.pc.ConnectionState()
			c.notePath(conn)
			c.state.update(func(s *Snapshot) { s.Connection = pcState.String() })
			switch pcState {
			case webrtc.PeerConnectionStateFailed:
				c.reset()
			case webrtc.PeerConnectionStateClosed: // by the server, which may be about to say why
				if conn.expiry == nil {
					conn.expiry = time.AfterFunc(closedWait, func() { ifCurrent(c.reset) })
				}
			default:
			}
		})
	})
}

// sendCandidate trickles a candidate. pion tells the end of them, nil, with every description.
func (c *Client) sendCandidate(conn *connection, candidate *webrtc.ICECandidate) {
	if candidate == nil && conn.gathered {
		return
	}
	conn.gathered = candidate == nil
	c.sendSignal(protocol.SignalBody{Candidate: wireCandidate(candidate), EndOfCandidates: candidate == nil})
}

// openFeatures opens the channel on which participants tell each other of their camera and microphone.
func (c *Client) openFeatures(conn *connection) error {
	negotiated, ordered, id := true, true, uint16(protocol.FeaturesID)
	channel, err := conn.pc.CreateDataChannel(protocol.FeaturesLabel,
		&webrtc.DataChannelInit{Negotiated: &negotiated, Ordered: &ordered, ID: &id})
	if err != nil {
		return fmt.Errorf("features channel: %w", err)
	}
	conn.features = channel
	channel.OnOpen(func() { c.queue.post(func() { c.sendFeatures() }) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		c.queue.post(func() {
			var features protocol.Features
			if c.conn != conn || json.Unmarshal(message.Data, &features) != nil {
				return
			}
			c.tell(Features{features.ChannelName, features.Features})
			if !c.options.Unlisted {
				c.state.update(func(s *Snapshot) { s.Features[features.ChannelName] = features.Features })
			}
		})
	})
	return nil
}

// close ends the connection and all that belongs to it.
func (c *connection) close() {
	if c.expiry != nil {
		c.expiry.Stop()
	}
	close(c.closing)
	_ = c.pc.GracefulClose()
	ended := make(chan struct{})
	go func() {
		c.running.Wait()
		close(ended)
	}()
	for {
		select {
		case <-ended:
			return
		case <-time.After(nudgeEvery):
			c.nudge()
		}
	}
}

// nudge ends the reading of RTCP. pion forgets to where a sender was stopped before it had begun to send.
func (c *connection) nudge() {
	now := time.Now()
	for _, line := range c.sending {
		sender := line.transceiver.Sender()
		for _, track := range line.encodings {
			if track.encoding.RID != "" {
				_ = sender.SetReadDeadlineSimulcast(now, track.encoding.RID)
			} else {
				_ = sender.SetReadDeadline(now)
			}
		}
	}
}

func wireCandidate(candidate *webrtc.ICECandidate) *protocol.Candidate {
	if candidate == nil {
		return nil
	}
	init := candidate.ToJSON()
	return &protocol.Candidate{
		Candidate: init.Candidate, SDPMid: init.SDPMid, SDPMLineIndex: init.SDPMLineIndex,
		UsernameFragment: init.UsernameFragment,
	}
}
