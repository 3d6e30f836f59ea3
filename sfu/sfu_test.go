package sfu_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu"
	"parley/sfu/egress"
	"parley/sfu/sfutest"
)

func newSFU(t *testing.T, codecs ...string) *sfu.SFU {
	t.Helper()
	if len(codecs) == 0 {
		codecs = []string{"opus", "vp8"}
	}
	s, _ := newSFUWith(t, sfu.Config{Codecs: codecs})
	return s
}

// newSFUWith makes the SFU of a configuration, on a socket of loopback.
func newSFUWith(t *testing.T, cfg sfu.Config) (*sfu.SFU, *egress.Conn) {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mux, err := egress.NewMux(egress.NewConn(socket), []netip.AddrPort{socket.LocalAddr().(*net.UDPAddr).AddrPort()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mux.Close() })
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.UDP, cfg.CongestionControl = mux, true
	s, err := sfu.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if counts := s.Counts(); counts != (sfu.Counts{}) {
			t.Errorf("left behind: %+v", counts)
		}
	})
	return s, mux.Conn()
}

type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	if testing.Verbose() {
		l.t.Log(strings.TrimSpace(string(line)))
	}
	return len(line), nil
}

func TestEveryoneHearsAndSeesEveryone(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSFU(t)
	var clients []*sfutest.Client
	for i := range 4 {
		options := sfutest.Options{Publish: []string{"audio", "video"}}
		clients = append(clients, sfutest.Join(t, s, "room", fmt.Sprint("p", i), options))
	}
	for _, client := range clients {
		for _, other := range clients {
			if other != client {
				client.AwaitMedia(other.ID+"/audio", 10)
				client.AwaitMedia(other.ID+"/video", 10)
			}
		}
		if streams := client.Streams(); streams[client.ID+"/audio"] != 0 {
			t.Errorf("%s hears itself", client.ID)
		}
	}
}

func TestRoomsNeverMix(t *testing.T) {
	s := newSFU(t)
	options := sfutest.Options{Publish: []string{"audio"}}
	a, b := sfutest.Join(t, s, "one", "a", options), sfutest.Join(t, s, "one", "b", options)
	x, y := sfutest.Join(t, s, "two", "x", options), sfutest.Join(t, s, "two", "y", options)
	a.AwaitMedia("b/audio", 20)
	y.AwaitMedia("x/audio", 20)
	for _, client := range []*sfutest.Client{a, b, x, y} {
		if streams := client.Streams(); len(streams) > 1 {
			t.Errorf("%s gets %v", client.ID, streams)
		}
	}
	if counts := s.Counts(); counts.Rooms != 2 || counts.Peers != 4 {
		t.Errorf("counts = %+v", counts)
	}
}

func TestScreenShareIsAStreamOfItsOwn(t *testing.T) {
	s := newSFU(t)
	watcher := sfutest.Join(t, s, "room", "w", sfutest.Options{})
	sfutest.Join(t, s, "room", "p", sfutest.Options{Publish: []string{"audio", "video", "screen"}})
	watcher.AwaitMedia("p/video", 10)
	watcher.AwaitMedia("p/audio", 10)
	watcher.AwaitMedia("p.screen/video", 10)
}

func TestFeaturesReachOthersAndNewcomers(t *testing.T) {
	s := newSFU(t)
	a := sfutest.Join(t, s, "room", "a", sfutest.Options{})
	b := sfutest.Join(t, s, "room", "b", sfutest.Options{})
	a.AwaitFeatures(`{"channel_name":"b","features":{"video":true,"of":"b"}}`)
	b.AwaitFeatures(`{"channel_name":"a","features":{"video":true,"of":"a"}}`)
	late := sfutest.Join(t, s, "room", "late", sfutest.Options{})
	late.AwaitFeatures(`"of":"a"`)
	late.AwaitFeatures(`"of":"b"`)
}

func TestServerOffersToAClientThatDoesNot(t *testing.T) {
	s := newSFU(t)
	silent := sfutest.Join(t, s, "room", "silent", sfutest.Options{Silent: true})
	sfutest.Join(t, s, "room", "p", sfutest.Options{Publish: []string{"audio", "video"}})
	silent.AwaitMedia("p/video", 10)
}

func TestResetFromTheClient(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSFU(t)
	options := sfutest.Options{Publish: []string{"audio", "video"}}
	a, b := sfutest.Join(t, s, "room", "a", options), sfutest.Join(t, s, "room", "b", options)
	a.AwaitMedia("b/video", 5)
	b.AwaitMedia("a/video", 5)
	for range 3 {
		a.Reset()
		a.AwaitMedia("b/video", 50)
		b.AwaitMedia("a/video", 50)
	}
}

// mediaLines counts the m-lines of a description.
func mediaLines(sdp string) int { return strings.Count(sdp, "\r\nm=") }

func TestLinesAreReused(t *testing.T) {
	t.Parallel() // it waits more than it works
	loops := 40
	s := newSFU(t)
	resident := sfutest.Join(t, s, "room", "resident", sfutest.Options{Publish: []string{"audio", "video"}})
	var first int
	for i := range loops {
		guest := sfutest.Join(t, s, "room", fmt.Sprint("guest", i), sfutest.Options{Publish: []string{"audio", "video"}})
		guest.AwaitMedia("resident/video", 3)
		resident.AwaitMedia(guest.ID+"/audio", 3)
		resident.AwaitMedia(guest.ID+"/video", 3)
		guest.Leave()
		_, sdp := resident.Offers()
		if i == 0 {
			first = mediaLines(sdp)
		}
		if lines := mediaLines(sdp); lines > first+2 {
			t.Fatalf("after %d joins the offer has %d lines, after the first %d", i+1, lines, first)
		}
	}
}

func TestTwentyAtOnceTakeFewRounds(t *testing.T) {
	s := newSFU(t)
	resident := sfutest.Join(t, s, "room", "resident", sfutest.Options{})
	var guests []*sfutest.Client
	begin := time.Now()
	for i := range 20 {
		options := sfutest.Options{Publish: []string{"audio"}}
		guests = append(guests, sfutest.Join(t, s, "room", fmt.Sprint("guest", i), options))
	}
	for _, guest := range guests {
		resident.AwaitMedia(guest.ID+"/audio", 3)
	}
	// The first rounds come quickly; later ones are 400 ms apart, however slowly the guests come.
	took := time.Since(begin)
	if offers, _ := resident.Offers(); offers > 6+int(took/(400*time.Millisecond)) {
		t.Errorf("20 joins within %s took %d offers", took, offers)
	}
}

// onlyVP8 is what a client is made of that has no other codec.
func onlyVP8(t *testing.T) *webrtc.API {
	t.Helper()
	engine := &webrtc.MediaEngine{}
	vp8 := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, PayloadType: 96,
	}
	if err := engine.RegisterCodec(vp8, webrtc.RTPCodecTypeVideo); err != nil {
		t.Fatal(err)
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings))
}

func TestUndecodableTrackIsAnnouncedToBothSides(t *testing.T) {
	s := newSFU(t, "opus", "vp8", "h264")
	watcher := sfutest.Join(t, s, "room", "w", sfutest.Options{API: onlyVP8(t)})
	publisher := sfutest.Join(t, s, "room", "p",
		sfutest.Options{Publish: []string{"video"}, MimeType: webrtc.MimeTypeH264})
	want := sfu.Undecodable{Publisher: "p", Subscriber: "w", Kind: "video", Codec: webrtc.MimeTypeH264}
	for _, client := range []*sfutest.Client{watcher, publisher} {
		client.AwaitEvent("undecodable", func(event sfu.Event) bool { return event == want })
	}
	// What it can decode still comes.
	sfutest.Join(t, s, "room", "q", sfutest.Options{Publish: []string{"video"}})
	watcher.AwaitMedia("q/video", 10)
}

func TestBadInputIsRefusedAndLosesNothing(t *testing.T) {
	s := newSFU(t)
	a := sfutest.Join(t, s, "room", "a", sfutest.Options{Publish: []string{"audio"}})
	b := sfutest.Join(t, s, "room", "b", sfutest.Options{Publish: []string{"audio"}})
	b.AwaitMedia("a/audio", 5)
	a.Peer.Signal(sfu.Description{Type: "offer", SDP: "nonsense"})
	a.Peer.Signal(sfu.Description{Type: "prophecy"})
	a.Peer.Signal(sfu.Description{Type: "answer", SDP: "an answer to nothing"})
	a.Peer.Candidate(&sfu.Candidate{Candidate: "candidate:nonsense"})
	refused := 0
	a.AwaitEvent("refusals", func(event sfu.Event) bool {
		if _, ok := event.(sfu.Refused); ok {
			refused++
		}
		return refused >= 3
	})
	b.AwaitMedia("a/audio", 20)
	a.AwaitMedia("b/audio", 20)
}

// TestCrossedResets sends a reset that crosses one of the server: the server's stands for the answer.
func TestCrossedResets(t *testing.T) {
	s := newSFU(t)
	sfutest.Join(t, s, "room", "p", sfutest.Options{Publish: []string{"audio"}})
	descriptions := make(chan string, 64)
	peer, err := s.Join("room", "a", sfu.Barred{}, func(event sfu.Event) {
		if e, ok := event.(sfu.LocalDescription); ok {
			descriptions <- e.Description.Type
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if first := <-descriptions; first != "offer" {
		t.Fatalf("first comes %s", first)
	}
	peer.Signal(sfu.Description{Type: "answer", SDP: "nonsense"})
	peer.Signal(sfu.Description{Type: sfu.TypeReset})
	for i, want := range []string{sfu.TypeReset, "offer"} {
		if got := <-descriptions; got != want {
			t.Errorf("then comes %s, want %s", got, want)
		}
		if i == 1 {
			peer.Signal(sfu.Description{Type: sfu.TypeReset}) // of a later time: answered
		}
	}
	if got := <-descriptions; got != sfu.TypeReset {
		t.Errorf("a reset is answered by %s", got)
	}
}

// TestClientClosesItsConnection keeps the socket, as it were, and closes the connection: what comes up meanwhile waits
// for the client to begin anew.
func TestClientClosesItsConnection(t *testing.T) {
	s := newSFU(t)
	a := sfutest.Join(t, s, "room", "a", sfutest.Options{Publish: []string{"audio"}})
	b := sfutest.Join(t, s, "room", "b", sfutest.Options{Publish: []string{"audio"}})
	a.AwaitMedia("b/audio", 5)
	b.AwaitMedia("a/audio", 5)
	b.CloseConnection()
	b.AwaitEvent("silence", func(event sfu.Event) bool { return event == sfu.MediaSilent{Silent: true} })
	c := sfutest.Join(t, s, "room", "c", sfutest.Options{Publish: []string{"audio", "video"}})
	c.AwaitMedia("a/audio", 5)
	a.AwaitMedia("c/video", 5)
	b.Reset()
	b.AwaitMedia("c/video", 5)
	b.AwaitMedia("a/audio", 5)
	a.AwaitMedia("b/audio", 5)
}

// TestRejoinUnderTheSameID leaves and joins at once, as a socket does that changes its mind.
func TestRejoinUnderTheSameID(t *testing.T) {
	s := newSFU(t)
	options := sfutest.Options{Publish: []string{"audio"}}
	other := sfutest.Join(t, s, "room", "other", options)
	for range 20 {
		peer, err := s.Join("room", "again", sfu.Barred{}, func(sfu.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		peer.Close()
	}
	again := sfutest.Join(t, s, "room", "again", options)
	other.AwaitMedia("again/audio", 5)
	again.Leave()
	again = sfutest.Join(t, s, "room", "again", options)
	again.AwaitMedia("other/audio", 5)
	other.AwaitMedia("again/audio", 20)
}

func TestTooManyDescriptionsEndThePeer(t *testing.T) {
	s := newSFU(t)
	ended := make(chan error, 1)
	peer, err := s.Join("room", "a", sfu.Barred{}, func(event sfu.Event) {
		if e, ok := event.(sfu.Ended); ok {
			ended <- e.Err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	huge := "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" +
		strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 5000)
	for range 2000 {
		peer.Signal(sfu.Description{Type: "offer", SDP: huge})
	}
	if err := <-ended; err == nil {
		t.Error("ended without a reason")
	}
	<-peer.Done()
}
