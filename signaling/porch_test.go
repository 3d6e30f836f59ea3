package signaling

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

// The page of all test clients is that of the room lobby.

// presence expects that c is told who is in the room now, and nothing else of it.
func (c *testClient) presence(want string) {
	c.t.Helper()
	synctest.Wait()
	select {
	case frame := <-c.present:
		var html string
		c.decode(frame, protocol.KeyHTML, &html)
		if html != `<div id="present">`+want+`</div>` {
			c.t.Fatalf("told %s, want %s", html, want)
		}
	default:
		c.t.Fatalf("not told %s", want)
	}
	c.noPresence()
}

func (c *testClient) noPresence() {
	c.t.Helper()
	synctest.Wait()
	select {
	case frame := <-c.present:
		c.t.Fatalf("told %s", frame)
	default:
	}
}

// soon waits as long as changes may be held back.
func soon() { time.Sleep(presentEvery + headerEvery) }

func TestWhoWaitsIsToldWhoIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		ann, vic := f.open("ann"), f.open("vic")
		ann.presence("0+0 ")
		vic.presence("0+0 ")

		bob := f.open("bob")
		bob.presence("0+0 ")
		bob.join("lobby")
		soon()
		ann.presence("1+0 bob")
		bob.noPresence()

		// Another page's room is none of theirs.
		cid := f.open("cid")
		cid.presence("1+0 bob")
		cid.join("red")
		soon()
		ann.noPresence()

		// Who only watches is counted.
		vic.presence("1+0 bob")
		vic.watch("lobby")
		soon()
		ann.presence("1+1 bob")
		vic.noPresence()

		// Who leaves waits again, and what was told meanwhile does not come later.
		bob.send(`{"hangup":true}`)
		bob.nothing()
		soon()
		bob.presence("0+1 ")
		ann.presence("0+1 ")
		cid.send(`{"hangup":true}`)
		cid.nothing()
		cid.presence("0+1 ")
		vic.leave(websocket.CloseGoingAway)
		soon()
		for _, c := range []*testClient{ann, bob, cid} {
			c.presence("0+0 ")
		}
	})
}

func TestNamesAreToldWhereEverybodyIsLetIn(t *testing.T) {
	const lock, unlock = `{"floor":{"type":"lock","on":true}}`, `{"floor":{"type":"lock","on":false}}`
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		ann, bob := f.open("ann"), f.open("bob")
		ann.presence("0+0 ")
		bob.join("lobby")
		soon()
		ann.presence("1+0 bob")
		for _, step := range []struct{ send, want string }{
			{lock, "1+0 "},
			{unlock, "1+0 bob"},
			{`{"floor":{"type":"access","access":"password","password":"pear"}}`, "1+0 "},
			{`{"floor":{"type":"access","access":"open"}}`, "1+0 bob"},
			{`{"floor":{"type":"access","access":"invite"}}`, "1+0 "},
		} {
			bob.send(step.send)
			soon()
			ann.presence(step.want)
		}
		bob.send(lock) // changes nothing for who waits
		soon()
		ann.noPresence()
	})
}

func TestOnlySomeNamesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		for i := range presentShown + 2 {
			f.open(fmt.Sprint("p", i)).join("lobby")
		}
		soon() // the last one stands before the room no longer
		ann := f.open("ann")
		ann.presence("10+0 p0,p1,p2,p3,p4,p5,p6,p7")
	})
}

// countingRenderer counts how often it is rendered who is there.
type countingRenderer struct {
	fakeRenderer
	presents *atomic.Int64
}

func (r countingRenderer) Present(p protocol.Present) string {
	r.presents.Add(1)
	return r.fakeRenderer.Present(p)
}

func TestWhoWaitsIsToldOfManyChangesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		var presents atomic.Int64
		f.hub.deps.Renderer = countingRenderer{presents: &presents}
		var waiting []*testClient
		for i := range 20 {
			waiting = append(waiting, f.open(fmt.Sprint("w", i)))
			waiting[i].presence("0+0 ")
		}
		if n := presents.Load(); n != 1 {
			t.Errorf("rendered %d times for those who came", n)
		}
		soon()
		for i := range 40 { // in a second
			f.open(fmt.Sprint("p", i)).join("lobby")
			time.Sleep(25 * time.Millisecond)
		}
		soon()
		if n := presents.Load(); n > 5 {
			t.Errorf("rendered %d times for 40 who entered in a second", n)
		}
		for _, c := range waiting {
			var last string
			for n := len(c.present); n > 0; n-- {
				last = <-c.present
			}
			if !strings.Contains(last, "40+0 p0,") {
				t.Errorf("in the end told %s", last)
			}
		}

		// Nothing is rendered where nobody waits.
		for _, c := range waiting {
			c.drop()
		}
		synctest.Wait()
		before := presents.Load()
		ann := f.open("ann")
		ann.presence("40+0 p0,p1,p2,p3,p4,p5,p6,p7")
		ann.join("lobby")
		soon()
		if n := presents.Load() - before; n != 1 {
			t.Errorf("rendered %d times", n)
		}
	})
}

// The frames that a client may rely on come first, and what waits for it when it enters does not follow it there.
func TestPresenceKeepsTheOrderOfFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.open("bob").join("lobby")
		conn, response, err := f.dialer.Dial(f.base+"/ws/lobby/", header("ann"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		defer func() { _ = conn.Close() }()
		next := func(prefix string) {
			t.Helper()
			if _, data, err := conn.ReadMessage(); err != nil || !strings.HasPrefix(string(data), prefix) {
				t.Fatalf("%s (%v), want %s", data, err, prefix)
			}
		}
		next(`{"rtc":{"type":"connect"`)
		next(`{"html":"<header`)
		next(`{"html":"<div id=\"present\">1+0 bob<`)
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"join":"lobby"}`)); err != nil {
			t.Fatal(err)
		}
		next(`{"html":"<div id=\"peer-`)
		next(`{"rtc":{"type":"others"`)
		next(`{"html":"<header`)
	})
}

func TestPresenceIsNotForWhoHasEntered(t *testing.T) {
	s := &Session{}
	outside := post{outside: true}
	if !s.concerns(outside) {
		t.Error("not told while waiting")
	}
	s.room, s.member = &room{}, &member{}
	if s.concerns(outside) {
		t.Error("told in a room")
	}
	if !s.concerns(post{}) || !s.concerns(post{member: s.member}) || s.concerns(post{member: &member{}}) {
		t.Error("other posts do not come as they did")
	}
}
