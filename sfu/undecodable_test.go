package sfu_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu"
	"parley/sfu/sfutest"
)

// apiWith is what a client is made of that has those codecs, each "audio" or "video", a slash and a name.
func apiWith(t *testing.T, mimeTypes ...string) *webrtc.API {
	t.Helper()
	engine := &webrtc.MediaEngine{}
	for i, mimeType := range mimeTypes {
		codec := webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeType, ClockRate: 90000},
			PayloadType:        webrtc.PayloadType(100 + i),
		}
		switch mimeType {
		case webrtc.MimeTypeOpus:
			codec.ClockRate, codec.Channels = 48000, 2
		case webrtc.MimeTypeH264:
			codec.SDPFmtpLine = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
		}
		kind, _, _ := strings.Cut(mimeType, "/")
		if err := engine.RegisterCodec(codec, webrtc.NewRTPCodecType(kind)); err != nil {
			t.Fatal(err)
		}
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return strings.HasPrefix(name, "lo") })
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings))
}

// publishers join with a microphone, and a camera of that codec.
func publishers(t *testing.T, s *sfu.SFU, mimeType string, names ...string) []*sfutest.Client {
	t.Helper()
	var clients []*sfutest.Client
	for _, name := range names {
		options := sfutest.Options{
			Publish: []string{"audio", "video"}, MimeType: mimeType, API: apiWith(t, webrtc.MimeTypeOpus, mimeType),
		}
		clients = append(clients, sfutest.Join(t, s, "room", name, options))
	}
	return clients
}

// tally counts by name.
type tally struct {
	mu      sync.Mutex
	of      map[string]int
	changed chan struct{} // closed at the next
}

func newTally() *tally { return &tally{of: make(map[string]int), changed: make(chan struct{})} }

func (c *tally) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[name]++
	close(c.changed)
	c.changed = make(chan struct{})
}

// next is closed when something more has been counted.
func (c *tally) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *tally) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[name]
}

// note counts what the subscriber is told that it cannot decode, by "<publisher> <codec>".
func (c *tally) note(subscriber string, event sfu.Event) {
	if e, ok := event.(sfu.Undecodable); ok && e.Subscriber == subscriber {
		c.add(e.Publisher + " " + e.Codec)
	}
}

// join adds a viewer who publishes nothing, so that the server's first offer is the first to name codecs.
func (c *tally) join(t *testing.T, s *sfu.SFU, id string, codecs ...string) *sfutest.Client {
	t.Helper()
	return sfutest.Join(t, s, "room", id, sfutest.Options{
		API: apiWith(t, codecs...), OnEvent: func(event sfu.Event) { c.note(id, event) },
	})
}

// await waits until a viewer has been told so many times.
func (c *tally) await(t *testing.T, viewer *sfutest.Client, times int, what ...string) {
	t.Helper()
	for _, name := range what {
		viewer.Await(fmt.Sprintf("that %s is undecodable, %d times", name, times),
			func() bool { return c.get(name) >= times })
		if got := c.get(name); got > times {
			t.Errorf("told %d times that %s is undecodable, want %d", got, name, times)
		}
	}
}

// inRoom waits until those are published, as somebody sees who has learnt before what he lacks.
func inRoom(t *testing.T, s *sfu.SFU, what ...string) {
	t.Helper()
	told := newTally()
	told.await(t, told.join(t, s, "witness", webrtc.MimeTypeOpus), 1, what...)
}

func TestUndecodableTracksOfSeveral(t *testing.T) {
	bounded(t, 60*time.Second)
	s := newSFU(t, "opus", "vp8", "vp9", "h264")
	h264 := publishers(t, s, webrtc.MimeTypeH264, "h1", "h2")
	publishers(t, s, webrtc.MimeTypeVP9, "n")
	inRoom(t, s, "h1 video/H264", "h2 video/H264", "n video/VP9")

	told := newTally()
	viewer := told.join(t, s, "viewer", webrtc.MimeTypeOpus, webrtc.MimeTypeVP8)
	told.await(t, viewer, 1, "h1 video/H264", "h2 video/H264", "n video/VP9")
	for _, publisher := range h264 {
		want := sfu.Undecodable{Publisher: publisher.ID, Subscriber: "viewer", Kind: "video", Codec: webrtc.MimeTypeH264}
		publisher.AwaitEvent("undecodable", func(event sfu.Event) bool { return event == want })
		viewer.AwaitMedia(publisher.ID+"/audio", 5)
	}
	publishers(t, s, webrtc.MimeTypeVP8, "v1", "v2")
	viewer.AwaitMedia("v1/video", 5)
	viewer.AwaitMedia("v2/video", 5)
	_, before := viewer.Offers()

	// One who comes again is told of again, and what goes on goes on.
	h264[0].Leave()
	publishers(t, s, webrtc.MimeTypeH264, "h1")
	told.await(t, viewer, 2, "h1 video/H264")
	viewer.AwaitMedia("h1/audio", 5)
	viewer.AwaitMedia("v1/video", 5)
	if _, after := viewer.Offers(); mediaLines(after) > mediaLines(before)+1 {
		t.Errorf("from %d to %d m-lines", mediaLines(before), mediaLines(after))
	}
	if viewer.Ended() {
		t.Error("the server has given the viewer up")
	}
}

// TestUndecodableKind has viewers built on pion without any codec for pictures: they reject a line without its mid.
func TestUndecodableKind(t *testing.T) {
	bounded(t, 60*time.Second)
	s := newSFU(t, "opus", "vp8", "h264")
	publishers(t, s, webrtc.MimeTypeH264, "h1", "h2")
	publishers(t, s, webrtc.MimeTypeVP8, "v")
	inRoom(t, s, "h1 video/H264", "h2 video/H264", "v video/VP8")

	told := newTally()
	viewer := told.join(t, s, "viewer", webrtc.MimeTypeOpus)
	told.await(t, viewer, 1, "h1 video/H264", "h2 video/H264", "v video/VP8")
	for _, name := range []string{"h1", "h2", "v"} {
		viewer.AwaitMedia(name+"/audio", 5)
	}
	_, before := viewer.Offers()
	for i := range 5 {
		late := publishers(t, s, webrtc.MimeTypeVP8, "late")[0]
		told.await(t, viewer, i+1, "late video/VP8")
		viewer.AwaitMedia("late/audio", 5)
		late.Leave()
	}
	if _, after := viewer.Offers(); mediaLines(after) > mediaLines(before)+2 {
		t.Errorf("from %d to %d m-lines", mediaLines(before), mediaLines(after))
	}
	viewer.AwaitMedia("v/audio", 5)
	if viewer.Ended() {
		t.Error("the server has given the viewer up")
	}
}
