package signaling

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/sfu"
	"parley/signaling/protocol"
)

// state expects the fragment that marks other.
func (c *testClient) state(other *testClient, away bool) {
	c.t.Helper()
	want := fmt.Sprintf(`<i id="%s-state">%v</i>`, protocol.ShortName(other.id()), away)
	if html := c.html(); html != want {
		c.t.Fatalf("told %s, want %s", html, want)
	}
}

// callOfTwo opens a bubble with two people in a room; t0 is when the second was last heard.
func callOfTwo(t *testing.T) (f *fixture, ann, bob *testClient, t0 time.Time, stop func()) {
	f, stop = newBubble(t, Config{})
	ann, bob = f.open("ann"), f.open("bob")
	ann.join("red")
	bob.join("red")
	ann.sees(bob)
	bob.nothing()
	return f, ann, bob, time.Now(), stop
}

func after(t *testing.T, t0 time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(t0); got != want {
		t.Fatalf("after %v, want %v", got, want)
	}
}

func TestSilentParticipantIsAwayThenGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ann, bob, t0, stop := callOfTwo(t)
		defer stop()
		bob.freeze(true)
		ann.state(bob, true)
		after(t, t0, 3*time.Second)
		ann.misses(bob)
		after(t, t0, 15*time.Second)
		if code := bob.closedWith(); code != websocket.CloseGoingAway {
			t.Errorf("closed with %d", code)
		}
		ann.nothing()
	})
}

func TestParticipantComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ann, bob, t0, stop := callOfTwo(t)
		defer stop()
		bob.freeze(true)
		ann.state(bob, true)
		time.Sleep(time.Second)

		// Who enters now is told too, after the panel.
		cid := f.open("cid")
		cid.send(`{"join":"red"}`)
		if html := cid.html(); !strings.Contains(html, bob.panel()) || !strings.Contains(html, ann.panel()) {
			t.Fatalf("panels %s", html)
		}
		cid.state(bob, true)
		cid.rtc(protocol.TypeOthers, nil)
		cid.header("red", 3)
		ann.sees(cid)

		bob.send(`{"signal":"hb"}`) // anything will do
		ann.state(bob, false)
		cid.state(bob, false)
		after(t, t0, 4*time.Second)
		bob.freeze(false) // from here on the answers to pings do
		time.Sleep(5 * time.Minute)
		ann.nothing()
		cid.nothing()
		dora := f.open("dora")
		if got := dora.join("red"); len(got) != 3 { // and no state of bob: join would have failed
			t.Fatalf("others %v", got)
		}
	})
}

func TestPongAloneEndsTheSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ann, bob, t0, stop := callOfTwo(t)
		defer stop()
		bob.freeze(true)
		ann.state(bob, true)
		time.Sleep(time.Millisecond)
		bob.freeze(false)
		ann.state(bob, false)
		after(t, t0, 4*time.Second) // the ping after the third
	})
}

func TestMediaKeepsASilentSocketIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ann, bob, t0, stop := callOfTwo(t)
		defer stop()
		f.media.last(bob.id()).deliver(sfu.MediaSilent{Silent: false})
		bob.freeze(true)
		time.Sleep(20 * time.Second)
		ann.nothing()
		f.media.last(bob.id()).deliver(sfu.MediaSilent{Silent: true}) // for 3 s by now
		ann.state(bob, true)
		after(t, t0, 20*time.Second)
		f.media.last(bob.id()).deliver(sfu.MediaSilent{Silent: false})
		ann.state(bob, false)
		f.media.last(bob.id()).deliver(sfu.MediaSilent{Silent: true})
		ann.state(bob, true)
		ann.misses(bob)
		after(t, t0, 32*time.Second)
	})
}

func TestSilentMediaAloneIsNoAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ann, bob, _, stop := callOfTwo(t)
		defer stop()
		f.media.last(bob.id()).deliver(sfu.MediaSilent{Silent: true, Lost: true})
		time.Sleep(time.Minute)
		ann.nothing()
		var silent protocol.Silent
		bob.rtc(protocol.TypeSilent, &silent) // whose page looks for another path
		bob.nothing()
	})
}

func TestPingsOnlyIntoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _, bob, _, stop := callOfTwo(t)
		defer stop()
		before := bob.pinged()
		for range 50 {
			time.Sleep(900 * time.Millisecond)
			bob.send(`{"signal":"hb"}`)
		}
		if n := bob.pinged() - before; n != 0 {
			t.Errorf("%d pings to one who talks", n)
		}
		time.Sleep(10500 * time.Millisecond)
		if n := bob.pinged() - before; n != 10 {
			t.Errorf("%d pings in 10 s of silence", n)
		}
		// Outside a room a heartbeat every 30 s is plenty.
		idle := f.open("cid")
		before = idle.pinged()
		for range 10 {
			time.Sleep(14 * time.Second)
			idle.send(`{"signal":"hb"}`)
		}
		if n := idle.pinged() - before; n != 0 {
			t.Errorf("%d pings outside a room", n)
		}
		idle.nothing()
	})
}

func TestSilentSocketOutsideARoomIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		c := f.open("ann")
		c.freeze(true)
		t0 := time.Now()
		<-c.done
		after(t, t0, 45*time.Second)
		if code := c.closedWith(); code != websocket.CloseGoingAway {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestAwayEndsWithTheStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ann, bob, _, stop := callOfTwo(t)
		defer stop()
		bob.freeze(true)
		ann.state(bob, true)
		bob.send(`{"join":"red"}`) // leaving and entering: the panel is new and unmarked
		for frame := ann.next(); !strings.Contains(frame, protocol.TypeDisconnected); frame = ann.next() {
			continue // perhaps that bob is back
		}
		ann.sees(bob)
		ann.nothing()
		bob.send(`{"hangup":true}`)
		ann.misses(bob)
		time.Sleep(20 * time.Second)
		ann.nothing()
	})
}

func TestCredentialsAreRenewed(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		5 * time.Second: 3750 * time.Millisecond,
		time.Hour:       45 * time.Minute,
		time.Nanosecond: minRenewal,
	} {
		synctest.Test(t, func(t *testing.T) {
			f, stop := newBubble(t, Config{})
			defer stop()
			f.configs.life = life
			c := f.open("ann")
			t0 := time.Now()
			for i := range 3 {
				var cfg protocol.Config
				c.decode(<-c.frames, protocol.KeyRTC, &cfg)
				if got := cfg.RTCConfig.ICEServers[0].Username; got != fmt.Sprint(i+2, ":", c.id()) {
					t.Errorf("config %+v", cfg)
				}
				after(t, t0, time.Duration(i+1)*want)
			}
		})
	}
}
