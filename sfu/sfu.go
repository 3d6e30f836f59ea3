package sfu

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"parley/sfu/egress"
)

// How long a path may be silent. Silence is reported after silentAfter; the connection keeps trying until failedAfter.
const (
	silentAfter = 3 * time.Second
	failedAfter = 12 * time.Second // after silentAfter
	keepalive   = 2 * time.Second  // media counts as well, and comes more often

	// handshakeAgain is when an unanswered part of the DTLS handshake is sent again for the first time, then after twice
	// as long, and so on. RFC 6347, 4.2.4.1 has a second, for which nobody waits who joins; browsers take 50 ms.
	handshakeAgain = 250 * time.Millisecond

	regularSlot = 250 * time.Millisecond
)

// MediaPort stands for the port of a candidate of UDP, whichever it is.
const MediaPort = 0

// Config is what an [SFU] needs.
type Config struct {
	// Codecs that participants may publish and receive, out of CodecNames.
	Codecs []string
	// UDP carries all media; its listen addresses become the host candidates.
	UDP *egress.Mux
	// TCPPorts are those at which clients reach ICE over TCP, which is joined to the socket of UDP; MediaPort stands for
	// that of UDP.
	TCPPorts []uint16
	// CongestionControl sends each receiver no more than its network carries; without it, the best of everything.
	CongestionControl bool
}

// SFU forwards media between the participants of each room.
type SFU struct {
	// Static after construction.
	log      *slog.Logger
	codecs   []string
	udp      *egress.Mux
	tcpPorts []uint16
	settings webrtc.SettingEngine
	began    time.Time
	controls bool // congestion
	clock    *paceClock
	voices   *voiceClock
	crew     *crew
	stop     chan struct{}                      // ends the clocks
	tell     func(room string, event RoomEvent) // set before the first join

	people  atomic.Int64 // in all rooms
	tallies tallies

	peers  sync.WaitGroup
	clocks sync.WaitGroup

	mu     sync.Mutex
	rooms  map[string]*room // guarded by mu
	closed bool             // guarded by mu
}

// New makes an SFU. The mux stays the caller's, to be closed after [SFU.Close].
func New(cfg Config, log *slog.Logger) (*SFU, error) {
	settings, err := newSettings(cfg, log)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	s := &SFU{
		log: log, codecs: cfg.Codecs, udp: cfg.UDP, tcpPorts: cfg.TCPPorts, settings: settings, began: time.Now(),
		rooms:    make(map[string]*room),
		controls: cfg.CongestionControl, clock: newPaceClock(cfg.UDP.Conn()), voices: newVoiceClock(),
		crew: newCrew(cfg.UDP.Conn()),
		stop: make(chan struct{}), tell: func(string, RoomEvent) {},
	}
	if _, _, err := s.newAPI(newTransport(cfg.UDP.Conn())); err != nil {
		return nil, err
	}
	clock := s.clock
	s.clocks.Go(func() { clock.run(s.stop) })
	for range s.crew.hands {
		s.clocks.Go(func() { s.crew.run(s.stop) })
	}
	s.clocks.Go(func() {
		s.voices.run(s.stop, func(v *voices, event RoomEvent) { s.tell(v.room, event) })
	})
	return s, nil
}

// newAPI makes the API of one PeerConnection, whose media goes by t. It is not shared: senders made by it must see the
// codecs that this connection has negotiated. It has no interceptors, since no media passes pion.
func (s *SFU) newAPI(t *transport) (*webrtc.API, *webrtc.MediaEngine, error) {
	engine, err := newMediaEngine(s.codecs)
	if err != nil {
		return nil, nil, fmt.Errorf("codecs: %w", err)
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
		webrtc.WithSettingEngine(t.observe(s.settings)),
	), engine, nil
}

// together moves a time ahead a little, to where the regular work of all peers is done at once: waking up costs as much
// as the work.
func (s *SFU) together(t time.Time) time.Time {
	return s.began.Add(t.Sub(s.began).Truncate(regularSlot))
}

// forwards reports whether tracks of that codec are forwarded.
func (s *SFU) forwards(codec webrtc.RTPCodecCapability) bool {
	_, name, _ := strings.Cut(strings.ToLower(codec.MimeType), "/")
	return slices.Contains(s.codecs, name)
}

// codecOf is what a client sends on a line; not sure if it has a choice.
func (s *SFU) codecOf(line *sendingLine) (codec webrtc.RTPCodecCapability, sure bool) {
	for _, f := range line.formats {
		switch {
		case !s.forwards(f.codec):
		case sure && !sameCodec(codec, f.codec):
			return codec, false
		default:
			codec, sure = f.codec, true
		}
	}
	return codec, sure
}

func newSettings(cfg Config, log *slog.Logger) (webrtc.SettingEngine, error) {
	settings := webrtc.SettingEngine{LoggerFactory: pionLogs{log}}
	settings.SetICEUDPMux(cfg.UDP)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetIncludeLoopbackCandidate(true)
	settings.DisableMediaEngineCopy(true) // see newAPI
	settings.DetachDataChannels()         // see connection.readFeatures
	// The first line of a kind has all codecs; matching them on each costs most of a description's time.
	settings.DisableMediaEngineMultipleCodecs(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.DisableActiveTCP(true) // a client's TCP candidate must not make us dial anywhere
	settings.SetDTLSRetransmissionInterval(handshakeAgain)
	settings.SetICETimeouts(silentAfter, failedAfter, keepalive)
	// We are the DTLS server and so choose; encrypting with GCM costs a sixth of the classic profile.
	settings.SetSRTPProtectionProfiles(
		dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	return settings, settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer)
}

// Join puts a participant into a room, which it creates if need be. The id must be unique in the room. Events for the
// participant go to deliver until the peer is closed.
func (s *SFU) Join(roomName, id string, what Barred, deliver func(Event)) (*Peer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("join: %w", ErrClosed)
	}
	r := s.rooms[roomName]
	if r == nil {
		r = newRoom(roomName, s.voices)
	}
	p := newPeer(s, r, id, what, deliver)
	if err := r.join(p); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	s.rooms[roomName] = r
	s.people.Add(1)
	s.peers.Go(p.run)
	return p, nil
}

// Listen has tell told who speaks in each room, one event at a time for a room. It must come before the first Join;
// tell must not block.
func (s *SFU) Listen(tell func(room string, event RoomEvent)) { s.tell = tell }

// leave takes the peer out of its room, and the room out of the SFU if it was the last. Joining happens under the same
// lock, so a room that someone joins is never dropped.
func (s *SFU) leave(p *Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left, was := p.room.leave(p)
	if was {
		s.people.Add(-1)
	}
	if left == 0 && s.rooms[p.room.name] == p.room {
		delete(s.rooms, p.room.name)
	}
}

// People is how many participants there are, viewers included.
func (s *SFU) People() int { return int(s.people.Load()) }

// Close ends all peers and waits for them. Later joins get ErrClosed.
func (s *SFU) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	var peers []*Peer
	for _, r := range s.rooms {
		peers = append(peers, r.peers()...)
	}
	s.mu.Unlock()
	for _, p := range peers {
		p.Close()
	}
	s.peers.Wait()
	if !already {
		close(s.stop)
	}
	s.clocks.Wait()
	return nil
}

// Counts is how much an SFU carries at a moment.
type Counts struct{ Rooms, Peers, UpTracks, DownTracks int }

// Counts returns what is there now.
func (s *SFU) Counts() Counts {
	s.mu.Lock()
	rooms := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	s.mu.Unlock()
	counts := Counts{Rooms: len(rooms)}
	for _, r := range rooms {
		r.count(&counts)
	}
	return counts
}
