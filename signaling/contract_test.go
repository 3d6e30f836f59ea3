package signaling

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"parley/sfu"
	"parley/signaling/protocol"
)

func TestJoinAnnouncesEachToTheOther(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
	if got := ann.join("red"); len(got) != 0 {
		t.Fatalf("others %v in an empty room", got)
	}
	if got := bob.join("red"); len(got) != 1 || got[0] != (protocol.Participant{
		ChannelName: ann.id(), UserName: "ann", ShortName: protocol.ShortName(ann.id()),
	}) {
		t.Fatalf("bob is told %+v", got)
	}
	ann.sees(bob)
	if got := cid.join("red"); len(got) != 2 || got[0].ChannelName != ann.id() || got[1].ChannelName != bob.id() {
		t.Fatalf("cid is told %+v", got)
	}
	ann.sees(cid)
	bob.sees(cid)
	if !f.hub.InCall(ann.id()) || f.hub.InCall("nobody") {
		t.Error("InCall is wrong")
	}

	bob.send(`{"hangup":true}`)
	ann.misses(bob)
	cid.misses(bob)
	bob.nothing()
	if f.hub.InCall(bob.id()) {
		t.Error("bob is in no call")
	}
	bob.send(`{"hangup":true}`) // twice is no harm
	bob.nothing()
	ann.nothing()
}

func TestHeaderFollowsTheNumberOfPeople(t *testing.T) {
	f := newFixture(t, Config{})
	ann := f.open("ann")
	ann.join("lobby")
	bob := f.dial("bob")
	bob.rtc(protocol.TypeConnect, &bob.connect)
	bob.header("lobby", 1)
	bob.join("lobby")
	ann.sees(bob)
	ann.header("lobby", 2)
	bob.send(`{"join":"red"}`)
	bob.joined("red")
	ann.misses(bob)
	ann.header("lobby", 1)
}

func TestJoinElsewhereLeaves(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
	ann.join("red")
	bob.join("blue")
	if got := cid.join("red"); len(got) != 1 {
		t.Fatalf("others %+v", got)
	}
	ann.sees(cid)
	if got := cid.join("blue"); len(got) != 1 || got[0].ChannelName != bob.id() {
		t.Fatalf("others %+v", got)
	}
	ann.misses(cid)
	bob.sees(cid)
	ann.nothing()
	if got := f.media.last(cid.id()).room; got != "blue" {
		t.Errorf("media in %s", got)
	}

	// The same room again is a fresh join.
	cid.join("blue")
	bob.misses(cid)
	bob.sees(cid)
	bob.nothing()

	// A bad name loses nothing.
	cid.send(`{"join":"no such room"}`)
	if e := cid.errorType(); e != protocol.ErrorBadRoom {
		t.Fatalf("error %s", e)
	}
	bob.nothing()
	if !f.hub.InCall(cid.id()) {
		t.Error("cid lost the room")
	}
}

func TestRoomsCompareInNFC(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.send(`{"join":"cafe` + "\u0301" + `"}`)
	ann.joined("caf\u00e9")
	bob.send(`{"join":"caf\u00e9"}`)
	if got := bob.joined("caf\u00e9"); len(got) != 1 {
		t.Fatalf("others %v", got)
	}
	ann.sees(bob)
}

func TestClosedSocketsLeave(t *testing.T) {
	f := newFixture(t, Config{})
	ann := f.open("ann")
	ann.join("red")
	for _, code := range []int{websocket.CloseNormalClosure, websocket.CloseGoingAway} {
		bob := f.open("bob")
		bob.join("red")
		ann.sees(bob)
		bob.leave(code)
		ann.misses(bob)
	}
}

func TestFrameWithSeveralKeys(t *testing.T) {
	f := newFixture(t, Config{})
	f.hub.Register(echoApp{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.join("red")
	bob.join("red")
	ann.sees(bob)
	// Whatever the order in the frame: hangup, join, the apps.
	ann.send(`{"echo":"here","nobody":[1],"join":"blue","signal":"hb","room":"blue","hangup":true}`)
	bob.misses(ann)
	if got := ann.joined("blue"); len(got) != 0 {
		t.Fatalf("others %v", got)
	}
	var said echoed
	ann.decode(ann.next(), "echo", &said)
	if said.From != ann.id() || said.Room != "blue" || said.Text != "here" {
		t.Errorf("echo %+v", said)
	}
	ann.nothing()
}

func TestQuietFrames(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	for _, frame := range []string{
		`{}`, ` { } `, `{"signal":"hb"}`, `{"signal":"later"}`, `{"room":"red"}`, `{"unknown":{"a":[1,2,null]}}`,
		`{"rtc":{"type":"later","x":1}}`, `{"hangup":true}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{"candidate":null}}}`,
		`{"rtc":{"type":"screen","stream":"s"}}`,
		`{"rtc":{"type":"view","tiles":[]}}`,
		`{"rtc":{"type":"view","tiles":[{"channel_name":"p","track":"camera","width":320,"height":180}]}}`,
		`{"rtc":{"type":"limited","mid":"1","why":"none"}}`,
	} {
		c.send(frame)
		c.nothing()
	}
}

func TestMalformedFramesAreAnswered(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	ann := f.open("bob")
	ann.join("red")
	c.join("red")
	ann.sees(c)
	for _, frame := range []string{
		``, `x`, `{`, `[]`, `null`, `7`, `"hangup"`, `{"a":1,}`, `{"a" 1}`, `{1:2}`, `{"a":1}{"b":2}`, `{"a":1} x`,
		`{"a":1,"a":2}`, `{"hangup":true,"h\u0061ngup":true}`, "{\"a\":\"\xff\"}", `{"a":` + strings.Repeat("[", 20000) + `}`,
		`{"join":7}`, `{"join":null}`, `{"join":{}}`, `{"hangup":false}`, `{"hangup":"x"}`, `{"signal":7}`, `{"room":[]}`,
		`{"rtc":7}`, `{"rtc":null}`, `{"rtc":{}}`, `{"rtc":{"type":7}}`,
		`{"rtc":{"type":"screen"}}`,
		`{"rtc":{"type":"signal","recipient":"sfu"}}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":null}}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{}}}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{"candidate":"x"}}}`,
		`{"rtc":{"type":"signal","recipient":"sfu","signal":{"candidate":null,"description":{"type":"offer"}}}}`,
		`{"hangup":true,"join":7}`, // refused as a whole
	} {
		c.send(frame)
		if e := c.errorType(); e != protocol.ErrorBadMessage {
			t.Fatalf("%.40q: error %s", frame, e)
		}
	}
	if err := c.conn.WriteMessage(websocket.BinaryMessage, []byte(`{"hangup":true}`)); err != nil {
		t.Fatal(err)
	}
	if e := c.errorType(); e != protocol.ErrorBadMessage {
		t.Fatalf("binary frame: error %s", e)
	}
	ann.nothing()
}

func TestSignalsReachThePeer(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	signal := func(recipient, body string) {
		c.send(`{"rtc":{"type":"signal","sender":"anyone","recipient":` + recipient + `,"signal":` + body + `}}`)
	}
	offer := `{"description":{"type":"offer","sdp":"v=0"}}`
	signal(`"sfu"`, offer) // before the join: ignored
	c.nothing()

	c.join("red")
	c.nothing() // the peer is there once this is answered
	peer := f.media.last(c.id())
	for _, recipient := range []string{`""`, `"SFU"`, `null`, `"` + c.id() + `"`} {
		signal(recipient, offer)
		if e := c.errorType(); e != protocol.ErrorBadRecipient {
			t.Fatalf("recipient %s: error %s", recipient, e)
		}
	}
	c.send(`{"rtc":{"type":"signal","signal":{"candidate":null}}}`)
	if e := c.errorType(); e != protocol.ErrorBadRecipient {
		t.Fatalf("no recipient: error %s", e)
	}
	signal(`"sfu"`, `{"description":{"type":"rollback"}}`)
	if e := c.errorType(); e != protocol.ErrorBadDescription {
		t.Fatalf("rollback: error %s", e)
	}

	signal(`"sfu"`, `{"candidate":{"candidate":"early"}}`)             // may overtake its offer
	signal(`"sfu"`, `{"description":{"type":"answer","sdp":"stale"}}`) // of the call before
	signal(`"sfu"`, offer)
	signal(`"sfu"`, `{"candidate":{"candidate":"c","sdpMid":"0","sdpMLineIndex":1,"usernameFragment":"u"}}`)
	signal(`"sfu"`, `{"candidate":null}`)
	signal(`"sfu"`, `{"description":{"type":"answer","sdp":"a"}}`)
	signal(`"sfu"`, `{"description":{"type":"_reset"}}`)
	c.send(`{"rtc":{"type":"screen","stream":"s1"}}`)
	c.nothing()
	want := []string{
		"candidate:early mid=<nil> line=<nil>", "offer:v=0", "candidate:c mid=0 line=1", "candidate:end", "answer:a",
		"_reset:", "screen:s1",
	}
	if got := peer.log(); !slices.Equal(got, want) {
		t.Fatalf("peer got %q, want %q", got, want)
	}
	c.send(`{"hangup":true}`)
	signal(`"sfu"`, offer)
	c.nothing()
	if got := peer.log(); !slices.Equal(got, append(want, "close")) {
		t.Fatalf("after the hang-up: %q", got)
	}
}

func TestAnswerToAServerOfferThatCameFirst(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.nothing()
	peer := f.media.last(c.id())
	peer.deliver(sfu.LocalDescription{Description: sfu.Description{Type: "offer", SDP: "o"}})
	c.rtc(protocol.TypeSignal, nil)
	c.send(`{"rtc":{"type":"signal","recipient":"sfu","signal":{"description":{"type":"answer","sdp":"a"}}}}`)
	c.nothing()
	if got := peer.log(); !slices.Equal(got, []string{"answer:a"}) {
		t.Fatalf("peer got %q", got)
	}
}

func TestEventsOnTheWire(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.nothing()
	peer := f.media.last(c.id())
	mid, line := "0", uint16(3)
	signal := func(body string) string {
		return `{"rtc":{"type":"signal","sender":"sfu","recipient":"` + c.id() + `","signal":` + body + `}}`
	}
	for _, tt := range []struct {
		event sfu.Event
		want  string
	}{
		{
			sfu.LocalDescription{Description: sfu.Description{Type: "offer", SDP: "v=0"}},
			signal(`{"description":{"type":"offer","sdp":"v=0"}}`),
		},
		{
			sfu.LocalDescription{Description: sfu.Description{Type: sfu.TypeReset}},
			signal(`{"description":{"type":"_reset"}}`),
		},
		{
			sfu.LocalCandidate{Candidate: &sfu.Candidate{Candidate: "c", SDPMid: &mid, SDPMLineIndex: &line}},
			signal(`{"candidate":{"candidate":"c","sdpMid":"0","sdpMLineIndex":3}}`),
		},
		{sfu.LocalCandidate{}, signal(`{"candidate":null}`)},
		{
			sfu.Refused{Err: fmt.Errorf("%w: no", sfu.ErrDescription)},
			`{"error":{"type":"bad_description","detail":"bad description: no"}}`,
		},
		{
			sfu.Refused{Err: fmt.Errorf("%w: %s", sfu.ErrCandidate, strings.Repeat("é", 200))},
			`{"error":{"type":"bad_candidate","detail":"bad candidate: ` + strings.Repeat("é", 92) + `…"}}`,
		},
		{
			sfu.Undecodable{Publisher: "p", Subscriber: "s", Kind: "video", Codec: "video/AV1"},
			`{"rtc":{"type":"undecodable","publisher":"p","subscriber":"","kind":"video","codec":"video/AV1"}}`,
		},
		{
			sfu.Quality{Publisher: "p", Layer: 1, Layers: 3, Width: 640, Height: 360, Why: sfu.ForBandwidth},
			`{"rtc":{"type":"quality","channel_name":"p","track":"camera","layer":1,"layers":3,` +
				`"width":640,"height":360,"why":"bandwidth"}}`,
		},
		{
			sfu.Quality{Publisher: "p", Screen: true, Layer: -1, Layers: 2, Why: sfu.ForUplink},
			`{"rtc":{"type":"quality","channel_name":"p","track":"screen","layer":null,"layers":2,` +
				`"width":0,"height":0,"why":"uplink"}}`,
		},
		{
			sfu.LayersWanted{Mid: "1", Active: map[string]bool{"q": true, "h": true, "f": false}},
			`{"rtc":{"type":"layers","mid":"1","active":{"f":false,"h":true,"q":true}}}`,
		},
		{
			sfu.LayersWanted{Mid: "2", Active: map[string]bool{"": true}},
			`{"rtc":{"type":"layers","mid":"2","active":{"":true}}}`,
		},
		{sfu.LayersWanted{Mid: "3"}, `{"rtc":{"type":"layers","mid":"3","active":{}}}`},
		{
			sfu.Ended{Err: errors.New("secret")},
			`{"error":{"type":"internal","detail":"the call ended by a fault of the server"}}`,
		},
	} {
		peer.deliver(tt.event)
		if got := c.next(); got != tt.want {
			t.Errorf("%T:\n got %s\nwant %s", tt.event, got, tt.want)
		}
	}
	c.nothing()
	if f.hub.InCall(c.id()) {
		t.Error("in the call after it ended")
	}
}

func TestEventsOfAFormerPeerAreDropped(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.nothing()
	former := f.media.last(c.id())
	c.join("blue")
	c.nothing()
	former.deliver(sfu.LocalDescription{Description: sfu.Description{Type: "offer"}})
	former.deliver(sfu.Ended{})
	c.nothing()
	if !f.hub.InCall(c.id()) {
		t.Error("a former peer ended the call")
	}
}

func TestMediaThatCannotBeJoined(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.join("red")
	f.media.fail(errors.New("no more ports"))
	bob.join("red")
	if e := bob.errorType(); e != protocol.ErrorInternal {
		t.Fatalf("error %s", e)
	}
	ann.sees(bob)
	ann.misses(bob)
	f.media.fail(nil)
	bob.join("red")
	ann.sees(bob)
	bob.nothing()
}
