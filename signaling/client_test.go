package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

// testClient is a websocket whose frames are read by a goroutine of its own.
type testClient struct {
	t       testing.TB
	f       *fixture
	conn    *websocket.Conn
	frames  chan string
	present chan string   // who is in the room, while the client is not; not among the frames
	done    chan struct{} // closed when the reader ended
	err     error         // valid after done
	mu      sync.Mutex
	pings   int  // guarded by mu
	mute    bool // guarded by mu: answer no pings
	connect protocol.Connect
}

func header(session string) http.Header { return http.Header{sessionHeader: {session}} }

// dial opens a socket without looking at the greeting.
func (f *fixture) dial(session string) *testClient { return f.dialWith(session, "") }

// dialWith asks for a session to resume, or for one that can be.
func (f *fixture) dialWith(session, query string) *testClient {
	f.t.Helper()
	conn, _, err := f.dialer.Dial(f.base+"/ws/lobby/"+query, header(session))
	if err != nil {
		f.t.Fatalf("dial: %v", err)
	}
	c := &testClient{t: f.t, f: f, conn: conn, frames: make(chan string, 10000), done: make(chan struct{})}
	c.present = make(chan string, 10000)
	conn.SetPingHandler(func(data string) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pings++
		if c.mute {
			return nil
		}
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Minute))
	})
	go func() {
		defer close(c.done)
		defer close(c.frames)
		for {
			_, data, err := conn.ReadMessage()
			if err != nil {
				c.err = err
				return
			}
			if strings.HasPrefix(string(data), `{"html":"<div id=\"present\"`) {
				c.present <- string(data)
			} else {
				c.frames <- string(data)
			}
		}
	}()
	f.t.Cleanup(c.drop)
	return c
}

// open opens a socket and takes the greeting.
func (f *fixture) open(session string) *testClient {
	f.t.Helper()
	return f.greeted(f.dial(session))
}

// greeted takes the greeting.
func (f *fixture) greeted(c *testClient) *testClient {
	f.t.Helper()
	c.decode(c.next(), protocol.KeyRTC, &c.connect)
	if c.connect.Type != protocol.TypeConnect {
		f.t.Fatalf("first message is %+v", c.connect)
	}
	if frame := c.any(); !strings.HasPrefix(frame, `{"html":"<header`) {
		f.t.Fatalf("no header but %s", frame)
	}
	return c
}

func (c *testClient) id() string    { return c.connect.ChannelName }
func (c *testClient) panel() string { return `id="` + protocol.ShortName(c.id()) + `-div"` }

// drop loses the socket without a close frame.
func (c *testClient) drop() {
	_ = c.conn.Close()
	<-c.done
}

// leave closes the socket with code and waits until it is closed.
func (c *testClient) leave(code int) {
	_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Minute))
	<-c.done
	_ = c.conn.Close()
}

func (c *testClient) freeze(mute bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = mute
}

func (c *testClient) pinged() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pings
}

func (c *testClient) send(frame string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// next waits for a frame that is not of the floor, nor the header alone, which comes whenever the number of people has
// changed.
func (c *testClient) next() string {
	c.t.Helper()
	for {
		frame := c.any()
		if !strings.HasPrefix(frame, `{"html":"<header`) && !strings.HasPrefix(frame, `{"floor"`) {
			return frame
		}
	}
}

// any waits for a frame.
func (c *testClient) any() string {
	c.t.Helper()
	select {
	case frame, ok := <-c.frames:
		if !ok {
			c.t.Fatalf("socket closed: %v", c.err)
		}
		return frame
	case <-time.After(20 * time.Second):
		c.t.Fatal("no frame")
		return ""
	}
}

// nothing asserts that the client was told nothing, by asking for an answer that comes after whatever there was.
func (c *testClient) nothing() {
	c.t.Helper()
	c.send(`"fence"`)
	if e := c.errorType(); e != protocol.ErrorBadMessage {
		c.t.Fatalf("told %s", e)
	}
}

// told returns all that the client was told until now, but for headers.
func (c *testClient) told() (frames []string) {
	c.t.Helper()
	c.send(`"fence"`)
	for {
		frame := c.any()
		if strings.Contains(frame, errNotObject.Error()) {
			return frames
		}
		if !strings.HasPrefix(frame, `{"html":"<header`) {
			frames = append(frames, frame)
		}
	}
}

// until waits for a frame that begins so, and passes over others.
func (c *testClient) until(prefix string) string {
	c.t.Helper()
	for {
		if frame := c.any(); strings.HasPrefix(frame, prefix) {
			return frame
		}
	}
}

// decode reads the only key of a frame.
func (c *testClient) decode(frame, key string, into any) {
	c.t.Helper()
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal([]byte(frame), &envelope); err != nil {
		c.t.Fatalf("%s: %v", frame, err)
	}
	if len(envelope) != 1 || envelope[key] == nil {
		c.t.Fatalf("wanted %s, got %s", key, frame)
	}
	if err := json.Unmarshal(envelope[key], into); err != nil {
		c.t.Fatalf("%s: %v", frame, err)
	}
}

func (c *testClient) html() (html string) {
	c.t.Helper()
	c.decode(c.next(), protocol.KeyHTML, &html)
	return html
}

func (c *testClient) errorType() string {
	c.t.Helper()
	var e protocol.Error
	c.decode(c.next(), protocol.KeyError, &e)
	return e.Type
}

// rtc expects the rtc event of that type and decodes it.
func (c *testClient) rtc(kind string, into any) {
	c.t.Helper()
	frame := c.next()
	var m struct{ Type string }
	c.decode(frame, protocol.KeyRTC, &m)
	if m.Type != kind {
		c.t.Fatalf("wanted %s, got %s", kind, frame)
	}
	if into != nil {
		c.decode(frame, protocol.KeyRTC, into)
	}
}

// join joins and takes what a newcomer gets; it returns who is there.
func (c *testClient) join(room string) []protocol.Participant {
	c.t.Helper()
	c.send(`{"join":"` + room + `"}`)
	return c.joined(room)
}

// watch joins as a viewer and takes what a newcomer gets.
func (c *testClient) watch(room string) []protocol.Participant {
	c.t.Helper()
	c.send(`{"join":{"room":"` + room + `","as":"viewer"}}`)
	return c.arrived(room, 0)
}

// joined takes what a newcomer gets.
func (c *testClient) joined(room string) []protocol.Participant {
	c.t.Helper()
	return c.arrived(room, 1)
}

// arrived takes what somebody gets who is as many participants.
func (c *testClient) arrived(room string, own int) []protocol.Participant {
	c.t.Helper()
	var panels string
	var others protocol.Others
	for {
		frame := c.next()
		if strings.HasPrefix(frame, `{"html"`) {
			var html string
			c.decode(frame, protocol.KeyHTML, &html)
			panels += html
			continue
		}
		c.decode(frame, protocol.KeyRTC, &others)
		if others.Type != protocol.TypeOthers || !strings.Contains(frame, `"ids":[`) {
			c.t.Fatalf("no others but %s", frame)
		}
		break
	}
	for _, other := range others.IDs {
		if !strings.Contains(panels, `id="`+other.ShortName+`-div"`) {
			c.t.Fatalf("%v announced without a panel in %s", other, panels)
		}
	}
	c.header(room, len(others.IDs)+own)
	return others.IDs
}

// header expects the header alone, with so many participants.
func (c *testClient) header(room string, people int) {
	c.t.Helper()
	var html string
	c.decode(c.any(), protocol.KeyHTML, &html)
	want := fmt.Sprintf(`<header id="header">%s %d`, room, people)
	if html != want+"</header>" && !strings.HasPrefix(html, want+" ") {
		c.t.Fatalf("header %s, want %s", html, want)
	}
}

// sees expects the announcement of a newcomer.
func (c *testClient) sees(newcomer *testClient) {
	c.t.Helper()
	if html := c.html(); !strings.Contains(html, newcomer.panel()) {
		c.t.Fatalf("no panel of %s but %s", newcomer.id(), html)
	}
	var other protocol.Other
	c.rtc(protocol.TypeOther, &other)
	if other.ChannelName != newcomer.id() {
		c.t.Fatalf("other %+v, want %s", other, newcomer.id())
	}
}

// misses expects that somebody left.
func (c *testClient) misses(gone *testClient) {
	c.t.Helper()
	var d protocol.Disconnected
	c.rtc(protocol.TypeDisconnected, &d)
	if d.ChannelName != gone.id() {
		c.t.Fatalf("disconnected %+v, want %s", d, gone.id())
	}
}

// closedWith waits for the end of the socket and returns its close code, 1006 without one.
func (c *testClient) closedWith() int {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.t.Fatal("still open")
	}
	var closed *websocket.CloseError
	if errors.As(c.err, &closed) {
		return closed.Code
	}
	return websocket.CloseAbnormalClosure
}
