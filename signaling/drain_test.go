package signaling

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

// server expects what the server says of itself.
func (c *testClient) server(want string) {
	c.t.Helper()
	if frame := c.next(); frame != `{"server":`+want+`}` {
		c.t.Fatalf("told %s, want %s", frame, want)
	}
}

func (f *fixture) calls(people, rooms int) {
	f.t.Helper()
	if p, r := f.hub.Calls(); p != people || r != rooms {
		f.t.Errorf("%d people in %d rooms, want %d in %d", p, r, people, rooms)
	}
}

func TestDrainTakesNoNewRooms(t *testing.T) {
	f := newFixture(t, Config{})
	inside, outside := f.open("inside"), f.open("outside")
	inside.join("red")
	f.hub.Drain(time.UnixMilli(1234))
	if !f.hub.Draining() {
		t.Error("not draining")
	}
	inside.server(`{"type":"draining","until":1234}`)
	outside.server(`{"type":"draining","until":1234}`)
	newcomer := f.open("newcomer")
	newcomer.server(`{"type":"draining","until":1234}`)

	outside.send(`{"join":"blue"}`)
	var refusal protocol.Error
	outside.decode(outside.next(), protocol.KeyError, &refusal)
	if refusal.Type != protocol.ErrorDraining || !strings.Contains(refusal.Detail, "restart") {
		t.Errorf("refused with %+v", refusal)
	}
	newcomer.join("red") // which is open
	inside.sees(newcomer)
	check := protocol.CheckPrefix + strings.Repeat("x", 22)
	outside.join(check)
	f.calls(2, 1)

	f.hub.Undrain()
	outside.server(`{"type":"draining","until":null}`)
	outside.join("blue")
	f.calls(3, 2)
	if f.hub.Draining() {
		t.Error("draining")
	}
	f.open("later").nothing()
	f.hub.Undrain()
	outside.nothing()
}

// TestDrainAndBack has the only one in a room load the page again.
func TestDrainAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.hub.Drain(time.Time{})
		f.hub.Undrain()
		before := f.open("alice")
		before.join("red")
		f.hub.Drain(time.Time{})
		before.leave(websocket.CloseGoingAway)
		synctest.Wait()
		f.calls(0, 0)

		again, stranger := f.open("alice"), f.open("bob")
		for _, c := range []*testClient{again, stranger} {
			c.server(`{"type":"draining","until":0}`)
		}
		stranger.send(`{"join":"red"}`)
		if e := stranger.errorType(); e != protocol.ErrorDraining {
			t.Errorf("the stranger was told %s", e)
		}
		again.send(`{"join":"blue"}`)
		if e := again.errorType(); e != protocol.ErrorDraining {
			t.Errorf("for another room alice was told %s", e)
		}
		again.join("red")
		again.send(`{"hangup":true}`)
		time.Sleep(comeBackWithin)
		again.send(`{"join":"red"}`)
		if e := again.errorType(); e != protocol.ErrorDraining {
			t.Errorf("too late alice was told %s", e)
		}
	})
}

func TestAwaitNoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		if err := f.hub.AwaitNoCalls(t.Context()); err != nil {
			t.Error(err)
		}
		red, blue := f.open("red"), f.open("blue")
		red.join("red")
		blue.join("blue")
		f.open("check").join(protocol.CheckPrefix + strings.Repeat("x", 22))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := f.hub.AwaitNoCalls(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with two calls: %v", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- f.hub.AwaitNoCalls(t.Context()) }()
		red.send(`{"hangup":true}`)
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("with one call: %v", err)
		default:
		}
		blue.send(`{"hangup":true}`)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestRestart wants everybody told to come back, in calls first, each at another time.
func TestRestart(t *testing.T) {
	f := newFixture(t, Config{})
	outside := f.open("outside")
	const people = 3
	var inside []*testClient
	for i := range people {
		c := f.open(fmt.Sprint(i))
		c.join("red")
		inside = append(inside, c)
	}
	if err := f.hub.Restart(t.Context(), 500*time.Millisecond); err != nil {
		t.Error(err)
	}
	after := func(c *testClient) (ms int64) {
		var told protocol.Restarting
		c.decode(c.until(`{"server"`), protocol.KeyServer, &told)
		if told.Type != protocol.TypeRestarting {
			t.Errorf("told %+v", told)
		}
		if code := c.closedWith(); code != websocket.CloseServiceRestart {
			t.Errorf("closed with %d", code)
		}
		return told.After
	}
	var all int64
	for _, c := range inside {
		ms := after(c)
		if all |= 1 << ((ms - 500) / 10); ms < 500 || ms >= 500+10*people {
			t.Errorf("in a call, but told to wait %d ms", ms)
		}
	}
	if all != 1<<people-1 {
		t.Errorf("told to come at the same time: %b", all)
	}
	if ms := after(outside); ms != 500+10*people {
		t.Errorf("in no call, told to wait %d ms", ms)
	}
}
