package sfu_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu"
)

// browser is a viewer who rejects lines as browsers do, with the mid; pion never does that.
type browser struct {
	t        *testing.T
	peer     *sfu.Peer
	pc       *webrtc.PeerConnection
	rejects  func(section string) bool // of the server's offer
	told     *tally
	received *tally // packets by "<stream id>/<kind>"
	events   chan sfu.Event
	wg       sync.WaitGroup
}

func joinBrowser(t *testing.T, s *sfu.SFU, rejects func(section string) bool) *browser {
	t.Helper()
	b := &browser{
		t: t, rejects: rejects, told: newTally(), received: newTally(),
		events: make(chan sfu.Event, 4096),
	}
	api := apiWith(t, webrtc.MimeTypeOpus, webrtc.MimeTypeVP8)
	var err error
	if b.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		t.Fatal(err)
	}
	if b.peer, err = s.Join("room", "browser", sfu.Barred{}, func(event sfu.Event) { b.events <- event }); err != nil {
		t.Fatal(err)
	}
	b.pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate != nil {
			init := candidate.ToJSON()
			b.peer.Candidate(&init)
		}
	})
	b.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		b.wg.Go(func() {
			for {
				if _, _, err := track.ReadRTP(); err != nil {
					return
				}
				b.received.add(track.StreamID() + "/" + track.Kind().String())
			}
		})
	})
	ran := make(chan struct{})
	go func() { defer close(ran); b.run() }()
	t.Cleanup(func() {
		b.peer.Close()
		<-b.peer.Done()
		close(b.events)
		<-ran
		_ = b.pc.GracefulClose()
		b.wg.Wait()
	})
	return b
}

func (b *browser) run() {
	for event := range b.events {
		switch e := event.(type) {
		case sfu.LocalCandidate:
			if e.Candidate != nil && b.pc.RemoteDescription() != nil {
				_ = b.pc.AddICECandidate(*e.Candidate)
			}
		case sfu.LocalDescription:
			if e.Description.Type != "offer" {
				b.t.Errorf("the server sends %s", e.Description.Type)
				continue
			}
			b.answer(e.Description.SDP)
		case sfu.Refused:
			b.t.Errorf("refused: %v", e.Err)
		case sfu.Ended:
			b.t.Errorf("the server has given the viewer up: %v", e.Err)
		default:
			b.told.note("browser", event)
		}
	}
}

func (b *browser) answer(offer string) {
	var answer webrtc.SessionDescription
	err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err == nil {
		answer, err = b.pc.CreateAnswer(nil)
	}
	if err == nil {
		err = b.pc.SetLocalDescription(answer)
	}
	if errors.Is(err, webrtc.ErrConnectionClosed) {
		return // by the server, as the test ends
	}
	if err != nil {
		b.t.Errorf("answer: %v", err)
		return
	}
	b.peer.Signal(sfu.Description{Type: "answer", SDP: rejecting(answer.SDP, offer, b.rejects)})
}

// rejecting rejects some lines of an offer.
func rejecting(answer, offer string, rejects func(section string) bool) string {
	sections, offered := strings.Split(answer, "\nm="), strings.Split(offer, "\nm=")
	for i := 1; i < len(sections); i++ {
		if !rejects(offered[i]) {
			continue
		}
		fields := strings.Fields(offered[i])
		_, mid, _ := strings.Cut(offered[i], "\na=mid:")
		mid, _, _ = strings.Cut(mid, "\r\n")
		sections[i] = fields[0] + " 0 UDP/TLS/RTP/SAVPF " + fields[3] +
			"\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:" + mid + "\r\na=inactive\r"
		session, bundle, _ := strings.Cut(sections[0], "a=group:BUNDLE")
		bundle, rest, _ := strings.Cut(bundle, "\r\n")
		bundled := slices.DeleteFunc(strings.Fields(bundle), func(other string) bool { return other == mid })
		sections[0] = session + "a=group:BUNDLE " + strings.Join(bundled, " ") + "\r\n" + rest
	}
	return strings.TrimSpace(strings.Join(sections, "\nm=")) + "\r\n"
}

// await waits until there are so many.
func (b *browser) await(count *tally, times int, what ...string) {
	b.t.Helper()
	deadline := time.After(20 * time.Second)
	for _, name := range what {
		for next := count.next(); count.get(name) < times; next = count.next() {
			select {
			case <-next:
			case <-deadline:
				b.t.Fatalf("%d of %s, want %d", count.get(name), name, times)
			}
		}
	}
}

// withoutVP8 are video lines that offer no VP8.
func withoutVP8(section string) bool {
	return strings.HasPrefix(section, "video") && !strings.Contains(section, " VP8/")
}

func TestRejectedLines(t *testing.T) {
	t.Parallel() // it waits more than it works
	h264, all := []string{"h1 video/H264", "h2 video/H264"}, []string{"h1/audio", "h2/audio", "v1/audio", "v2/audio"}
	tests := map[string]struct {
		rejects func(section string) bool
		told    []string
		plays   []string
	}{
		"no H264": {withoutVP8, h264, append([]string{"v1/video", "v2/video"}, all...)},
		"no pictures": {
			func(section string) bool { return strings.HasPrefix(section, "video") },
			append([]string{"v1 video/VP8", "v2 video/VP8"}, h264...), all,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bounded(t, 60*time.Second)
			s := newSFU(t, "opus", "vp8", "h264")
			guests := publishers(t, s, webrtc.MimeTypeH264, "h1", "h2")
			inRoom(t, s, h264...)
			b := joinBrowser(t, s, test.rejects)
			b.await(b.told, 1, h264...)
			publishers(t, s, webrtc.MimeTypeVP8, "v1", "v2")
			b.await(b.told, 1, test.told...)
			b.await(b.received, 20, test.plays...)
			// Who comes again is told of again, and what goes on goes on.
			for i := range 3 {
				guests[1].Leave()
				guests[1] = publishers(t, s, webrtc.MimeTypeH264, "h2")[0]
				b.await(b.told, i+2, "h2 video/H264")
			}
			for _, stream := range test.plays {
				b.await(b.received, b.received.get(stream)+20, stream)
			}
			for _, what := range slices.Concat(test.told, []string{"v1 video/VP8"}) {
				if n := b.told.get(what); what != "h2 video/H264" && n > 1 {
					t.Errorf("told %d times of %s", n, what)
				}
			}
		})
	}
}
