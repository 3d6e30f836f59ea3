package sfu

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

func TestWhatNobodyDescribes(t *testing.T) {
	line := func(formats, attributes int) string {
		return "m=video 9 UDP/TLS/RTP/SAVPF" + strings.Repeat(" 96", formats) + "\r\n" +
			strings.Repeat("a=x\r\n", attributes)
	}
	for _, test := range []struct {
		about, text string
		lines       int
		candidates  int
		refused     bool
	}{
		{"nothing", "", 0, 0, false},
		{"lines", "v=0\r\n" + strings.Repeat(line(60, 200), 40), 40, 0, false},
		{"formats", line(maxFormats, 1), 1, 0, false},
		{"too many formats", line(maxFormats+1, 1), 0, 0, true},
		{"too many attributes", line(1, maxAttributes), 0, 0, true},
		{"of the session", strings.Repeat("a=x\r\n", maxAttributes+1), 0, 0, true},
		{"candidates", line(1, 0) + "a=candidate:1 1 udp 5 192.0.2.1 9 typ host\r\na=candidate:2\r\n", 1, 2, false},
		{
			"one, told twice", line(1, 0) + "a=candidate:1 1 udp 5 192.0.2.1 9 typ host\r\n" +
				"a=candidate:1 1 udp 5 192.0.2.1 9 typ host generation 0 ufrag x\r\n", 1, 1, false,
		},
	} {
		got, err := measure(test.text)
		if errors.Is(err, ErrDescription) != test.refused ||
			err == nil && (got.lines != test.lines || len(got.candidates) != test.candidates) {
			t.Errorf("%s: %+v, %v", test.about, got, err)
		}
	}
}

// hostile makes descriptions of a client that follows the rules but those that are tested.
type hostile struct {
	ufrag             string
	lines, candidates int
	first             int // the number of the first candidate
}

func (h hostile) offer() Description {
	var b strings.Builder
	fmt.Fprint(&b, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 ",
		strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), "\r\na=group:BUNDLE")
	for i := range h.lines {
		fmt.Fprint(&b, " ", i)
	}
	b.WriteString("\r\n")
	for i := range h.lines {
		fmt.Fprintf(&b, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:%d\r\na=setup:actpass\r\n"+
			"a=ice-ufrag:%s\r\na=ice-pwd:0123456789012345678901\r\na=rtcp-mux\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n",
			i, h.ufrag)
		for c := h.first; c < h.first+h.candidates; c++ {
			fmt.Fprintf(&b, "a=candidate:%d 1 udp 1 192.0.2.%d %d typ host\r\n", c, c%200+1, 1000+c)
		}
	}
	return Description{Type: "offer", SDP: b.String()}
}

// TestHostileOffers have ever more of what costs the server something.
func TestHostileOffers(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	c := a.conn
	refused := func(h hostile) bool { return c.bound(h.offer()) != nil }
	apply := func(h hostile) {
		t.Helper()
		lines, described := len(c.pc.GetTransceivers()), c.described
		for range max(0, h.lines-lines) {
			if _, err := c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio); err != nil {
				t.Fatal(err)
			}
		}
		c.took(h.offer(), lines, described)
		c.described = true
	}
	for lines := 40; lines <= maxOwnLines; lines += 40 {
		if refused(hostile{"u", lines, 0, 0}) {
			t.Fatalf("%d lines are refused", lines)
		}
		apply(hostile{"u", lines, 0, 0})
	}
	if !refused(hostile{"u", maxOwnLines + 1, 0, 0}) {
		t.Error("lines without end are taken, forty at a time")
	}
	for range 3 { // a description has all that were gathered before
		apply(hostile{"u", 1, 100, 0})
	}
	if refused(hostile{"u", 1, 128, 0}) || refused(hostile{"u", 1, 28, 100}) || !refused(hostile{"u", 1, 29, 100}) {
		t.Errorf("after 100 candidates: %d", len(c.candidates))
	}
	if refused(hostile{"v", 1, maxCandidates, 0}) || !refused(hostile{"v", 1, maxCandidates + 1, 0}) {
		t.Error("a restart of ICE is counted with what was before")
	}
	for range maxCandidates {
		_ = c.addCandidate(&Candidate{Candidate: "candidate:1 1 udp 1 192.0.2.1 1000 typ host"})
	}
	if err := c.addCandidate(&Candidate{Candidate: "x"}); !errors.Is(err, ErrCandidate) {
		t.Errorf("one candidate more: %v", err)
	}
}

// TestRoundsWithoutEnd has a client offer again and again, no faster than it is answered.
func TestRoundsWithoutEnd(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	for range offersAtOnce {
		a.peer.Signal(Description{Type: "answer"})
		a.peer.Signal(Description{Type: "offer"})
		a.peer.unread.Store(0) // they are acted on at once
	}
	if a.peer.overflowed.Load() {
		t.Fatal("given up too early")
	}
	for range offersAtOnce {
		a.peer.Signal(Description{Type: "answer"})
		a.peer.unread.Store(0)
	}
	if a.peer.overflowed.Load() {
		t.Fatal("given up for answers")
	}
	for range 5 {
		a.peer.Signal(Description{Type: "offer"})
	}
	if !a.peer.overflowed.Load() || h.sfu.Tallies().Overflows != 1 {
		t.Errorf("not given up; %+v", h.sfu.Tallies())
	}
}

// TestTooManyTracksAreSaid publishes more than one may, and more encodings.
func TestTooManyTracksAreSaid(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	a.describe(offer(camerasLine))
	for i := range 20 {
		p := picture(1, 64)
		p.ssrc, p.mid, p.rid = 900+uint32(i), "1", fmt.Sprint("r", i)
		a.send(p)
		a.settle()
	}
	said := 0
	for _, event := range a.events {
		if refused, ok := event.(Refused); ok && errors.Is(refused.Err, ErrLimit) {
			said++
		}
	}
	if said != 1 || h.sfu.Tallies().Encodings != 1 {
		t.Errorf("said %d times, %+v", said, h.sfu.Tallies())
	}
}

// TestWorstOffersCostLittle applies the dearest descriptions that are not refused to a real connection.
func TestWorstOffersCostLittle(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	c, err := newConnection(h.sfu, func(action) {}, a.peer.shown)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	worst := hostile{"ufrag", maxOwnLines, 1, 0}.offer()
	if err := c.bound(worst); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := c.setRemote(worst); err != nil {
		t.Fatal(err)
	}
	if _, err := c.answer(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("%d lines, %d kB: %v", maxOwnLines, len(worst.SDP)>>10, took)
	if took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
