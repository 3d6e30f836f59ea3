package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	pionTWCC "github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/webrtc/v4"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

const (
	historySize = 256 // packets of a stream that can be sent again
	joinWithin  = 15 * time.Second
	leaveWithin = 5 * time.Second
	yieldAtMost = 200 * time.Millisecond
	yieldStep   = 4 * time.Millisecond
)

var errNoMedia = errors.New("no media came")

// participant is one client of the server. It implements client.Media.
type participant struct {
	// Static after construction.
	env    *environment
	number int
	room   *room
	role   role
	seat   int   // of a publisher, in its room, from 0
	wall   *wall // nil if everything is shown

	// Used by the one goroutine that joins and leaves.
	account *client.Account
	mux     *ice.UDPMuxDefault

	// Used by the one goroutine that turns pages.
	turnAt int64 // ns since the run began, 0: not yet

	client      atomic.Pointer[client.Client]
	channelName atomic.Pointer[string]
	sends       atomic.Pointer[sends]
	pc          atomic.Pointer[webrtc.PeerConnection]
	gone        atomic.Bool // the server has ended the connection
	entered     atomic.Bool // the server has said who is there
	settled     atomic.Bool // it is in the room, with media if there is any

	begun   atomic.Bool  // media has come, on whatever socket
	took    atomic.Int64 // until then from the open websocket, ns; 0: not yet, or there was none to expect
	joined  atomic.Bool  // join has succeeded
	counted atomic.Bool  // among the joins

	mu   sync.Mutex
	taps []*tap // guarded by mu: the last is in use
}

// join logs in, enters the room and waits for the first media if there is any to expect, else for the connection.
func (p *participant) join(ctx context.Context, expectMedia bool) error {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	if p.account == nil {
		name := fmt.Sprintf("load%d", p.number)
		account, err := client.LogIn(ctx, p.env.options.URL, name, "Load tester "+name)
		if err != nil {
			return err // which says that it is about logging in
		}
		p.account = account
	}
	t, err := p.openTap()
	if err != nil {
		return err
	}
	if !p.env.options.RelayOnly {
		p.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: t, Logger: quiet()})
	}
	p.env.entering.Add(1)
	defer p.env.entering.Add(-1)
	defer p.settled.Store(true)
	c, err := p.account.Dial(ctx, p.room.name, p.clientOptions())
	if err != nil {
		return err
	}
	p.client.Store(c)
	p.env.reporter.add(p)
	as := protocol.Join{Room: p.room.name}
	if p.role == viewer {
		as.As = protocol.AsViewer
	}
	if err := c.EnterAndWait(ctx, as); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if !expectMedia {
		return nil
	}
	select {
	case <-p.tap().first: // of the connection that came about
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return fmt.Errorf("join: %w", ctx.Err())
		}
		return fmt.Errorf("join: %w within %v", errNoMedia, joinWithin)
	}
}

// leave ends what join has begun, as far as it came. It returns false if it has to leave something behind: pion's close
// has been seen to wait for ever, and one participant in a thousand must not hold up the report.
func (p *participant) leave() bool {
	p.env.reporter.remove(p)
	p.pc.Store(nil)
	for _, t := range p.tapsSoFar() {
		t.end()
	}
	ended := make(chan struct{})
	if c := p.client.Swap(nil); c != nil {
		go func() {
			_ = c.Close()
			close(ended)
		}()
	} else {
		close(ended)
	}
	inTime := within(ended, leaveWithin)
	if p.mux != nil {
		_ = p.mux.Close()
		p.mux = nil
	}
	for _, t := range p.tapsSoFar() {
		_ = t.Close() // the second time for most
	}
	return inTime || within(ended, leaveWithin)
}

func within(ended <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// openTap makes the socket that is used from now on.
func (p *participant) openTap() (*tap, error) {
	hurry := func() { p.env.reporter.hurry(p) }
	t, err := newTap(p.env.local, p.env, p.wall, p.mediaBegan, hurry)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taps = append(p.taps, t)
	return t, nil
}

func (p *participant) tap() *tap {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taps[len(p.taps)-1]
}

func (p *participant) tapsSoFar() []*tap {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.taps)
}

// total is what has come so far.
func (p *participant) total() meter {
	var m meter
	for _, t := range p.tapsSoFar() {
		m.add(t.total())
	}
	return m
}

func (p *participant) clientOptions() client.Options {
	relayed := false
	return client.Options{
		Media: p, Unlisted: true, RelayOnly: p.env.options.RelayOnly, Certificates: p.env.certificates,
		Interceptors: p.interceptors, Settings: p.settings, Slots: p.env.options.Slots,
		ICEServer: func(url string) bool { // at most one, the embedded one over UDP
			if !p.env.options.RelayOnly || relayed || !strings.HasPrefix(url, "turn:") ||
				strings.Contains(url, "transport=tcp") {
				return false
			}
			relayed = true
			return true
		},
		OnEvent: p.happened,
	}
}

// settings let pion lose no time, and see the network through the tap.
func (p *participant) settings(s *webrtc.SettingEngine) {
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if p.env.local.Is6() {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP6})
	}
	s.DisableActiveTCP(true)
	s.SetHostAcceptanceMinWait(0)
	s.SetPrflxAcceptanceMinWait(0)
	s.SetRelayAcceptanceMinWait(0)
	s.SetFireOnTrackBeforeFirstRTP(true)
	s.SetDTLSRetransmissionInterval(100 * time.Millisecond)
	s.SetSCTPMaxReceiveBufferSize(64 << 10)
	if p.mux != nil {
		s.SetICEUDPMux(p.mux)
		return
	}
	inner, err := stdnet.NewNet()
	if err != nil {
		return // pion will say so itself
	}
	s.SetNet(&tappedNet{inner, p})
}

// tappedNet gives a tap to pion's TURN client.
type tappedNet struct {
	transport.Net
	p *participant
}

// ListenPacket opens a socket that is tapped.
func (n *tappedNet) ListenPacket(string, string) (net.PacketConn, error) {
	t := n.p.tap()
	if t.lent.Swap(true) {
		var err error
		if t, err = n.p.openTap(); err != nil {
			return nil, err
		}
		t.lent.Store(true)
	}
	return t, nil
}

// interceptors do what the sending side has to do. The receiving side sees samples only, so feedback.go does that.
func (p *participant) interceptors() (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	if p.role != publisher {
		return registry, nil
	}
	responder, err := nack.NewResponderInterceptor(nack.ResponderSize(historySize))
	if err != nil {
		return nil, err
	}
	reports, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	numbers, err := pionTWCC.NewHeaderExtensionInterceptor()
	if err != nil {
		return nil, err
	}
	registry.Add(responder)
	registry.Add(reports)
	registry.Add(numbers)
	return registry, nil
}

// Attach implements client.Media.
func (p *participant) Attach(conn *client.Connection) error {
	p.tap().restart()
	p.pc.Store(conn.PC())
	conn.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		t := p.tap()
		t.bind(uint32(remote.SSRC()))
		conn.Go(func() { p.readReports(t, receiver) })
		conn.Go(func() { p.readSamples(t, remote) })
	})
	if p.role != publisher {
		return nil
	}
	s := newSends(p)
	p.sends.Store(s)
	return s.attach(conn)
}

// Describe implements client.Media. Everybody's browser is a machine of its own; ours share one, where a newcomer must
// not wait for what its coming is to all others. So those who are in the room let it go first, for a while: not where
// pages show but some of the others, for then its coming is nothing to most.
func (p *participant) Describe(sdp string) {
	if p.wall == nil && p.settled.Load() {
		for end := time.Now().Add(yieldAtMost); p.env.entering.Load() > 0 && time.Now().Before(end); {
			time.Sleep(yieldStep)
		}
	}
	p.tap().describe(sdp)
	if p.wall != nil {
		p.wall.describe(readPictures(sdp))
	}
}

func (p *participant) readReports(t *tap, receiver *webrtc.RTPReceiver) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		t.heard(packets, p.env.clock.now())
	}
}

// readSamples looks into what pion has decrypted.
func (p *participant) readSamples(t *tap, remote *webrtc.TrackRemote) {
	synthetic := p.env.audio == nil
	if remote.Kind() == webrtc.RTPCodecTypeVideo {
		synthetic = p.env.video == nil
	}
	buffer := make([]byte, datagramSize)
	for {
		n, _, err := remote.Read(buffer)
		if err != nil {
			return
		}
		packet := buffer[:n]
		payload, ok := payloadOf(packet)
		if !ok {
			continue
		}
		ssrc, number := binary.BigEndian.Uint32(packet[8:]), binary.BigEndian.Uint16(packet[2:])
		if latency, ok := t.decrypted(ssrc, number, payload, synthetic); ok {
			p.env.latency.add(latency)
		}
	}
}

// payloadOf returns the payload of a decrypted RTP packet (RFC 3550, 5.1), false if there is none.
func payloadOf(packet []byte) ([]byte, bool) {
	if len(packet) < 12 {
		return nil, false
	}
	at := 12 + 4*int(packet[0]&0x0f)
	if packet[0]&0x10 != 0 {
		if len(packet) < at+4 {
			return nil, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(packet[at+2:]))
	}
	end := len(packet)
	if packet[0]&0x20 != 0 {
		end -= int(packet[end-1])
	}
	if at >= end {
		return nil, false
	}
	return packet[at:end], true
}

// sendRTCP sends what there is, if there is a connection.
func (p *participant) sendRTCP(packets []rtcp.Packet) {
	if pc := p.pc.Load(); pc != nil && len(packets) > 0 {
		_ = pc.WriteRTCP(packets) // it may be closing
	}
}

func quiet() logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope("", logging.LogLevelDisabled, nil)
}
