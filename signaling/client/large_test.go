package client

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

// script is a server that says what the test has it say, and shows what it is sent.
type script struct {
	t      *testing.T
	url    string
	socket chan *websocket.Conn
	said   chan map[string]json.RawMessage // by the client, but for candidates
}

func newScript(t *testing.T) *script {
	s := &script{t: t, socket: make(chan *websocket.Conn, 1), said: make(chan map[string]json.RawMessage, 100)}
	mux := http.NewServeMux()
	mux.Handle("POST /login/", http.RedirectHandler("/", http.StatusFound))
	mux.HandleFunc("GET /ws/lobby/", func(w http.ResponseWriter, r *http.Request) {
		socket, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = socket.Close() }()
		const greeting = `{"rtc":{"type":"connect","channel_name":"me","rtc_config":{}}}`
		_ = socket.WriteMessage(websocket.TextMessage, []byte(greeting))
		s.socket <- socket
		for {
			var frame map[string]json.RawMessage
			if socket.ReadJSON(&frame) != nil {
				return
			}
			if !strings.Contains(string(frame[protocol.KeyRTC]), `"candidate"`) {
				s.said <- frame
			}
		}
	})
	server := httptest.NewServer(mux)
	s.url = server.URL
	t.Cleanup(server.Close)
	return s
}

func (s *script) guest(options Options) (*Client, *websocket.Conn) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	account, err := LogIn(ctx, s.url, "ann", "Ann A.")
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := account.Dial(ctx, "lobby", options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c, <-s.socket
}

func (s *script) tell(socket *websocket.Conn, frames ...string) {
	s.t.Helper()
	for _, frame := range frames {
		if err := socket.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// hears wants frames from the client that begin like this, in this order.
func (s *script) hears(wanted ...string) {
	s.t.Helper()
	for _, want := range wanted {
		var frame map[string]json.RawMessage
		select {
		case frame = <-s.said:
		case <-time.After(patience):
			s.t.Fatalf("the client does not say %s", want)
		}
		if got, _ := json.Marshal(frame); !strings.HasPrefix(string(got), want) {
			s.t.Fatalf("the client says %s, want %s", got, want)
		}
	}
}

func TestAViewerAsksBeforeItOffers(t *testing.T) {
	s := newScript(t)
	var c *Client
	c, socket := s.guest(Options{Slots: 6, Only: true, OnEvent: func(event Event) {
		if frame, ok := event.(Frame); ok && strings.Contains(string(frame.Value), `"others"`) {
			c.View(protocol.Tile{ChannelName: "bob", Track: protocol.TrackCamera, Width: 320, Height: 180})
		}
	}})
	c.Enter(protocol.Join{Room: "red", As: protocol.AsViewer, Password: "sesame"})
	s.hears(`{"join":{"room":"red","as":"viewer","password":"sesame"}}`)
	s.tell(socket, `{"rtc":{"type":"others","ids":[{"channel_name":"bob","user_name":"Bob"}]}}`)
	s.hears(`{"rtc":{"type":"slots","audio":6}}`, `{"rtc":{"type":"view","tiles":[],"only":true}}`,
		`{"rtc":{"type":"view","tiles":[{"channel_name":"bob","track":"camera","width":320,"height":180,"pinned":false}]}}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{"description":{"type":"offer"`)
	c.Slots(2)
	c.ViewOnly(protocol.Tile{ChannelName: "cy", Track: protocol.TrackScreen})
	s.hears(`{"rtc":{"type":"slots","audio":2}}`, `{"rtc":{"type":"view","tiles":[{"channel_name":"cy"`)
	if wire := c.Wire(); wire.FramesIn != 2 || wire.FramesOut < 6 || wire.BytesOut < 300 ||
		wire.BytesIn < 100 {
		t.Errorf("counted %+v", wire)
	}
}

func TestNewcomersAreAddedAndVoicesKept(t *testing.T) {
	s := newScript(t)
	c, socket := s.guest(Options{})
	c.Join("red")
	s.tell(socket, `{"rtc":{"type":"others","ids":[{"channel_name":"bob"}]}}`)
	await(t, c, "the room", func(seen Snapshot) bool { return seen.Room == "red" })
	s.tell(socket,
		`{"html":"<div></div>","rtc":{"type":"others","ids":[{"channel_name":"cy"},{"channel_name":"dee"}]}}`,
		`{"rtc":{"type":"slot","slot":1,"channel_name":"cy"}}`,
		`{"rtc":{"type":"slot","slot":0,"channel_name":"bob"}}`,
		`{"rtc":{"type":"slot","slot":0,"channel_name":null}}`,
		`{"rtc":{"type":"levels","levels":{"dee":30}}}`,
		`{"rtc":{"type":"levels","levels":{"cy":23}}}`,
		`{"floor":{"type":"state","hosts":["bob"],"locked":true,"by_invitation":false,"access":"open"}}`,
		`{"floor":{"type":"you","host":false,"on_stage":true,"muted":true}}`,
		`{"rtc":{"type":"speaker","channel_name":"cy"}}`)
	seen := await(t, c, "the speaker", func(seen Snapshot) bool { return seen.Speaker == "cy" })
	if len(seen.People) != 3 || seen.Room != "red" {
		t.Errorf("people %v in %q", seen.People, seen.Room)
	}
	if !maps.Equal(seen.Slots, map[int]string{0: "", 1: "cy"}) || !maps.Equal(seen.Levels, map[string]uint8{"cy": 23}) {
		t.Errorf("slots %v, levels %v", seen.Slots, seen.Levels)
	}
	if !seen.Floor.Locked || !seen.You.OnStage || !seen.You.Muted {
		t.Errorf("floor %+v, %+v", seen.Floor, seen.You)
	}
	s.tell(socket, `{"floor":{"type":"removed"}}`)
	await(t, c, "to be removed", func(seen Snapshot) bool {
		return seen.Room == "" && seen.Speaker == "" && len(seen.People)+len(seen.Slots)+len(seen.Levels) == 0
	})
}

// TestARefusedJoinChangesNothing wants the client to stay where it is, and to know why.
func TestARefusedJoinChangesNothing(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true})
	c.Join("red")
	before := await(t, c, "media", func(seen Snapshot) bool { return flows(seen, "audio") })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 2 {
		err := c.JoinAndWait(ctx, "no such room")
		if !errors.Is(err, ErrRefused) || !strings.HasSuffix(err.Error(), protocol.ErrorBadRoom) {
			t.Fatalf("join: %v", err)
		}
	}
	received := func(seen Snapshot) int64 { return seen.Received[Source{ChannelName: "other", Kind: "audio"}].Packets }
	seen := await(t, c, "media to go on", func(seen Snapshot) bool { return received(seen) > received(before)+10 })
	if seen.Room != "red" || seen.Resets != 0 || seen.Refusals != 2 {
		t.Errorf("afterwards %+v", seen)
	}
	if err := c.JoinAndWait(ctx, "blue"); err != nil || c.Snapshot().Room != "blue" {
		t.Errorf("another room: %v", err)
	}
}

func TestTalking(t *testing.T) {
	var v voice
	if level, sent := v.frame(0); !sent || level != voiceBit|audioLevel {
		t.Errorf("the tone: %d, %v", level, sent)
	}
	v.quiet = Pause
	if _, sent := v.frame(0); sent {
		t.Error("a pause is sent")
	}
	v.quiet = Silence
	if level, sent := v.frame(0); !sent || level != noLevel {
		t.Errorf("silence: %d, %v", level, sent)
	}
	c := &Client{}
	c.voice.quiet = Silence
	c.Talk(20)
	loud := 0
	for n := range 500 {
		level, sent := c.voice.frame(n)
		if !sent || level&voiceBit == 0 || level&0x7f < 20 || level&0x7f > 60 {
			t.Fatalf("speech %d: %d, %v", n, level, sent)
		}
		if level&0x7f < 30 {
			loud++
		}
	}
	if loud < 250 || loud > 450 {
		t.Errorf("%d of 500 frames are loud", loud)
	}
	c.Talk(120)
	for n := range 100 {
		if level, _ := c.voice.frame(n); level&0x7f > softest {
			t.Fatalf("a whisper of %d", level)
		}
	}
	c.Hush()
	if level, _ := c.voice.frame(3); level != noLevel {
		t.Errorf("after it: %d", level)
	}
}

// TestSpeechIsHeard has the mirror send back what is said, and nothing while nothing is.
func TestSpeechIsHeard(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true, Video: true, Simulcast: true, Small: true, Quiet: Pause})
	c.Join("red")
	sent := func(seen Snapshot, kind, rid string) int64 { return seen.Sent[Encoding{Kind: kind, RID: rid}].Packets }
	seen := await(t, c, "pictures", func(seen Snapshot) bool {
		return sent(seen, "video", "q") > 5 && sent(seen, "video", "h") > 5
	})
	if n := sent(seen, "audio", ""); n > 0 || sent(seen, "video", "f") > 0 {
		t.Errorf("sent %+v", seen.Sent)
	}
	c.Talk(25)
	await(t, c, "the voice", func(seen Snapshot) bool { return flows(seen, "audio") })
	c.Hush()
	hushed := c.Snapshot()
	seen = await(t, c, "more pictures", func(seen Snapshot) bool {
		return sent(seen, "video", "q") > sent(hushed, "video", "q")+5
	})
	if n := sent(seen, "audio", "") - sent(hushed, "audio", ""); n > 1 { // that was under way
		t.Errorf("%d packets of silence", n)
	}
}
