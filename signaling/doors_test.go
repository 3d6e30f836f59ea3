package signaling

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/auth"
	"parley/sfu"
	"parley/signaling/protocol"
)

// refused expects that a join is answered by that error.
func (c *testClient) refused(join, kind, detail string) {
	c.t.Helper()
	c.send(`{"join":` + join + `}`)
	var e protocol.Error
	c.decode(c.next(), protocol.KeyError, &e)
	if e.Type != kind || !strings.Contains(e.Detail, detail) {
		c.t.Fatalf("%s: refused with %+v, want %s", join, e, kind)
	}
}

func (c *testClient) floor(request string) {
	c.t.Helper()
	c.send(`{"floor":` + request + `}`)
	c.told()
}

func TestRefusedJoinsChangeNothing(t *testing.T) {
	for _, tt := range []struct {
		name, request string // ann's, before
		headroom      sfu.Headroom
		join, kind    string
		detail        string
		enters        string // what lets bob in; "" for nothing
	}{
		{
			name: "password missing", request: `{"type":"access","access":"password","password":"sesame"}`,
			join: `"red"`, kind: protocol.ErrorPassword, enters: `{"room":"red","password":"sesame"}`,
		},
		{
			name: "password wrong", request: `{"type":"access","access":"password","password":"sesame"}`,
			join: `{"room":"red","password":"Sesame"}`, kind: protocol.ErrorPassword,
			enters: `{"room":"red","as":"viewer","password":"sesame"}`,
		},
		{
			name: "invitation missing", request: `{"type":"access","access":"invite"}`,
			join: `"red"`, kind: protocol.ErrorInvite, enters: `{"room":"red","invite":"to+red"}`,
		},
		{
			name: "invitation to another room", request: `{"type":"access","access":"invite"}`,
			join: `{"room":"red","invite":"to+blue"}`, kind: protocol.ErrorInvite, enters: `{"room":"red","invite":"to+red"}`,
		},
		{name: "locked", request: `{"type":"lock","on":true}`, join: `"red"`, kind: protocol.ErrorLocked},
		{
			name: "nearly full", headroom: sfu.Headroom{Known: true, People: 1}, join: `"a b"`,
			kind: protocol.ErrorBadRoom, enters: `"red"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Config{})
			ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
			ann.join("red")
			cid.join("blue")
			bob.join("blue")
			cid.sees(bob)
			bob.told()
			if tt.request != "" {
				ann.floor(tt.request)
			}
			f.capacity.set(tt.headroom)
			bob.refused(tt.join, tt.kind, tt.detail)
			cid.nothing()
			ann.nothing()
			if got := f.media.last(bob.id()); got.room != "blue" || len(got.log()) > 0 || !f.hub.InCall(bob.id()) {
				t.Errorf("bob lost the call: in %s, %q", got.room, got.log())
			}
			if tt.enters == "" {
				return
			}
			bob.send(`{"join":` + tt.enters + `}`)
			bob.until(`{"rtc":{"type":"others"`)
			cid.misses(bob)
		})
	}
}

func TestFullServer(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.join("red")
	f.capacity.set(sfu.Headroom{Known: true, Limit: "CPU"})
	bob.refused(`"red"`, protocol.ErrorFull, "the server carries no more people (CPU)")
	f.capacity.set(sfu.Headroom{Known: true})
	bob.refused(`{"room":"red","as":"viewer"}`, protocol.ErrorFull, "the server carries no more people")
	if f.hub.InCall(bob.id()) {
		t.Error("bob is in the call")
	}
	ann.nothing()
	ann.join("blue") // it is one of those who are here
	ann.send(`{"hangup":true}`)
	ann.refused(`"red"`, protocol.ErrorFull, "")
}

func TestComingBackNeedsNothing(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.join("red")
	bob.join("red")
	ann.floor(`{"type":"access","access":"password","password":"sesame"}`)
	ann.floor(`{"type":"lock","on":true}`)
	f.capacity.set(sfu.Headroom{Known: true})
	bob.drop()
	ann.until(`{"rtc":{"type":"disconnected"`)
	bob = f.open("bob") // the same login session
	bob.join("red")
	other := f.open("bob#2")
	other.refused(`"red"`, protocol.ErrorLocked, "")
}

func TestRejoiningAloneKeepsTheRoom(t *testing.T) {
	f := newFixture(t, Config{RoomAccess: protocol.AccessPassword, RoomPassword: "sesame"})
	ann := f.open("ann")
	ann.refused(`"red"`, protocol.ErrorPassword, "")
	if f.hub.find("red") != nil {
		t.Error("a room was opened for nobody")
	}
	ann.send(`{"join":{"room":"red","password":"sesame"}}`)
	ann.joined("red")
	ann.join("red") // without the password
	if !f.hub.InCall(ann.id()) {
		t.Error("ann lost the room")
	}
	ann.send(`{"hangup":true}`)
	ann.refused(`"red"`, protocol.ErrorPassword, "") // another room of that name
}

func TestRemovedPeopleStayOut(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob, elsewhere := f.open("ann"), f.open("bob"), f.open("bob#2")
	ann.join("red")
	bob.join("red")
	elsewhere.watch("red")
	ann.until(`{"html":"<header id=\"header\">red 2 +1</header>"}`)
	ann.send(`{"floor":{"type":"remove","channel_name":"` + bob.id() + `"}}`)
	for _, c := range []*testClient{bob, elsewhere} {
		c.until(`{"floor":{"type":"removed"}}`)
		c.send(`{"floor":{"type":"hand","up":true}}`)
		if e := c.errorType(); e != protocol.ErrorForbidden {
			t.Errorf("a hand outside: %s", e)
		}
		c.refused(`"red"`, protocol.ErrorRemoved, "")
		c.refused(`{"room":"red","as":"viewer"}`, protocol.ErrorRemoved, "")
		if f.hub.InCall(c.id()) {
			t.Error("still in the call")
		}
	}
	ann.until(`{"html":"<header id=\"header\">red 1</header>"}`)
	f.open("bob#3").refused(`"red"`, protocol.ErrorRemoved, "") // the same user, logged in again
	bob.join("blue")                                            // the socket is as good as before
	ann.send(`{"hangup":true}`)
	ann.nothing()
	bob.join("red") // another room of that name
}

func TestRoomsHaveALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{MaxRoomPeople: 2})
		defer stop()
		ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
		ann.join("red")
		bob.send(`{"join":{"room":"red","as":"viewer"}}`)
		bob.until(`{"html":"<header id=\"header\">red 1 +1 of 2</header>"}`)
		ann.until(`{"html":"<header id=\"header\">red 1 +1 of 2</header>"}`)
		cid.refused(`"red"`, protocol.ErrorFull, "the room takes 2 people")
		f.capacity.set(sfu.Headroom{Known: true, People: 5})
		cid.join("blue")
		bob.send(`{"hangup":true}`)
		ann.until(`{"html":"<header id=\"header\">red 1 of 2</header>"}`)
		cid.join("red")
	})
}

func TestLockShowsInTheHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		ann := f.open("ann")
		ann.join("red")
		time.Sleep(time.Second)
		f.capacity.set(sfu.Headroom{Known: true, People: 7})
		ann.send(`{"floor":{"type":"lock","on":true}}`)
		ann.until(`{"html":"<header id=\"header\">red 1 of 8 locked</header>"}`)
	})
}

func TestPasswordsAreGuessedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{RoomAccess: protocol.AccessPassword, RoomPassword: "sesame"})
		defer stop()
		f.hub.deps.Guesses = auth.NewGuesses()
		const right = `{"room":"red","password":"sesame"}`
		ann, bob := f.open("ann"), f.open("bob")
		ann.send(`{"join":` + right + `}`)
		ann.joined("red")
		guessed := 0
		for ; guessed < 100; guessed++ {
			bob.send(`{"join":{"room":"red","password":"simsim"}}`)
			var e protocol.Error
			if bob.decode(bob.next(), protocol.KeyError, &e); strings.Contains(e.Detail, "too many") {
				break
			}
			if e.Type != protocol.ErrorPassword {
				t.Fatalf("told %+v", e)
			}
		}
		if guessed < 5 || guessed > 20 {
			t.Errorf("%d guesses were answered", guessed)
		}
		bob.refused(right, protocol.ErrorPassword, "too many")
		for range 10 { // no guesses
			bob.refused(`"red"`, protocol.ErrorPassword, "asks for its password")
		}
		ann.send(`{"join":` + right + `}`) // who is known is not asked
		ann.joined("red")
		time.Sleep(time.Minute)
		bob.send(`{"join":` + right + `}`)
		bob.joined("red")
	})
}
