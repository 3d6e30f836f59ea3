package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
	"golang.org/x/time/rate"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

const (
	leakWorkers = 8
	leaksUsual  = 500             // joins, and publishes; handshakes of each kind are a tenth
	lettingGo   = 7 * time.Second // within which something more goes, while anything is left
)

// repeat does something often, several at a time, each with another number.
func repeat(t *testing.T, times int, do func(ctx context.Context, i int) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	began := time.Now()
	var next atomic.Int64
	var running sync.WaitGroup
	for range leakWorkers {
		running.Go(func() {
			for i := int(next.Add(1)); i <= times && ctx.Err() == nil; i = int(next.Add(1)) {
				if err := do(ctx, i); err != nil {
					t.Errorf("time %d: %v", i, err)
					cancel()
				}
			}
		})
	}
	running.Wait()
	t.Logf("%d times in %v", times, time.Since(began).Round(time.Millisecond))
}

// idle waits until the server has let go of all that it lets go of, and tells what it holds.
func idle(t *testing.T, at counts) usage {
	t.Helper()
	least, since := measure(t, at), time.Now()
	for time.Since(since) < lettingGo {
		time.Sleep(250 * time.Millisecond)
		if now := measure(t, at); now.goroutines < least.goroutines || now.files < least.files {
			least, since = now, time.Now()
		}
	}
	return least
}

// TestLeaks has people join and leave, publish and stop, and abort handshakes at every stage, as often as LEAKS says:
// then the server holds as much as before.
func TestLeaks(t *testing.T) {
	times := loops(t, "LEAKS", leaksUsual)
	turnPort := freePort(t)
	at, flags := countsFlags(t)
	s := launch(t, append(flags, "--media-port", fmt.Sprint(freePort(t)), "--turn-port", fmt.Sprint(turnPort),
		"--announce", "127.0.0.1", "--cpu-limit", "1")...)
	c := newCaller(t, s)
	repeat(t, 4*leakWorkers, c.comeAndGo) // what is made once is there then
	before := idle(t, at)
	t.Run("joins", func(t *testing.T) {
		repeat(t, times, c.comeAndGo)
		flat(t, at, "after joins", before)
	})
	t.Run("publishes", func(t *testing.T) {
		leakPublishes(t, s, times)
		flat(t, at, "after publishes", before)
	})
	t.Run("log-ins", func(t *testing.T) {
		repeat(t, times, func(ctx context.Context, _ int) error {
			_, err := client.LogIn(ctx, s.url, "again", "The real again")
			return err
		})
		flat(t, at, "after log-ins", before)
	})
	t.Run("aborted", func(t *testing.T) {
		for name, aborted := range c.aborted(strings.TrimPrefix(s.url, "http://"), turnPort) {
			t.Run(name, func(t *testing.T) { repeat(t, max(leakWorkers, times/10), aborted) })
		}
		flat(t, at, "after handshakes that were aborted", before)
	})
}

// TestLeaksOfTLS aborts handshakes after each byte of their first message.
func TestLeaksOfTLS(t *testing.T) {
	times := max(leakWorkers, loops(t, "LEAKS", leaksUsual)/10)
	certFile, keyFile := certify(t, "localhost", time.Now().Add(time.Hour))
	s, at := startCounted(t, "--tls-cert-file", certFile, "--tls-key-file", keyFile)
	hello, pages := helloTLS(t), strings.TrimPrefix(s.url, "https://")
	aborted := func(_ context.Context, i int) error { return half(pages, hello[:1+i%len(hello)]) }
	repeat(t, leakWorkers, aborted)
	before := idle(t, at)
	repeat(t, times, aborted)
	flat(t, at, "after handshakes that were aborted", before)
}

// comeAndGo is a whole stay in a room of its own, with something written in it.
func (c *caller) comeAndGo(ctx context.Context, i int) error {
	a := &attempt{caller: c}
	defer a.abort()
	if err := a.upTo(ctx, "keys", i); err != nil {
		return err
	}
	says := protocol.ClientChat{Type: protocol.TypeSay, Text: strings.Repeat("words ", 100)}
	return errors.Join(a.socket.WriteJSON(map[string]any{protocol.KeyChat: says}),
		a.socket.WriteJSON(map[string]any{protocol.KeyHangup: true}))
}

// stages of a handshake, each after those before.
func stages() []string { return []string{"websocket", "join", "offer", "path", "keys"} }

// upTo goes as far as to a stage.
func (a *attempt) upTo(ctx context.Context, stage string, i int) error {
	for _, at := range stages() {
		var err error
		switch at {
		case "websocket":
			err = a.open(ctx, "")
		case "join":
			err = a.join(fmt.Sprint("room", i))
		case "offer":
			err = a.describe()
		case "path":
			err = a.connect(ctx)
		case "keys":
			err = a.secure(ctx, true)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if at == stage {
			return nil
		}
	}
	return nil
}

// aborted are the ways to begin a handshake and to be gone.
func (c *caller) aborted(pages string, turnPort int) map[string]func(ctx context.Context, i int) error {
	ways := map[string]func(ctx context.Context, i int) error{
		"connected": func(context.Context, int) error { return half(pages, nil) },
		"HTTP half": func(context.Context, int) error {
			return half(pages, []byte("GET /ws/lobby/ HTTP/1.1\r\nHost: "+pages+"\r\nUpgr"))
		},
		"resumable": func(ctx context.Context, i int) error {
			a := &attempt{caller: c}
			defer a.abort()
			if err := a.open(ctx, "?resume"); err != nil {
				return err
			}
			return a.join(fmt.Sprint("room", i))
		},
		"DTLS half": func(ctx context.Context, i int) error {
			a := &attempt{caller: c}
			defer a.abort()
			if err := a.upTo(ctx, "path", i); err != nil {
				return err
			}
			return a.secure(ctx, false)
		},
		"TURN over UDP": func(context.Context, int) error { return askForRelay("udp", turnPort) },
		"TURN over TCP": func(context.Context, int) error { return askForRelay("tcp", turnPort) },
		"TURN half": func(context.Context, int) error {
			return half(fmt.Sprintf("127.0.0.1:%d", turnPort), []byte{0, 3, 0})
		},
	}
	for _, stage := range stages() {
		ways["after "+stage] = func(ctx context.Context, i int) error {
			a := &attempt{caller: c}
			defer a.abort()
			return a.upTo(ctx, stage, i)
		}
	}
	return ways
}

// askForRelay sends the first request of an allocation, which is refused with what the second would need.
func askForRelay(network string, port int) error {
	conn, err := net.Dial(network, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	const requestedTransport = stun.AttrRequestedTransport
	request, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest),
		stun.RawAttribute{Type: requestedTransport, Value: []byte{17, 0, 0, 0}})
	if err != nil {
		return err
	}
	if _, err := conn.Write(request.Raw); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	p := make([]byte, 1500)
	n, err := conn.Read(p)
	if err != nil {
		return err
	}
	answer := &stun.Message{Raw: p[:n]}
	if err := answer.Decode(); err != nil {
		return err
	}
	if answer.Type.Class != stun.ClassErrorResponse {
		return fmt.Errorf("answered with %v", answer.Type)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return tcp.SetLinger(0)
	}
	return nil
}

// leakPublishes has one participant of each room add a track and take it away, while another is there to get it.
func leakPublishes(t *testing.T, s *server, times int) {
	c := newCaller(t, s)
	publishers := make(chan *publisher, leakWorkers)
	var viewers []*client.Client
	for i := range leakWorkers {
		room := fmt.Sprint("stage", i)
		viewer := s.guest(fmt.Sprint("viewer", i), client.Options{})
		viewers = append(viewers, viewer)
		join(t, viewer, room)
		p, err := newPublisher(t.Context(), c, room)
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		publishers <- p
	}
	offers := func() (n int) {
		for _, viewer := range viewers {
			n += viewer.Snapshot().Offers
		}
		return n
	}
	repeat(t, times, func(context.Context, int) error {
		p := <-publishers
		defer func() { publishers <- p }()
		return p.publish()
	})
	if n := offers(); n < 2*leakWorkers {
		t.Errorf("the others had %d offers", n)
	}
	for _, viewer := range viewers {
		if err := viewer.Close(); err != nil {
			t.Error(err)
		}
	}
}

// publisher is a participant who offers as often as it likes, and is offered nothing.
type publisher struct {
	attempt
	pc    *webrtc.PeerConnection
	track *webrtc.TrackLocalStaticRTP
	pace  *rate.Limiter
}

func newPublisher(ctx context.Context, c *caller, room string) (*publisher, error) {
	p := &publisher{attempt: attempt{caller: c}, pace: rate.NewLimiter(9, 150)} // the server takes a little more
	if err := p.open(ctx, ""); err != nil {
		return nil, err
	}
	if err := p.join(room); err != nil {
		return nil, err
	}
	engine, settings := &webrtc.MediaEngine{}, webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	err := engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111},
		webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings))
	if p.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, err
	}
	if p.track, err = webrtc.NewTrackLocalStaticRTP(opus, "audio", "camera"); err != nil {
		return nil, err
	}
	return p, p.publish()
}

func (p *publisher) publish() error {
	sender, err := p.pc.AddTrack(p.track)
	if err != nil {
		return err
	}
	if err := p.negotiate(); err != nil {
		return err
	}
	return errors.Join(p.pc.RemoveTrack(sender), p.negotiate())
}

func (p *publisher) negotiate() error {
	if err := p.pace.Wait(context.Background()); err != nil {
		return err
	}
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	answer, err := p.signal("offer", p.pc.LocalDescription().SDP)
	if err != nil {
		return err
	}
	if p.answer.candidate != nil {
		candidate := webrtc.ICECandidateInit{Candidate: "candidate:" + p.answer.candidate.Marshal()}
		defer func() { _ = p.pc.AddICECandidate(candidate) }()
	}
	return p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

func (p *publisher) close() {
	_ = p.pc.Close()
	p.abort()
}
