package signaling

import (
	"encoding/json"
	"slices"
	"testing"

	"parley/signaling/protocol"
)

// echoApp proves the seam: text comes back, "room:…" goes to everybody, "to:<channel name>" to one.
type echoApp struct{}

type echoed struct {
	From, Room, Text string
}

func (echoApp) Key() string             { return "echo" }
func (echoApp) Open(s *Session) Handler { return &echoHandler{session: s} }

type echoHandler struct {
	NopHandler
	session *Session
}

func (h *echoHandler) Receive(message json.RawMessage) error {
	var text *string
	if err := json.Unmarshal(message, &text); err != nil || text == nil {
		return badValue("echo", "a string")
	}
	said := echoed{From: h.session.Self().ChannelName, Room: h.session.Room(), Text: *text}
	switch {
	case *text == "room":
		h.session.TellRoom("echo", said)
	case *text == "post":
		h.session.Post("echo", said)
	case *text == "refuse":
		return &Refusal{Type: "echo_refused", Detail: "as you wish"}
	case *text == "panic":
		panic("as you wish")
	case len(*text) > 3 && (*text)[:3] == "to:":
		if !h.session.Tell((*text)[3:], "echo", said) {
			return &Refusal{Type: "echo_nobody"}
		}
	default:
		h.session.Send("echo", said)
	}
	return nil
}

func (h *echoHandler) Happened(event any) { h.session.Send("echo", event) }

func TestFurtherApp(t *testing.T) {
	f := newFixture(t, Config{})
	f.hub.Register(echoApp{})
	ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
	ann.join("red")
	bob.join("red")
	ann.sees(bob)
	cid.join("blue")

	hears := func(c *testClient, text string) {
		t.Helper()
		var said echoed
		c.decode(c.next(), "echo", &said)
		if said != (echoed{From: ann.id(), Room: "red", Text: text}) {
			t.Fatalf("heard %+v", said)
		}
	}
	ann.send(`{"echo":"hello"}`)
	hears(ann, "hello")
	ann.send(`{"echo":"post"}`)
	hears(ann, "post")
	ann.send(`{"echo":"room"}`)
	hears(ann, "room")
	hears(bob, "room")
	ann.send(`{"echo":"to:` + bob.id() + `"}`)
	hears(bob, "to:"+bob.id())
	for frame, want := range map[string]string{
		`{"echo":"to:` + cid.id() + `"}`: "echo_nobody", // in another room
		`{"echo":"refuse"}`:              "echo_refused",
		`{"echo":7}`:                     protocol.ErrorBadMessage,
	} {
		ann.send(frame)
		if e := ann.errorType(); e != want {
			t.Errorf("%s: error %s, want %s", frame, e, want)
		}
	}
	ann.nothing()
	bob.nothing()
	cid.nothing()
}

func TestPanicInAnAppEndsItsSessionAlone(t *testing.T) {
	f := newFixture(t, Config{})
	f.hub.Register(echoApp{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.join("red")
	bob.join("red")
	ann.sees(bob)
	bob.send(`{"echo":"panic"}`)
	ann.misses(bob)
	if code := bob.closedWith(); code != 1011 {
		t.Errorf("closed with %d", code)
	}
	ann.nothing()
}

func TestUnencodableMessage(t *testing.T) {
	f := newFixture(t, Config{})
	if got := string(f.hub.encode("x", func() {})); got != `{"error":{"type":"internal"}}` {
		t.Errorf("got %s", got)
	}
}

// orderApp notes what it is told.
type orderApp struct{ calls chan string }

func (a orderApp) Key() string                   { return "order" }
func (a orderApp) Open(*Session) Handler         { a.calls <- "open"; return a }
func (a orderApp) Receive(json.RawMessage) error { a.calls <- "receive"; return nil }
func (a orderApp) Happened(any)                  { a.calls <- "happened" }
func (a orderApp) Entered(room string)           { a.calls <- "entered " + room }
func (a orderApp) Left()                         { a.calls <- "left" }
func (a orderApp) Closed()                       { a.calls <- "closed"; close(a.calls) }

func TestLifeOfAHandler(t *testing.T) {
	f := newFixture(t, Config{})
	app := orderApp{calls: make(chan string, 100)}
	f.hub.Register(app)
	c := f.open("ann")
	c.join("red")
	c.send(`{"order":1}`)
	c.join("blue")
	c.leave(1000)
	var got []string
	for call := range app.calls {
		got = append(got, call)
	}
	want := []string{"open", "entered red", "receive", "left", "entered blue", "left", "closed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRegisterRefusesTakenKeys(t *testing.T) {
	for _, key := range []string{"rtc", "join", "hangup", "signal", "room", "html", "remove", "error"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("key %q was accepted", key)
				}
			}()
			newHub(t, Config{}).hub.Register(keyApp(key))
		}()
	}
}

type keyApp string

func (k keyApp) Key() string         { return string(k) }
func (keyApp) Open(*Session) Handler { return nil }
