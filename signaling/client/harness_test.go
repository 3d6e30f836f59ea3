package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"parley/auth"
	"parley/sfu"
	"parley/signaling"
	"parley/signaling/protocol"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testServer is the real hub over a fake SFU, behind the contract's login form.
type testServer struct {
	t     *testing.T
	url   string
	media *mirror

	mu    sync.Mutex
	names map[string]string // guarded by mu: screen name by session
}

func newServer(t *testing.T) *testServer {
	s := &testServer{t: t, media: &mirror{t: t, joined: make(chan struct{})}, names: make(map[string]string)}
	hub := signaling.New(signaling.Config{}, signaling.Deps{
		Sessions: s, OriginAllowed: auth.OriginAllowed, Media: s.media, Presence: s, Renderer: s, RTCConfigs: s,
	}, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.Handle("GET /ws/{room}/", hub)
	mux.HandleFunc("POST /login/", s.logIn)
	mux.HandleFunc("POST /logout/", func(w http.ResponseWriter, r *http.Request) {
		identity, _ := s.Identify(r)
		hub.EndSession(identity.SessionID)
		http.Redirect(w, r, "/login/", http.StatusSeeOther)
	})
	server := httptest.NewServer(mux)
	s.url = server.URL
	t.Cleanup(func() {
		if err := hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
		s.media.wait()
	})
	return s
}

func (s *testServer) logIn(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("screen_name")
	if name == "" || name == r.FormValue("name") || r.FormValue("next") != "/" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	s.mu.Lock()
	id := fmt.Sprint("session", len(s.names))
	s.names[id] = name
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/"})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *testServer) Identify(r *http.Request) (auth.Identity, bool) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return auth.Identity{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := s.names[cookie.Value]
	return auth.Identity{User: auth.User{ScreenName: name}, SessionID: cookie.Value}, ok
}

func (s *testServer) Enter(string, string)                    {}
func (s *testServer) Leave(string, string)                    {}
func (s *testServer) Header(protocol.Header) string           { return "<header>" }
func (s *testServer) Hands([]protocol.Participant) string     { return "<hands>" }
func (s *testServer) Present(protocol.Present) string         { return "<present>" }
func (s *testServer) Panel(p protocol.Participant) string     { return "<" + p.ShortName + ">" }
func (s *testServer) State(protocol.Participant, bool) string { return "" }
func (s *testServer) RTCConfig(string) (protocol.RTCConfig, time.Time) {
	return protocol.RTCConfig{ICETransportPolicy: "all"}, time.Time{}
}

// guest is a client that is closed when the test ends.
func (s *testServer) guest(name string, options Options) *Client {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := LogIn(ctx, s.url, name, "Real "+name)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := account.Dial(ctx, "lobby", options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

func await(t *testing.T, c *Client, what string, wanted func(Snapshot) bool) Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Await(ctx, wanted); err != nil {
		t.Fatalf("%s: %v\n%+v", what, err, c.Snapshot())
	}
	return c.Snapshot()
}

// mirror is an SFU that sends each participant its own media back, as somebody else's.
type mirror struct {
	t *testing.T

	mu     sync.Mutex
	peers  []*mirrorPeer // guarded by mu
	silent bool          // guarded by mu: new peers answer nothing
	joined chan struct{} // closed with the first peer
}

func (m *mirror) Listen(func(string, sfu.RoomEvent)) {}

// Join implements signaling.Media.
func (m *mirror) Join(room, id string, _ sfu.Barred, deliver func(sfu.Event)) (signaling.Peer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &mirrorPeer{t: m.t, room: room, id: id, deliver: deliver, actions: make(chan func(), 1000), silent: m.silent}
	p.running.Go(p.run)
	m.peers = append(m.peers, p)
	if len(m.peers) == 1 {
		close(m.joined)
	}
	return p, nil
}

// last waits for a peer: a client knows of its room before the server has one for it.
func (m *mirror) last() *mirrorPeer {
	<-m.joined
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers[len(m.peers)-1]
}

func (m *mirror) wait() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.peers {
		p.running.Wait()
	}
}

// mirrorPeer is one peer of the mirror. Its loop owns the PeerConnection.
type mirrorPeer struct {
	t        *testing.T
	room, id string
	deliver  func(sfu.Event)
	actions  chan func()
	running  sync.WaitGroup

	mu   sync.Mutex
	seen []string // guarded by mu: types of what the client signalled

	pc      *webrtc.PeerConnection
	senders []*webrtc.RTPSender
	media   sync.WaitGroup
	silent  bool
	wanted  bool // there is something to offer
	ended   bool
}

func (p *mirrorPeer) run() {
	for do := range p.actions {
		do()
		if p.ended {
			break
		}
	}
	p.close()
}

func (p *mirrorPeer) close() {
	if p.pc != nil {
		_ = p.pc.GracefulClose()
		for _, sender := range p.senders { // one that came as pion closed is not ended by it
			_ = sender.Stop()
		}
		p.media.Wait()
		p.pc, p.senders = nil, nil
	}
}

func (p *mirrorPeer) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, what)
}

func (p *mirrorPeer) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *mirrorPeer) Screen(string) {}

func (p *mirrorPeer) View(tiles []sfu.Tile, _ *bool) { p.note(fmt.Sprint("view ", tiles)) }
func (p *mirrorPeer) Slots(audio int)                { p.note(fmt.Sprint("slots ", audio)) }
func (p *mirrorPeer) Bar(what sfu.Barred)            { p.note(fmt.Sprint("bar ", what)) }

func (p *mirrorPeer) Limited(mid string, why sfu.Why) { p.note(fmt.Sprintf("limited %s %s", mid, why)) }

func (p *mirrorPeer) Close() { p.actions <- func() { p.ended = true } }
func (p *mirrorPeer) Signal(d sfu.Description) {
	p.note(d.Type)
	p.actions <- func() {
		if !p.silent {
			p.describe(d)
		}
	}
}

func (p *mirrorPeer) Candidate(c *sfu.Candidate) {
	if c == nil {
		p.note("end of candidates")
		return
	}
	p.note("candidate")
	p.actions <- func() {
		if p.pc != nil {
			_ = p.pc.AddICECandidate(*c)
		}
	}
}

// do runs f on the peer's loop and waits for it.
func (p *mirrorPeer) do(f func()) {
	done := make(chan struct{})
	p.actions <- func() {
		defer close(done)
		f()
	}
	<-done
}

func (p *mirrorPeer) describe(d sfu.Description) {
	switch d.Type {
	case sfu.TypeReset:
		p.close()
		p.deliver(sfu.LocalDescription{Description: sfu.Description{Type: sfu.TypeReset}})
		return
	case "offer":
		if p.pc == nil {
			p.open()
		}
		if p.pc.SignalingState() != webrtc.SignalingStateStable {
			return // impolite
		}
	}
	if p.pc.ConnectionState() == webrtc.PeerConnectionStateClosed {
		return // by the client, which is about to leave
	}
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.NewSDPType(d.Type), SDP: d.SDP})
	if err == nil && d.Type == "offer" {
		err = p.local(p.pc.CreateAnswer(nil))
	}
	switch {
	case errors.Is(err, webrtc.ErrConnectionClosed): // by the client, at this moment
		return
	case err != nil:
		p.t.Errorf("peer: %s: %v", d.Type, err)
	}
	p.offer()
}

func (p *mirrorPeer) local(d webrtc.SessionDescription, err error) error {
	if err != nil {
		return err
	}
	if err := p.pc.SetLocalDescription(d); err != nil {
		return err
	}
	p.deliver(sfu.LocalDescription{Description: sfu.Description{Type: d.Type.String(), SDP: d.SDP}})
	return nil
}

func (p *mirrorPeer) open() {
	api, err := newAPI(Options{}, slog.New(slog.DiscardHandler))
	if err == nil {
		p.pc, err = api.NewPeerConnection(webrtc.Configuration{})
	}
	if err != nil {
		p.t.Fatal(err)
	}
	pc := p.pc
	negotiated, id := true, uint16(protocol.FeaturesID)
	channel, err := pc.CreateDataChannel("features", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		p.t.Fatal(err)
	}
	channel.OnMessage(func(m webrtc.DataChannelMessage) {
		_ = channel.SendText(`{"channel_name":"other","features":` + string(m.Data) + `}`)
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			p.deliver(sfu.LocalCandidate{})
			return
		}
		init := c.ToJSON()
		p.deliver(sfu.LocalCandidate{Candidate: &init})
	})
	pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		p.actions <- func() {
			if p.pc == pc {
				p.reflect(remote)
			}
		}
	})
}

// reflect offers a track of the client's own to it.
func (p *mirrorPeer) reflect(remote *webrtc.TrackRemote) {
	stream := "other"
	if remote.RID() != "" {
		stream = "rid-" + remote.RID()
	}
	track, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, stream+remote.Kind().String(), stream)
	if err != nil {
		p.t.Fatal(err)
	}
	transceiver, err := p.pc.AddTransceiverFromTrack(track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if errors.Is(err, webrtc.ErrConnectionClosed) { // by the client, at this moment
		return
	}
	if err != nil {
		p.t.Fatal(err)
	}
	pc, sender := p.pc, transceiver.Sender()
	p.senders = append(p.senders, sender)
	p.media.Go(func() {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				if _, ok := packet.(*rtcp.PictureLossIndication); ok {
					_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
				}
			}
		}
	})
	p.media.Go(func() {
		for {
			packet, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			packet.Extension, packet.Extensions = false, nil
			if err := track.WriteRTP(packet); err != nil && !errors.Is(err, webrtc.ErrConnectionClosed) {
				return
			}
		}
	})
	p.wanted = true
	p.offer()
}

// offer makes an offer if there is something to offer and none is out.
func (p *mirrorPeer) offer() {
	if !p.wanted || p.pc.SignalingState() != webrtc.SignalingStateStable {
		return
	}
	p.wanted = false
	if err := p.local(p.pc.CreateOffer(nil)); err != nil && !errors.Is(err, webrtc.ErrConnectionClosed) {
		p.t.Errorf("peer: offer: %v", err)
	}
}

func count(log []string, what string) int {
	return strings.Count(strings.Join(log, "\n")+"\n", what+"\n")
}
