package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"parley/signaling/client"
)

const (
	voiceEvery  = 20 * time.Millisecond
	voiceSize   = 40                     // bytes of payload
	silentEvery = 400 * time.Millisecond // of somebody who says nothing (Opus DTX)
	silentSize  = 3
	freezeAfter = 500 * time.Millisecond // without a new picture
)

// viewer publishes a marked picture and a voice, and keeps account of what it is shown. It implements client.Media.
type viewer struct {
	// Static after construction.
	*client.Client
	began    time.Time // of the test
	gate     *gate
	mux      *ice.UDPMuxDefault
	speaks   bool
	encoders []*encoder

	mu      sync.Mutex
	shown   map[string]*screen // guarded by mu: by the publisher's channel name
	voices  map[string]*voice  // guarded by mu
	strange int                // guarded by mu: packets of video without a mark
}

// gate is a viewer's socket. It lets nothing pass but what comes from one place, the shaper: what the server sends past
// it, to the viewer's own candidates, is lost.
type gate struct {
	*net.UDPConn
	only netip.AddrPort
}

func (g *gate) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := g.ReadFromUDPAddrPort(b)
		if err != nil || from == g.only {
			return n, from, err
		}
	}
}

func (g *gate) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := g.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

func (g *gate) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return g.WriteToUDPAddrPort(b, to)
}

// port is where the viewer's media comes from.
func (v *viewer) port() int { return v.gate.LocalAddr().(*net.UDPAddr).Port }

// viewer is somebody who knows no way to the server but the one at that address; it is closed when the test ends.
func (s *server) viewer(name string, at netip.AddrPort, began time.Time, speaks bool) *viewer {
	s.t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = conn.SetReadBuffer(2 << 20)
	v := &viewer{
		began: began, gate: &gate{conn, at}, speaks: speaks,
		shown: make(map[string]*screen), voices: make(map[string]*voice),
	}
	v.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: v.gate})
	s.t.Cleanup(func() { // after the client
		_ = v.mux.Close()
		_ = conn.Close()
	})
	for i, l := range pictureLayers() {
		v.encoders = append(v.encoders, newEncoder(i, l))
	}
	v.Client = s.guest(name, client.Options{Media: v, Settings: func(settings *webrtc.SettingEngine) {
		settings.SetICEUDPMux(v.mux)
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	}})
	return v
}

// Attach implements client.Media.
func (v *viewer) Attach(conn *client.Connection) error {
	conn.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		conn.Go(func() { // for the interceptors
			for buffer := make([]byte, 1500); ; {
				if _, _, err := receiver.Read(buffer); err != nil {
					return
				}
			}
		})
		conn.Go(func() { v.read(remote, conn.PC()) })
	})
	sound := client.NewTrack(client.Encoding{Kind: "audio"}, "camera", nil)
	pictures := make([]*client.Track, 0, len(v.encoders))
	for _, e := range v.encoders {
		pictures = append(pictures, e.track)
	}
	if err := errors.Join(conn.Publish(sound), conn.Publish(pictures...)); err != nil {
		return err
	}
	conn.Go(func() { v.speak(sound, conn.Done()) })
	conn.Go(func() { v.film(conn.Done()) })
	return nil
}

// Describe implements client.Media.
func (v *viewer) Describe(string) {}

// speak sends the voice, or the noise of a silent room.
func (v *viewer) speak(sound *client.Track, done <-chan struct{}) {
	every, payload, level := voiceEvery, make([]byte, voiceSize), byte(0x80|20)
	if !v.speaks {
		every, payload, level = silentEvery, make([]byte, silentSize), 0x7f
	}
	payload[0] = 0x78 // CELT, 20 ms, mono (RFC 6716, 3.1)
	beat(every, done, func(uint32) {
		sound.Send(payload, false, level)
		sound.Advance(uint32(every / time.Millisecond * 48))
	})
}

// film sends the pictures.
func (v *viewer) film(done <-chan struct{}) {
	beat(time.Second/pictureRate, done, func(n uint32) {
		for _, e := range v.encoders {
			e.send(n, time.Since(v.began))
		}
	})
}

// beat calls f with 0, 1, 2 and so on, in time, until done is closed.
func beat(every time.Duration, done <-chan struct{}, f func(n uint32)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := uint32(0); ; n++ {
		select {
		case <-done:
			return
		case <-ticker.C:
			f(n)
		}
	}
}

// read takes what comes of one track.
func (v *viewer) read(remote *webrtc.TrackRemote, pc *webrtc.PeerConnection) {
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		now := time.Since(v.began)
		if remote.Kind() == webrtc.RTPCodecTypeAudio {
			v.hear(remote.StreamID(), packet.SequenceNumber)
			continue
		}
		if v.see(remote.StreamID(), packet.Payload, now) {
			_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
		}
	}
}

// see takes a packet of video and tells whether a keyframe is wanted.
func (v *viewer) see(publisher string, payload []byte, now time.Duration) bool {
	if len(payload) == 0 {
		return false // padding
	}
	m, ok := readMark(payload)
	v.mu.Lock()
	defer v.mu.Unlock()
	if !ok {
		v.strange++
		return false
	}
	s := v.shown[publisher]
	if s == nil {
		s = newScreen()
		v.shown[publisher] = s
	}
	return s.take(m, now)
}

func (v *viewer) hear(publisher string, sequence uint16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.voices[publisher]
	if s == nil {
		s = &voice{highest: sequence - 1}
		v.voices[publisher] = s
	}
	s.take(sequence)
}

// allAt counts the publishers whose last picture was of that encoding, and came after that time.
func (v *viewer) allAt(layer int, since time.Duration) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	count := 0
	for _, s := range v.shown {
		if n := len(s.frames); n > 0 && s.frames[n-1].layer == layer && s.frames[n-1].at > since {
			count++
		}
	}
	return count
}

// view is what somebody was shown of somebody else within a time.
type view struct {
	frames  int
	layers  [3]int // frames of each encoding
	freezes int
	longest time.Duration // without a new picture
	delay   time.Duration // 95th percentile, from the encoder to the last packet
}

// best is the share of frames that were of the best encoding.
func (w view) best() float64 { return float64(w.layers[top]) / float64(max(1, w.frames)) }

func (w view) String() string {
	return fmt.Sprintf("%d frames, of encodings %v, %d freezes, longest gap %d ms, p95 delay %d ms",
		w.frames, w.layers, w.freezes, w.longest.Milliseconds(), w.delay.Milliseconds())
}

// views are what was shown within a time, by publisher.
func (v *viewer) views(from, to time.Duration) map[string]view {
	v.mu.Lock()
	defer v.mu.Unlock()
	views := make(map[string]view)
	for publisher, s := range v.shown {
		views[publisher] = s.view(from, to)
	}
	return views
}

// heard counts what came of voices, and what did not.
func (v *viewer) heard() (came, lost int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for s := range maps.Values(v.voices) {
		came += s.came
		lost += s.lost
	}
	return came, lost
}

// voice counts packets of sound.
type voice struct {
	highest    uint16
	came, lost int
}

func (s *voice) take(sequence uint16) {
	s.came++
	if step := int16(sequence - s.highest); step > 0 {
		s.lost += int(step) - 1
		s.highest = sequence
	} else {
		s.lost--
	}
}

// screen is a decoder of marked pictures, by name.
type screen struct {
	frames  []shownFrame
	parts   map[uint32]*assembly
	layer   int    // of the last picture that was decoded, -1: none
	base    uint32 // its number, in temporal layer 0
	since   time.Duration
	requery time.Duration // when a keyframe was asked for
}

// shownFrame is a picture that could be decoded.
type shownFrame struct {
	at, sent time.Duration
	layer    int
}

// assembly is a frame of which not all has come, or that depends on one that has not.
type assembly struct {
	mark
	has  map[uint16]bool
	done bool
}

func newScreen() *screen { return &screen{parts: make(map[uint32]*assembly), layer: -1} }

// take takes a packet and tells whether a keyframe is wanted.
func (s *screen) take(m mark, now time.Duration) bool {
	a := s.parts[m.number]
	if a == nil || a.layer != m.layer {
		if s.layer >= 0 && int32(m.number-s.base) <= 0 {
			return false // late
		}
		a = &assembly{mark: m, has: make(map[uint16]bool)}
		s.parts[m.number] = a
	}
	a.has[m.part] = true
	a.done = len(a.has) == int(m.parts)
	if a.done {
		s.decode(now)
	}
	last := max(s.since, s.requery)
	if len(s.frames) > 0 {
		last = max(last, s.frames[len(s.frames)-1].at)
	}
	if s.since == 0 {
		s.since = now
	}
	if now-last > freezeAfter {
		s.requery = now
		return true
	}
	return false
}

// decode shows what can be shown now, in order.
func (s *screen) decode(now time.Duration) {
	numbers := slices.Sorted(maps.Keys(s.parts))
	for _, number := range numbers {
		a := s.parts[number]
		if !a.done {
			continue
		}
		if base := number%2 == 0; !base {
			if int(a.layer) == s.layer && number == s.base+1 {
				s.show(a, now)
				delete(s.parts, number)
			}
			continue
		}
		if a.keyframe || int(a.layer) == s.layer && number == s.base+2 {
			s.layer, s.base = int(a.layer), number
			s.show(a, now)
			for old := range s.parts {
				if int32(old-number) <= 0 {
					delete(s.parts, old)
				}
			}
		}
	}
}

func (s *screen) show(a *assembly, now time.Duration) {
	s.frames = append(s.frames, shownFrame{now, a.sent, int(a.layer)})
}

// view sums up what was shown within a time.
func (s *screen) view(from, to time.Duration) view {
	var w view
	var delays []time.Duration
	last := from
	gap := func(at time.Duration) {
		if d := at - last; d > w.longest {
			w.longest = d
		}
		if at-last > freezeAfter {
			w.freezes++
		}
		last = at
	}
	for _, f := range s.frames {
		if f.at < from || f.at >= to {
			continue
		}
		gap(f.at)
		w.frames++
		w.layers[f.layer]++
		delays = append(delays, f.at-f.sent)
	}
	gap(to)
	if slices.Sort(delays); len(delays) > 0 {
		w.delay = delays[len(delays)*95/100]
	}
	return w
}

func TestScreen(t *testing.T) {
	s := newScreen()
	give := func(number uint32, layer uint8, key bool, parts, part uint16) {
		s.take(mark{layer: layer, keyframe: key, parts: parts, part: part, number: number}, time.Duration(number))
	}
	give(2, 2, false, 1, 0) // nothing to depend on
	give(4, 2, true, 2, 1)
	give(5, 2, false, 1, 0) // before what it depends on
	give(4, 2, true, 2, 0)  // shows 4 and 5
	give(8, 2, false, 1, 0) // 6 is missing
	give(9, 2, false, 1, 0)
	if len(s.frames) != 2 {
		t.Fatalf("shown %+v", s.frames)
	}
	give(6, 2, false, 1, 0) // shows 6, 8, 9
	give(10, 0, true, 1, 0)
	give(12, 2, false, 1, 0) // of another encoding
	give(14, 0, false, 1, 0) // 12 was not shown
	if len(s.frames) != 6 || s.frames[5].layer != 0 {
		t.Fatalf("shown %+v", s.frames)
	}
}
