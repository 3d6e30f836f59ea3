package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

func padded(size int) string { return `{"x":"` + strings.Repeat("a", size-len(`{"x":""}`)) + `"}` }

func TestFrameSize(t *testing.T) {
	for _, tt := range []struct {
		name   string
		buffer int
	}{{"in fragments", 4096}, {"in one piece", 2 << 20}} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Config{})
			f.dialer.WriteBufferSize = tt.buffer
			ann, bob := f.open("ann"), f.open("bob")
			ann.join("red")
			bob.join("red")
			ann.sees(bob)
			bob.send(padded(protocol.MaxFrameBytes))
			bob.nothing()
			bob.send(padded(protocol.MaxFrameBytes + 1))
			if code := bob.closedWith(); code != websocket.CloseMessageTooBig {
				t.Errorf("closed with %d (%v)", code, bob.err)
			}
			ann.misses(bob)
			// Far larger ones still learn why: what they send is taken, unread.
			bob = f.open("bob")
			_ = bob.conn.WriteMessage(websocket.TextMessage, []byte(padded(8<<20)))
			if code := bob.closedWith(); code != websocket.CloseMessageTooBig {
				t.Errorf("closed with %d (%v)", code, bob.err)
			}
			ann.nothing()
		})
	}
}

func TestFloodOfFrames(t *testing.T) {
	for _, tt := range []struct {
		name string
		send func(c *testClient) error
	}{
		{"heartbeats", func(c *testClient) error {
			return c.conn.WriteMessage(websocket.TextMessage, []byte(`{"signal":"hb"}`))
		}},
		{"joins", func(c *testClient) error {
			return c.conn.WriteMessage(websocket.TextMessage, []byte(`{"join":"blue"}`))
		}},
		{"pings", func(c *testClient) error {
			return c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Minute))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, stop := newBubble(t, Config{})
				defer stop()
				ann, bob := f.open("ann"), f.open("bob")
				ann.join("red")
				for range 3 {
					for i := range framesAllowed {
						if err := tt.send(bob); err != nil {
							t.Fatalf("frame %d: %v", i, err)
						}
					}
					time.Sleep(framesSpan)
				}
				bob.send(`{"hangup":true}`)
				for range framesAllowed {
					_ = tt.send(bob)
				}
				if code := bob.closedWith(); code != websocket.ClosePolicyViolation {
					t.Errorf("closed with %d (%v)", code, bob.err)
				}
				ann.nothing()
			})
		})
	}
}

func TestFloodOverTCPLearnsWhy(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	for range 5000 {
		if err := c.conn.WriteMessage(websocket.TextMessage, []byte(`{"signal":"hb"}`)); err != nil {
			break
		}
	}
	if code := c.closedWith(); code != websocket.ClosePolicyViolation {
		t.Errorf("closed with %d (%v)", code, c.err)
	}
}

func TestFloodOfMalformedFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		c := f.open("ann")
		for range 3 {
			for range malformedAllowed {
				c.send(`{`)
				c.errorType()
			}
			time.Sleep(malformedSpan)
		}
		c.join("red") // bad rooms and recipients are no malformed frames
		for range malformedAllowed * 2 {
			c.send(`{"join":"?","rtc":{"type":"signal","signal":{"candidate":null}}}`)
			if a, b := c.errorType(), c.errorType(); a != protocol.ErrorBadRoom || b != protocol.ErrorBadRecipient {
				t.Fatalf("errors %s and %s", a, b)
			}
		}
		for range malformedAllowed + 1 {
			c.send(`{"rtc":7}`)
			c.errorType()
		}
		if code := c.closedWith(); code != websocket.ClosePolicyViolation {
			t.Errorf("closed with %d (%v)", code, c.err)
		}
	})
}

// TestTenThousandMalformedFrames sends them over as many sockets as the limit demands, beside a call.
func TestTenThousandMalformedFrames(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.join("red")
	bob.join("red")
	ann.sees(bob)
	bad := []string{`{`, `[]`, "\xff", `{"join":1}`, `{"a":1,"a":1}`, `{"rtc":[]}`, strings.Repeat("[", 30000), `nul`}
	const perSocket = malformedAllowed + 1
	work := make(chan int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range work {
				c := f.open(fmt.Sprint("eve", n))
				c.join([]string{"red", "blue"}[n%2])
				for i := range perSocket {
					_ = c.conn.WriteMessage(websocket.TextMessage, []byte(bad[(n+i)%len(bad)]))
				}
				var closed *websocket.CloseError
				errs := 0
				for frame := range c.frames {
					if strings.Contains(frame, protocol.ErrorBadMessage) {
						errs++
					}
				}
				if !errors.As(c.err, &closed) || closed.Code != websocket.ClosePolicyViolation || errs != perSocket {
					t.Errorf("%d errors, then %v", errs, c.err)
				}
				c.drop()
			}
		})
	}
	for n := range 10000 / perSocket {
		work <- n
	}
	close(work)
	wg.Wait()
	ann.send(`{"hangup":true}`)
	for !strings.Contains(bob.next(), `"disconnected","channel_name":"`+ann.id()) { // after all those of eve
		continue
	}
}

func TestSlowReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{QueuedBytes: 100 << 10})
		defer stop()
		f.hub.Register(largeApp{})
		ann, cid := f.open("ann"), f.open("cid")
		ann.join("red")
		cid.join("red")
		ann.sees(cid)
		// Bob takes what he is told until he is in the room, and nothing after.
		bob, _, err := f.dialer.Dial(f.base+"/ws/lobby/", header("bob"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = bob.Close() }()
		if err := bob.WriteMessage(websocket.TextMessage, []byte(`{"join":"red"}`)); err != nil {
			t.Fatal(err)
		}
		for range 5 { // connect, header, panels, others, header
			if _, _, err := bob.ReadMessage(); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []*testClient{ann, cid} {
			c.html()
			c.rtc(protocol.TypeOther, nil)
		}
		began := time.Now()
		for i := range 20 { // 10 kB each
			ann.send(`{"large":1}`)
			for _, c := range []*testClient{ann, cid} {
				for frame := c.next(); !strings.HasPrefix(frame, `{"large"`); frame = c.next() {
					if !strings.Contains(frame, protocol.TypeDisconnected) || i < 10 {
						t.Fatalf("told %s", frame)
					}
				}
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the others waited %v", took)
		}
		ann.nothing()
		if len(f.hub.all()) != 2 {
			t.Errorf("%d sessions, want two", len(f.hub.all()))
		}
	})
}

type largeApp struct{ NopHandler }

func (largeApp) Key() string { return "large" }

func (largeApp) Open(s *Session) Handler { return &largeHandler{session: s} }

type largeHandler struct {
	NopHandler
	session *Session
}

func (h *largeHandler) Receive(json.RawMessage) error {
	h.session.TellRoom("large", strings.Repeat("x", 10<<10))
	return nil
}

func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{WriteTimeout: 8 * time.Second})
		defer stop()
		ann := f.open("ann")
		ann.join("red")
		conn, _, err := f.dialer.Dial(f.base+"/ws/lobby/", header("bob")) // reads nothing, the greeting neither
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"join":"red"}`))
		ann.html()
		ann.rtc(protocol.TypeOther, nil)
		began := time.Now()
		for frame := ann.next(); !strings.Contains(frame, protocol.TypeDisconnected); frame = ann.next() {
			continue // away by now
		}
		if took := time.Since(began); took != 8*time.Second {
			t.Errorf("cut off after %v", took)
		}
	})
}

func TestMailboxCeiling(t *testing.T) {
	f := newFixture(t, Config{})
	app := &stuckApp{sessions: make(chan *Session, 1), release: make(chan struct{})}
	f.hub.Register(app)
	c := f.open("ann")
	s := <-app.sessions
	c.send(`{"stuck":1}`)
	<-app.release // the loop stands still
	posted := 0
	for s.Post("stuck", nil) {
		posted++
	}
	app.release <- struct{}{}
	if posted != mailboxCeiling {
		t.Errorf("%d posts fit", posted)
	}
	if code := c.closedWith(); code != websocket.CloseAbnormalClosure {
		t.Errorf("closed with %d", code)
	}
	if s.Post("stuck", nil) {
		t.Error("a session that ended takes posts")
	}
}

// stuckApp stops a loop until it is released.
type stuckApp struct {
	NopHandler
	sessions chan *Session
	release  chan struct{}
}

func (a *stuckApp) Key() string                   { return "stuck" }
func (a *stuckApp) Open(s *Session) Handler       { a.sessions <- s; return a }
func (a *stuckApp) Receive(json.RawMessage) error { a.release <- struct{}{}; <-a.release; return nil }

func TestLargeFramesAreHandedOverOneByOne(t *testing.T) {
	f := newFixture(t, Config{})
	app := &stuckApp{sessions: make(chan *Session, 1), release: make(chan struct{})}
	f.hub.Register(app)
	c := f.open("ann")
	s := <-app.sessions
	c.send(`{"stuck":1}`)
	<-app.release
	// The loop stands still: the reader takes one large frame and no other.
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 5 {
			c.send(padded(protocol.MaxFrameBytes))
		}
	})
	eventually(t, "a frame waits", func() bool { return len(s.inbox) == 1 })
	for range 20 {
		time.Sleep(time.Millisecond)
		if n := len(s.inbox); n != 1 {
			t.Fatalf("%d large frames wait", n)
		}
	}
	app.release <- struct{}{}
	wg.Wait()
	c.nothing()
}

func TestSlowUploadIsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		ann, bob := f.open("ann"), f.open("bob")
		ann.join("red")
		bob.join("red")
		ann.sees(bob)
		bob.freeze(true)
		w, err := bob.conn.NextWriter(websocket.TextMessage)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(`{"hangup":true,"x":"`))
		for range 40 { // seconds, and more than the client's buffer each
			time.Sleep(time.Second)
			if _, err := w.Write([]byte(strings.Repeat("a", 5000))); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = w.Write([]byte(`"}`))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		ann.misses(bob)
	})
}

func TestLostSocketIsNoError(t *testing.T) {
	for err, want := range map[error]ending{
		net.ErrClosed: {reason: "socket lost", lost: true},
		&websocket.CloseError{Code: websocket.CloseAbnormalClosure}:  {reason: "socket lost", lost: true},
		&websocket.CloseError{Code: websocket.CloseNoStatusReceived}: {reason: "socket lost", lost: true},
		&websocket.CloseError{Code: websocket.CloseNormalClosure}:    {reason: "closed by the client"},
		&websocket.CloseError{Code: websocket.CloseGoingAway}:        {reason: "closed by the client"},
		websocket.ErrReadLimit: {reason: "frame too large", linger: true},
		fmt.Errorf("x: %w", errFlood): {
			code: websocket.ClosePolicyViolation, reason: "too many frames", linger: true,
		},
	} {
		if got := endingOf(err); got != want {
			t.Errorf("%v: %+v", err, got)
		}
	}
}
