package sfu

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// nowhere is a socket that reaches nobody: whatever addresses a description names, nothing is sent to them.
type nowhere struct {
	closed chan struct{}
	once   sync.Once
}

func newNowhere() *nowhere { return &nowhere{closed: make(chan struct{})} }

func (n *nowhere) ReadFrom([]byte) (int, net.Addr, error) {
	<-n.closed
	return 0, nil, net.ErrClosed
}

func (*nowhere) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

func (n *nowhere) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (*nowhere) LocalAddr() net.Addr              { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000} }
func (*nowhere) SetDeadline(time.Time) error      { return nil }
func (*nowhere) SetReadDeadline(time.Time) error  { return nil }
func (*nowhere) SetWriteDeadline(time.Time) error { return nil }

// newStudio is a house that reaches nobody, with a camera and a microphone in its room.
func newStudio(tb testing.TB) *house {
	tb.Helper()
	h := newHouseAt(tb, newNowhere())
	a := h.join("a")
	a.describe(offer(micLine, cameraLine))
	a.send(picture(1, 64), out{ssrc: 100, pt: 111, sequence: 1, payload: []byte{0xf8}})
	a.settle()
	return h
}

// stranger is a participant of whom only the signals are real: its loop is turned by the test.
type stranger struct {
	*house
	peer   *Peer
	mu     sync.Mutex
	events []Event // guarded by mu
}

func (h *house) admit(tb testing.TB) *stranger {
	tb.Helper()
	s := &stranger{house: h}
	s.peer = newPeer(h.sfu, h.room, "stranger", Barred{}, func(e Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	})
	if err := s.peer.connect(); err != nil {
		tb.Fatal(err)
	}
	if err := h.room.join(s.peer); err != nil {
		tb.Fatal(err)
	}
	return s
}

// turn has the loop do what is due. The server does not wait before its offers.
func (s *stranger) turn() (ended bool) {
	s.peer.conn.offerAfter = time.Time{}
	_, err := s.peer.act()
	return err != nil
}

// says hands a description in, of whichever kind it is the client's turn to send.
func (s *stranger) says(text string) (ended bool) {
	kind := "offer"
	if s.peer.conn.offering {
		kind = "answer"
	}
	s.peer.Signal(Description{Type: kind, SDP: text})
	return s.turn()
}

// offered is the server's latest offer.
func (s *stranger) offered() (text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if d, ok := e.(LocalDescription); ok && d.Description.Type == "offer" {
			text = d.Description.SDP
		}
	}
	return text
}

// refusals counts what was refused so far.
func (s *stranger) refusals() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if _, ok := e.(Refused); ok {
			n++
		}
	}
	return n
}

func (s *stranger) leave() {
	s.room.leave(s.peer)
	s.peer.inbox.Close()
	s.peer.conn.close()
	s.peer.closing.Wait()
}

// allocated is how many bytes the process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// inProportion fails if f takes more than its time, or allocates more than what is usual and so much for each byte of
// input.
func inProportion(t *testing.T, input int, f func()) {
	t.Helper()
	const usual, each, patience = 16 << 20, 4 << 10, 30 * time.Second
	stuck := time.AfterFunc(patience, func() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		panic(t.Name() + " is stuck")
	})
	defer stuck.Stop()
	before := allocated()
	f()
	if n := allocated() - before; n > usual+each*uint64(input) {
		t.Errorf("%d bytes allocated for %d", n, input)
	}
}

// answered is what a client of pion answers to an offer.
func answered(tb testing.TB, offer string) string {
	tb.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = pc.GracefulClose() }()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		tb.Fatal(err)
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return answer.SDP
}

// FuzzDescriptions hands in two descriptions, one after the other, whatever they are: nothing panics, hangs, or costs
// out of proportion, pion's parts included, and the next client is served.
func FuzzDescriptions(f *testing.F) {
	h := newStudio(f)
	chromium, firefox := description(f, "chromium"), description(f, "firefox")
	s := h.admit(f)
	s.turn()
	answer := answered(f, s.offered())
	s.leave()
	seen := strings.ReplaceAll(chromium, "a=sendonly", "a=recvonly")
	for _, seed := range [][2]string{
		{chromium, answer}, {firefox, answer}, {answer, ""}, {"", answer}, {chromium, firefox}, {firefox, firefox},
		{seen, seen}, {chromium, strings.ReplaceAll(chromium, "a=mid:1", "a=mid:7")},
		{strings.ReplaceAll(chromium, "\r\n", "\n"), answer}, {firefox, strings.ReplaceAll(answer, "a=mid:", "a=mid:1")},
		{"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", "v=0"},
	} {
		f.Add(seed[0], seed[1])
	}
	for _, offer := range []string{chromium, firefox} { // else the seeds would say little
		s := h.admit(f)
		if s.says(offer); s.refusals() > 0 || s.turn() || s.offered() == "" {
			f.Fatal("an offer of a browser is refused, or nothing is offered to it")
		}
		s.leave()
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		inProportion(t, len(first)+len(second), func() {
			s := h.admit(t)
			defer s.leave()
			if first == "" && s.turn() || first != "" && s.says(first) {
				return
			}
			if !s.turn() && !s.says(second) {
				s.turn()
			}
		})
	})
}

// FuzzCandidate hands in a candidate before the client's first description and after it.
func FuzzCandidate(f *testing.F) {
	const host = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0 ufrag abcd network-id 1"
	for _, seed := range []string{
		host, "a=" + host, "", "candidate:", strings.Replace(host, "192.0.2.7", "x.local", 1),
		strings.Replace(host, "192.0.2.7", "2001:db8::1", 1), strings.Replace(host, "udp", "tcp", 1) + " tcptype active",
		"candidate:2 2 UDP 1 192.0.2.7 9 typ relay raddr 0.0.0.0 rport 0",
		"candidate:0 1 UDP 4294967295 0.0.0.0 65535 typ srflx",
		"candidate:1 1 ssltcp 1 192.0.2.7 443 typ prflx raddr :: rport -1",
		strings.Replace(host, "192.0.2.7", "fe80::1%lo", 1),
	} {
		f.Add(seed, "0", uint16(0), "abcd")
	}
	h := newStudio(f)
	offer := description(f, "chromium")
	f.Fuzz(func(t *testing.T, text, mid string, line uint16, ufrag string) {
		inProportion(t, len(text)+len(mid)+len(ufrag), func() {
			s := h.admit(t)
			defer s.leave()
			for _, c := range []*Candidate{
				{Candidate: text, SDPMid: &mid, SDPMLineIndex: &line, UsernameFragment: &ufrag}, {Candidate: text},
			} {
				s.peer.Candidate(c)
			}
			if s.turn() || s.says(offer) {
				t.Fatal("a candidate has ended the peer")
			}
			s.peer.Candidate(&Candidate{Candidate: text, SDPMid: &mid, SDPMLineIndex: &line})
			if s.turn() {
				t.Fatal("a candidate has ended the peer")
			}
		})
	})
}

// FuzzFeatures hands in messages of the features channel: what is passed on is an object, and the same one.
func FuzzFeatures(f *testing.F) {
	for _, seed := range []string{
		`{"video":true}`, `{}`, `[]`, `null`, `{"a":{"a":[{}]}}`, "{\"a\":\"\xff\"}", `{"a":1e999}`, `{"a":1} `,
	} {
		f.Add([]byte(seed))
	}
	f.Add([]byte(`{"a":` + strings.Repeat("[", maxFeatures)))
	f.Fuzz(func(t *testing.T, message []byte) {
		inProportion(t, len(message), func() {
			if !validFeatures(message) {
				return
			}
			var object map[string]json.RawMessage
			if err := json.Unmarshal(message, &object); err != nil || object == nil || len(message) > maxFeatures {
				t.Fatalf("%q is passed on", message)
			}
			if _, err := json.Marshal(json.RawMessage(message)); err != nil {
				t.Fatalf("%q cannot be passed on: %v", message, err)
			}
		})
	})
}

// TestHostileDescriptionsAreCheap hands in descriptions as large as they come, full of one thing, on one line or spread
// over many.
func TestHostileDescriptionsAreCheap(t *testing.T) {
	const size, soon = 500_000, 6 * time.Second // far more than they take, with the race detector too
	h := newStudio(t)
	offer := description(t, "chromium")
	for name, line := range map[string]string{
		"candidates": "a=candidate:%d 1 udp 2122260223 192.0.2.7 50000 typ host\r\n", "formats": "a=rtpmap:%d VP8/90000\r\n",
		"parameters": "a=fmtp:%d apt=%[1]d\r\n", "feedback": "a=rtcp-fb:%d nack\r\n", "layers": "a=rid:r%d send\r\n",
		"streams": "a=ssrc:%d cname:x\r\n", "groups": "a=ssrc-group:FID %d %[1]d\r\n", "msids": "a=msid:a b%d\r\n",
		"extensions": "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n", "nothing": "a=x%d\r\n",
		"simulcast": "a=simulcast:send %d;1;2;3\r\n", "fingerprints": "a=fingerprint:sha-256 %02X:%[1]d\r\n",
		"bundles": "a=group:BUNDLE %d 1 2 3\r\n", "lines": "m=video 9 UDP/TLS/RTP/SAVPF %d\r\n",
		"crypto": "a=crypto:%d AES_CM_128_HMAC_SHA1_80 inline:x\r\n", "directions": "a=sendrecv\r\na=x%d\r\n",
		"a stream": "a=ssrc:1 x%d\r\n", "a layer": "a=rid:1 send pt=%d\r\n", "mids": "a=mid:%d\r\n",
	} {
		for _, lines := range []int{1, maxOwnLines - strings.Count(offer, "\nm=")} {
			t.Run(fmt.Sprintf("%s on %d", name, lines), func(t *testing.T) {
				var b strings.Builder
				b.WriteString(offer)
				for n := range lines {
					if lines > 1 {
						fmt.Fprintf(&b, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v%d\r\n", n)
						fmt.Fprintf(&b, "a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=msid:m%d t\r\n", n)
					}
					for i := n << 16; b.Len() < len(offer)+(n+1)*size/lines; i++ {
						fmt.Fprintf(&b, line, i)
					}
				}
				inProportion(t, b.Len(), func() {
					s := h.admit(t)
					defer s.leave()
					start := time.Now()
					if !s.says(b.String()) {
						s.turn()
					}
					took := time.Since(start)
					t.Logf("%v, %d refusals", took, s.refusals())
					if took > soon {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}
