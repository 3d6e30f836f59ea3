// Package sfutest has participants for tests of the SFU: pion clients that signal to a peer by plain calls.
package sfutest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"parley/sfu"
)

const (
	// patience bounds every wait. Nothing that works comes near it.
	patience = 30 * time.Second

	// sampleTime is of each sample that is sent: few a second, so that many clients fit into one process with the race
	// detector. Where the machine is not up to it handshakes get lost, and take half a minute.
	sampleTime = 60 * time.Millisecond
)

// Options say how a client behaves.
type Options struct {
	Publish  []string         // "audio", "video", "screen": one track each, in the first offer
	API      *webrtc.API      // nil for pion's defaults on loopback
	MimeType string           // of the video, VP8 unless given
	Silent   bool             // makes no offer of its own
	Words    int              // bytes that its features have besides the usual
	OnOffer  func(sdp string) // sees each offer of the server
	OnEvent  func(sfu.Event)  // sees each event other than signals

	Setup  func(*webrtc.PeerConnection) error // prepares each new connection, before the first offer
	Before func(*sfu.Peer)                    // is called before the first offer
}

// Client is a participant.
type Client struct {
	ID   string
	Peer *sfu.Peer

	t       *testing.T
	options Options
	events  chan sfu.Event
	stop    chan struct{}
	stopped chan struct{} // closed when run has ended
	wg      sync.WaitGroup

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at each change
	pc        *webrtc.PeerConnection
	senders   map[string]*webrtc.TrackLocalStaticSample
	received  map[string]int // packets by "<stream id>/<kind>"
	offers    int            // of the server
	answers   int            // likewise
	left      bool
	connected bool
	resetting bool   // the server's reset is awaited
	lastSDP   string // of the last offer
	features  map[string]string
	seen      []sfu.Event // other than signals
}

// Join puts a client into a room. It leaves when the test ends, if it has not before.
func Join(t *testing.T, s *sfu.SFU, room, id string, options Options) *Client {
	t.Helper()
	c := &Client{
		ID: id, t: t, options: options,
		events:   make(chan sfu.Event, 4096),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
		changed:  make(chan struct{}),
		senders:  make(map[string]*webrtc.TrackLocalStaticSample),
		received: make(map[string]int),
		features: make(map[string]string),
	}
	peer, err := s.Join(room, id, sfu.Barred{}, func(event sfu.Event) { c.events <- event })
	if err != nil {
		t.Fatalf("join: %v", err)
	}
	c.Peer = peer
	if options.Before != nil {
		options.Before(peer)
	}
	c.wg.Go(c.run)
	t.Cleanup(c.Leave)
	if err := c.connect(); err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

// Leave ends the client and waits for both ends.
func (c *Client) Leave() {
	c.mu.Lock()
	already := c.left
	c.left = true
	c.mu.Unlock()
	if already {
		return
	}
	c.Peer.Close()
	<-c.Peer.Done()
	close(c.stop)
	<-c.stopped // it may have been about to connect anew
	_ = c.pc.GracefulClose()
	c.wg.Wait()
}

// Reset asks for fresh peers, unless that is under way.
func (c *Client) Reset() {
	c.mu.Lock()
	already := c.resetting
	c.resetting = true
	c.mu.Unlock()
	if !already {
		c.Peer.Signal(sfu.Description{Type: sfu.TypeReset})
	}
}

// CloseConnection closes the client's end without a word.
func (c *Client) CloseConnection() {
	c.mu.Lock()
	pc := c.pc
	c.mu.Unlock()
	_ = pc.Close()
}

// RestartICE makes an offer with new credentials and waits for its answer, but not for the path. It must not be called
// while the server has a reason to make an offer.
func (c *Client) RestartICE() {
	c.t.Helper()
	c.mu.Lock()
	pc, answers := c.pc, c.answers
	c.mu.Unlock()
	offer, err := pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		c.t.Fatal(err)
	}
	c.Peer.Signal(sfu.Description{Type: "offer", SDP: offer.SDP})
	c.Await("an answer", func() bool { return c.answers > answers })
}

func (c *Client) connect() error {
	api := c.options.API
	if api == nil {
		settings := webrtc.SettingEngine{}
		settings.SetIncludeLoopbackCandidate(true)
		settings.SetInterfaceFilter(func(name string) bool { return strings.HasPrefix(name, "lo") })
		api = webrtc.NewAPI(webrtc.WithSettingEngine(settings))
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	c.mu.Lock()
	former := c.pc
	c.pc = pc
	c.mu.Unlock()
	if former != nil {
		_ = former.Close()
	}
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate != nil {
			init := candidate.ToJSON()
			c.Peer.Candidate(&init)
		}
	})
	// pion tells each state in a goroutine of its own, so the last to be told need not be the latest.
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		c.change(func() { c.connected = pc.ConnectionState() == webrtc.PeerConnectionStateConnected })
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { c.wg.Go(func() { c.read(track) }) })
	if err := c.openFeatures(pc); err != nil {
		return err
	}
	if c.options.Setup != nil {
		if err := c.options.Setup(pc); err != nil {
			return err
		}
	}
	for _, name := range c.options.Publish {
		if err := c.publish(pc, name); err != nil {
			return err
		}
	}
	if c.options.Silent {
		return nil
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		return err
	}
	c.Peer.Signal(sfu.Description{Type: "offer", SDP: offer.SDP})
	return nil
}

func (c *Client) openFeatures(pc *webrtc.PeerConnection) error {
	negotiated, id := true, uint16(500)
	channel, err := pc.CreateDataChannel("features", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		return err
	}
	features := fmt.Sprintf(`{"video":true,"of":%q}`, c.ID)
	if c.options.Words > 0 {
		features = fmt.Sprintf(`{"video":true,"of":%q,"words":%q}`, c.ID, strings.Repeat("x", c.options.Words))
	}
	channel.OnOpen(func() { _ = channel.SendText(features) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		c.change(func() { c.features[string(message.Data)] = string(message.Data) })
	})
	return nil
}

// publish adds a track whose payload is the client's id: receivers find whom they hear.
func (c *Client) publish(pc *webrtc.PeerConnection, name string) error {
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if name != "audio" {
		capability = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
		if c.options.MimeType != "" {
			capability.MimeType = c.options.MimeType
		}
	}
	stream := "camera"
	if name == "screen" {
		stream = "display"
	}
	track, err := webrtc.NewTrackLocalStaticSample(capability, name, stream)
	if err != nil {
		return err
	}
	transceiver, err := pc.AddTransceiverFromTrack(track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return err
	}
	c.wg.Go(func() {
		for buffer := make([]byte, 1500); ; {
			if _, _, err := transceiver.Sender().Read(buffer); err != nil {
				return
			}
		}
	})
	c.wg.Go(func() { c.send(pc, track) })
	return nil
}

// send writes a sample every 20 ms: for VP8 always a keyframe, so that a receiver may start anywhere.
func (c *Client) send(pc *webrtc.PeerConnection, track *webrtc.TrackLocalStaticSample) {
	sample := []byte("opus of " + c.ID)
	switch track.Codec().MimeType {
	case webrtc.MimeTypeH264:
		sample = append([]byte{0x00, 0x00, 0x00, 0x01, 0x65, 0x88}, "picture of "+c.ID...)
	case webrtc.MimeTypeVP8:
		sample = append([]byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}, "picture of "+c.ID...)
	}
	ticker := time.NewTicker(sampleTime)
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
			if pc.ConnectionState() == webrtc.PeerConnectionStateClosed {
				return
			}
			_ = track.WriteSample(media.Sample{Data: sample, Duration: sampleTime})
		}
	}
}

// read counts the packets of a track that carry the name of the one whose stream it is; of an audio slot, any name.
func (c *Client) read(track *webrtc.TrackRemote) {
	key := track.StreamID() + "/" + track.Kind().String()
	owner, _, _ := strings.Cut(track.StreamID(), ".")
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		text := string(packet.Payload)
		if strings.HasSuffix(text, " of "+owner) || owner == "slot" && strings.Contains(text, " of ") {
			c.change(func() { c.received[key]++ })
		}
	}
}

// run takes the events of the peer.
func (c *Client) run() {
	defer close(c.stopped)
	for {
		select {
		case <-c.stop:
			return
		case event := <-c.events:
			c.handle(event)
		}
	}
}

func (c *Client) handle(event sfu.Event) {
	c.mu.Lock()
	pc, left := c.pc, c.left
	c.mu.Unlock()
	if left {
		return
	}
	switch event := event.(type) {
	case sfu.LocalCandidate:
		if event.Candidate != nil && pc.RemoteDescription() != nil {
			_ = pc.AddICECandidate(*event.Candidate)
		}
	case sfu.LocalDescription:
		err := c.describe(pc, event.Description)
		c.mu.Lock()
		left := c.left || errors.Is(err, webrtc.ErrConnectionClosed)
		c.mu.Unlock()
		if err != nil && !left {
			c.t.Errorf("%s: %s of the server: %v", c.ID, event.Description.Type, err)
		}
	default:
		if c.options.OnEvent != nil {
			c.options.OnEvent(event)
		}
		c.change(func() { c.seen = append(c.seen, event) })
	}
}

func (c *Client) describe(pc *webrtc.PeerConnection, description sfu.Description) error {
	switch description.Type {
	case sfu.TypeReset:
		err := c.connect()
		c.change(func() { c.resetting = false })
		return err
	case "answer":
		err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: description.SDP})
		c.change(func() { c.answers++ })
		return err
	}
	if c.options.OnOffer != nil {
		c.options.OnOffer(description.SDP)
	}
	err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: description.SDP})
	if err != nil {
		return err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := pc.SetLocalDescription(answer); err != nil {
		return err
	}
	c.Peer.Signal(sfu.Description{Type: "answer", SDP: answer.SDP})
	c.change(func() { c.offers, c.lastSDP = c.offers+1, description.SDP })
	return nil
}

func (c *Client) change(f func()) {
	c.mu.Lock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
}

// Await waits until the condition holds. It is called with the client's state locked, after each change.
func (c *Client) Await(what string, condition func() bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		ok, changed := condition(), c.changed
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.t.Fatalf("%s never saw %s: received %v, %d offers, connection %s, ICE %s, signaling %s", c.ID, what,
				c.received, c.offers, c.pc.ConnectionState(), c.pc.ICEConnectionState(), c.pc.SignalingState())
		}
	}
}

// AwaitMedia waits for n more packets of a stream, "<channel name>[.screen]/<kind>".
func (c *Client) AwaitMedia(stream string, n int) {
	c.t.Helper()
	c.mu.Lock()
	until := c.received[stream] + n
	c.mu.Unlock()
	c.Await(stream, func() bool { return c.received[stream] >= until })
}

// AwaitFeatures waits until a message with that text has come over the features channel.
func (c *Client) AwaitFeatures(text string) {
	c.t.Helper()
	c.Await("features "+text, func() bool {
		for message := range c.features {
			if strings.Contains(message, text) {
				return true
			}
		}
		return false
	})
}

// AwaitEvent waits for an event, other than a signal, that matches.
func (c *Client) AwaitEvent(what string, match func(sfu.Event) bool) {
	c.t.Helper()
	c.Await(what, func() bool {
		for _, event := range c.seen {
			if match(event) {
				return true
			}
		}
		return false
	})
}

// Ended reports whether the server has given the participant up.
func (c *Client) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.seen, func(event sfu.Event) bool {
		_, ended := event.(sfu.Ended)
		return ended
	})
}

// AwaitConnected waits until ICE and DTLS are through.
func (c *Client) AwaitConnected() {
	c.t.Helper()
	c.Await("a connection", func() bool { return c.connected })
}

// Offers returns how many offers the server has made, and the last.
func (c *Client) Offers() (count int, sdp string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offers, c.lastSDP
}

// Streams returns the streams that have been heard or seen, with how many packets came.
func (c *Client) Streams() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	streams := make(map[string]int, len(c.received))
	for stream, packets := range c.received {
		streams[stream] = packets
	}
	return streams
}
