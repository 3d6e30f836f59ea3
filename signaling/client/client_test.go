package client

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/rtcp"

	"parley/sfu"
	"parley/signaling/protocol"
)

// flows says that the mirror's media of that kind arrives.
func flows(s Snapshot, kind string) bool {
	return s.Received[Source{ChannelName: "other", Kind: kind}].Packets > 5
}

func TestLogInIsRefused(t *testing.T) {
	s := newServer(t)
	if _, err := LogIn(t.Context(), s.url, "same", "same"); !errors.Is(err, ErrRefused) {
		t.Errorf("log in: %v", err)
	}
	if _, err := LogIn(t.Context(), "http://127.0.0.1:1", "a", "b"); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("no server: %v", err)
	}
	account, err := LogIn(t.Context(), s.url, "ann", "Ann A.")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.Dial(t.Context(), "no such room", Options{}); !errors.Is(err, ErrRefused) {
		t.Errorf("dial a bad room: %v", err)
	}
}

func TestCall(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true, Video: true, Features: map[string]any{"video": true}})
	c.Join("rød")
	seen := await(t, c, "media and features", func(s Snapshot) bool {
		return flows(s, "audio") && flows(s, "video") && s.Features["other"] != nil && s.Connection == "connected" &&
			s.Received[Source{ChannelName: "other", Kind: "video"}].Keyframes > 0 // on the client's request
	})
	video := seen.Received[Source{ChannelName: "other", Kind: "video"}]
	if video.Lost != 0 || video.Bytes < video.Packets*20 {
		t.Errorf("video %+v", video)
	}
	if seen.Room != "rød" || seen.LocalPath != "host udp" || seen.Offers == 0 || seen.OfferBytes == 0 || seen.Resets != 0 {
		t.Errorf("seen %+v", seen)
	}
	c.SetFeatures(map[string]any{"video": false})
	await(t, c, "new features", func(s Snapshot) bool { return string(s.Features["other"]) == `{"video":false}` })

	peer := s.media.last()
	c.Hangup()
	seen = await(t, c, "the hang-up", func(s Snapshot) bool { return s.Room == "" })
	if seen.Connection != "" || len(seen.Features) != 0 {
		t.Errorf("after the hang-up %+v", seen)
	}
	s.media.wait()
	if log := peer.log(); log[0] != "offer" || count(log, "offer") != 1 || count(log, "candidate") == 0 ||
		count(log, "answer") == 0 || count(log, "end of candidates") != 1 {
		t.Errorf("the peer saw %q", log)
	}
}

func TestLayersThatNobodyReceivesAreNotSent(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Video: true, Simulcast: true})
	c.Join("red")
	sent := func(seen Snapshot, rid string) int64 { return seen.Sent[Encoding{Kind: "video", RID: rid}].Packets }
	await(t, c, "all encodings", func(seen Snapshot) bool {
		return sent(seen, "q") > 5 && sent(seen, "h") > 5 && sent(seen, "f") > 5
	})
	peer := s.media.last()
	layers := func(f bool) sfu.LayersWanted {
		return sfu.LayersWanted{Mid: "0", Active: map[string]bool{"q": true, "h": true, "f": f}}
	}
	peer.deliver(sfu.LayersWanted{Mid: "other", Active: map[string]bool{"q": false}}) // no such line
	peer.deliver(layers(false))
	peer.deliver(sfu.Quality{Publisher: "other", Layer: -1, Layers: 2, Why: sfu.ForUplink}) // comes after it
	seen := await(t, c, "the quality", func(seen Snapshot) bool { return len(seen.Quality) == 1 })
	quality := seen.Quality[Source{ChannelName: "other", Kind: "video"}]
	if quality.Layer != nil || quality.Layers != 2 || quality.Why != protocol.WhyUplink {
		t.Errorf("quality %+v", quality)
	}
	off := seen
	seen = await(t, c, "the others go on", func(seen Snapshot) bool {
		return sent(seen, "q") > sent(off, "q")+10 && sent(seen, "h") > sent(off, "h")+10
	})
	if n := sent(seen, "f") - sent(off, "f"); n > 5 { // of the frame that was under way
		t.Errorf("%d packets of what is off", n)
	}
	peer.deliver(layers(true))
	await(t, c, "it goes on", func(now Snapshot) bool { return sent(now, "f") > sent(seen, "f")+10 })

	c.View(protocol.Tile{ChannelName: "other", Track: protocol.TrackCamera, Width: 320, Height: 180})
	c.Limited("1", protocol.WhyCPU)
	await(t, c, "view and limit", func(Snapshot) bool {
		log := peer.log()
		return count(log, "view [{other false 320 180 false}]") == 1 && count(log, "limited 1 cpu") == 1
	})
	c.Hangup()
	await(t, c, "the hang-up", func(seen Snapshot) bool { return seen.Room == "" && len(seen.Quality) == 0 })
}

func TestSimulcast(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Video: true, Simulcast: true})
	c.Join("red")
	seen := await(t, c, "all encodings", func(s Snapshot) bool {
		for _, rid := range rids() {
			if s.Received[Source{ChannelName: "rid-" + rid, Kind: "video"}].Packets < 10 {
				return false
			}
		}
		return true
	})
	for _, rid := range rids() {
		if sent := seen.Sent[Encoding{Kind: "video", RID: rid}]; sent.Packets == 0 || sent.Bytes == 0 {
			t.Errorf("%s: sent %+v", rid, sent)
		}
	}
}

func TestAnotherRoom(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, room := range []string{"red", "blue", "blue"} {
		if err := c.JoinAndWait(ctx, room); err != nil {
			t.Fatalf("%s: %v; %+v", room, err, c.Snapshot())
		}
		if peer := s.media.last(); peer.room != room || peer.id != c.Snapshot().ChannelName {
			t.Errorf("in %s as %s", peer.room, peer.id)
		}
	}
	// Only the last of several joins counts.
	c.queue.post(func() { // at once, before the first is answered
		for _, room := range []string{"a", "b", "no such room", "c"} {
			c.join(protocol.Join{Room: room})
		}
	})
	await(t, c, "the last room", func(s Snapshot) bool { return s.Room == "c" && s.Connection == "connected" })
	if errs := c.Snapshot().Errors; len(errs) != 1 || errs[0].Type != protocol.ErrorBadRoom {
		t.Errorf("errors %+v", errs)
	}
	c.queue.post(func() {
		c.join(protocol.Join{Room: "d"})
		c.hangup()
		c.join(protocol.Join{Room: "e"})
	})
	await(t, c, "the room after a hang-up", func(s Snapshot) bool { return s.Room == "e" && s.Connection == "connected" })
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	for _, peer := range s.media.peers {
		offers := 1
		if strings.Contains("abd", peer.room) { // left before the client knew that it was in
			offers = 0
		}
		if n := count(peer.log(), "offer"); n != offers {
			t.Errorf("%d offers in %s", n, peer.room)
		}
	}
}

// A reset that is due while a join is awaited is not the next room's to answer.
func TestResetWhileJoining(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true})
	c.Join("red")
	await(t, c, "media", func(s Snapshot) bool { return flows(s, "audio") })
	for _, room := range []string{"no such room", "blue"} {
		c.queue.post(func() {
			c.join(protocol.Join{Room: room})
			c.reset()
		})
		here := "red"
		if room == "blue" {
			here = room
		}
		await(t, c, "media in "+here, func(s Snapshot) bool {
			return s.Room == here && s.Connection == "connected" && (s.Resets == 1) == (here == "red")
		})
	}
	if n := count(s.media.last().log(), sfu.TypeReset); n != 0 {
		t.Errorf("%d resets in blue", n)
	}
}

// However many joins are on their way, the client is in the end where the server has it.
func TestRoomOfSeveralJoins(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true})
	c.Join("red")
	await(t, c, "media", func(s Snapshot) bool { return flows(s, "audio") })
	join := func(rooms ...string) {
		for _, room := range rooms {
			c.join(protocol.Join{Room: room})
		}
	}
	for name, ask := range map[string]struct {
		do   func()
		room string
	}{
		"granted, then refused": {func() { join("blue", "no such room") }, "blue"},
		"refused, then granted": {func() { join("no such room", "green") }, "green"},
		"the server resets meanwhile": {func() {
			join("grey")
			c.signal(protocol.SignalBody{Description: &protocol.Description{Type: protocol.TypeReset}})
		}, "grey"},
		"newcomers are announced meanwhile": {func() {
			join("white")
			c.receive([]byte(`{"html":"<p>","rtc":{"type":"others","ids":[{"channel_name":"x"},{"channel_name":"y"}]}}`))
		}, "white"},
		"removed meanwhile": {func() {
			join("black")
			c.receiveFloor(json.RawMessage(`{"type":"removed"}`))
		}, "black"},
	} {
		c.queue.post(ask.do)
		await(t, c, name, func(now Snapshot) bool { return now.Room == ask.room && now.Connection == "connected" })
		peer := s.media.last()
		if offers := count(peer.log(), "offer"); peer.room != ask.room || offers != 1 {
			t.Errorf("%s: in %s by the server, %d offers", name, peer.room, offers)
		}
		if people := c.Snapshot().People; len(people) > 0 {
			t.Errorf("%s: with %v", name, people)
		}
	}
}

func TestResets(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true})
	c.Join("red")
	await(t, c, "media", func(s Snapshot) bool { return flows(s, "audio") })
	peer := s.media.last()
	for n, reset := range []func(){
		c.Reset,
		func() { peer.Signal(sfu.Description{Type: sfu.TypeReset}) }, // as the server's own idea
		func() { // a description that makes no sense
			peer.deliver(sfu.LocalDescription{Description: sfu.Description{Type: "offer", SDP: "nonsense"}})
		},
	} {
		reset()
		await(t, c, "the reset", func(s Snapshot) bool { return s.Resets == n+1 })
		before := c.Snapshot().Received[Source{ChannelName: "other", Kind: "audio"}].Packets
		await(t, c, "media after the reset", func(s Snapshot) bool {
			return s.Received[Source{ChannelName: "other", Kind: "audio"}].Packets > before+5
		})
	}
	if n := count(peer.log(), "_reset"); n != 3 {
		t.Errorf("%d resets: %q", n, peer.log())
	}
}

func TestOffersThatMeet(t *testing.T) {
	s := newServer(t)
	s.media.silent = true
	c := s.guest("ann", Options{Audio: true})
	c.Join("red")
	await(t, c, "the room", func(s Snapshot) bool { return s.Room == "red" })
	peer := s.media.last()
	peer.do(func() {
		peer.open()
		if err := peer.local(peer.pc.CreateOffer(nil)); err != nil {
			t.Error(err)
		}
		peer.silent = false
	})
	await(t, c, "media after the collision", func(s Snapshot) bool { return s.Resets == 1 && flows(s, "audio") })
	if log := peer.log(); count(log, "_reset") != 1 || count(log, "offer") != 2 {
		t.Errorf("the peer saw %q", log)
	}
}

func TestStaleAndBrokenSignals(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true})
	c.Join("red")
	await(t, c, "media", func(s Snapshot) bool { return flows(s, "audio") })
	peer := s.media.last()
	peer.deliver(sfu.LocalCandidate{Candidate: &sfu.Candidate{Candidate: "nonsense"}})
	peer.deliver(sfu.LocalDescription{Description: sfu.Description{Type: "answer", SDP: "nobody asked"}})
	for _, frame := range []string{
		`nonsense`, `{"rtc":7}`, `{"rtc":{"type":"later"}}`, `{"other":1,"html":"<p>","remove":"#x"}`,
		`{"rtc":{"type":"signal","sender":"eve","signal":{"description":{"type":"_reset"}}}}`,
	} {
		c.queue.post(func() { c.receive([]byte(frame)) })
	}
	before := c.Snapshot().Received[Source{ChannelName: "other", Kind: "audio"}].Packets
	seen := await(t, c, "more media", func(s Snapshot) bool {
		return s.Received[Source{ChannelName: "other", Kind: "audio"}].Packets > before+20
	})
	if seen.Resets != 0 {
		t.Errorf("%d resets", seen.Resets)
	}
	c.Hangup()
	c.Reset() // nothing to reset
	c.queue.post(func() {
		c.receive([]byte(`{"rtc":{"type":"signal","sender":"sfu","signal":{"description":{"type":"_reset"}}}}`))
		c.receive([]byte(`{"rtc":{"type":"others","ids":[]}}`))
		c.receive([]byte(`{"rtc":{"type":"other","channel_name":"x"}}`))
	})
	c.SetFeatures(nil)
	c.Join("blue")
	await(t, c, "the next room", func(s Snapshot) bool { return s.Room == "blue" && s.Connection == "connected" })
	if people := c.Snapshot().People; len(people) != 0 {
		t.Errorf("people %v", people)
	}
}

func TestPeople(t *testing.T) {
	s := newServer(t)
	ann, bob := s.guest("ann", Options{}), s.guest("bob", Options{})
	ann.Join("red")
	await(t, ann, "the room", func(s Snapshot) bool { return s.Room == "red" })
	bob.Join("red")
	await(t, bob, "ann", func(s Snapshot) bool { return s.People[ann.Snapshot().ChannelName].UserName == "ann" })
	await(t, ann, "bob", func(s Snapshot) bool { return s.People[bob.Snapshot().ChannelName].UserName == "bob" })
	ann.queue.post(func() { // several newcomers at once
		ann.receive([]byte(`{"rtc":{"type":"others","ids":[{"channel_name":"x"},{"channel_name":"y"}]}}`))
	})
	await(t, ann, "newcomers", func(s Snapshot) bool { return len(s.People) == 3 && s.Connection == "connected" })
	bob.Hangup()
	await(t, ann, "that bob left", func(s Snapshot) bool { return len(s.People) == 2 })
	ann.queue.post(func() {
		ann.receive([]byte(`{"rtc":{"type":"config","rtc_config":{"iceServers":[{"urls":["stun:127.0.0.1:9"]}]}}}`))
		if servers := ann.conn.pc.GetConfiguration().ICEServers; len(servers) != 1 {
			t.Errorf("servers %v", servers)
		}
	})
	ann.Hangup()
	await(t, ann, "the hang-up", func(s Snapshot) bool { return s.Room == "" && len(s.People) == 0 })
}

func TestMuteAndKeyframeRequests(t *testing.T) {
	s := newServer(t)
	c := s.guest("ann", Options{Audio: true, Video: true})
	c.Join("red")
	video := Source{ChannelName: "other", Kind: "video"}
	await(t, c, "video", func(s Snapshot) bool { return s.Received[video].Packets > 5 })

	before := c.Snapshot().Received[video].Keyframes
	peer := s.media.last()
	peer.do(func() {
		for _, receiver := range peer.pc.GetReceivers() {
			if track := receiver.Track(); track != nil {
				_ = peer.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}})
			}
		}
	})
	await(t, c, "a keyframe on request", func(s Snapshot) bool {
		return s.Sent[Encoding{Kind: "video"}].KeyframeRequests > 0 && s.Received[video].Keyframes > before
	})

	c.Mute(false, true)
	audioAt := func(s Snapshot) int64 { return s.Sent[Encoding{Kind: "audio"}].Packets }
	a0 := audioAt(c.Snapshot())
	muted := await(t, c, "audio goes on", func(s Snapshot) bool { return audioAt(s) > a0+10 })
	v0 := muted.Sent[Encoding{Kind: "video"}].Packets
	seen := await(t, c, "audio goes on", func(s Snapshot) bool { return audioAt(s) > a0+40 })
	if v := seen.Sent[Encoding{Kind: "video"}].Packets; v != v0 {
		t.Errorf("%d video packets while muted", v-v0)
	}
	before = seen.Received[video].Keyframes
	c.Mute(false, false)
	await(t, c, "a keyframe after unmuting", func(s Snapshot) bool { return s.Received[video].Keyframes > before })
}

func TestEventsAndEnds(t *testing.T) {
	s := newServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	account, err := LogIn(ctx, s.url, "ann", "Ann A.")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var events []string
	options := Options{OnEvent: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case Frame:
			if string(e.Value) != `"<present>"` { // comes at any time before a join
				events = append(events, e.Key)
			}
		case Closed:
			events = append(events, "closed")
		}
	}}
	c, err := account.Dial(ctx, "lobby", options)
	if err != nil {
		t.Fatal(err)
	}
	c.Send("rtc", map[string]any{"type": "signal"})
	await(t, c, "an error", func(s Snapshot) bool {
		return len(s.Errors) == 1 && s.Errors[0].Type == protocol.ErrorBadRecipient
	})
	if err := account.LogOut(ctx); err != nil {
		t.Fatal(err)
	}
	seen := await(t, c, "the end", func(s Snapshot) bool { return s.Closed != nil })
	var closed *websocket.CloseError
	if !errors.As(seen.Closed, &closed) || closed.Code != websocket.ClosePolicyViolation {
		t.Errorf("closed: %v", seen.Closed)
	}
	if err := c.Await(ctx, func(Snapshot) bool { return false }); !errors.As(err, &closed) {
		t.Errorf("await: %v", err)
	}
	if err := c.JoinAndWait(ctx, "red"); err == nil {
		t.Error("joined on a closed socket")
	}
	for range 2 { // twice is no harm
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(events, " "); got != "rtc html error closed" {
		t.Errorf("events %q", got)
	}
}

func TestCloseAndAbandon(t *testing.T) {
	s := newServer(t)
	watcher := s.guest("ann", Options{})
	watcher.Join("red")
	await(t, watcher, "the room", func(s Snapshot) bool { return s.Room == "red" })
	for _, end := range []func(*Client){func(c *Client) { _ = c.Close() }, (*Client).Abandon} {
		c := s.guest("bob", Options{Audio: true})
		c.Join("red")
		await(t, c, "media", func(s Snapshot) bool { return flows(s, "audio") })
		await(t, watcher, "bob", func(s Snapshot) bool { return len(s.People) == 1 })
		began := time.Now()
		end(c)
		if took := time.Since(began); took > closeWait {
			t.Errorf("took %v", took)
		}
		await(t, watcher, "that bob left", func(s Snapshot) bool { return len(s.People) == 0 })
		if !errors.Is(c.Snapshot().Closed, ErrClosed) {
			t.Errorf("closed: %v", c.Snapshot().Closed)
		}
	}
}

func TestSplitFrame(t *testing.T) {
	keys, values, err := splitFrame([]byte(`{"b":{"x":[1]},"a":"y","c":null}`))
	if err != nil || strings.Join(keys, "") != "bac" || string(values["b"]) != `{"x":[1]}` {
		t.Errorf("%v %v %v", keys, values, err)
	}
	for _, frame := range []string{``, `[]`, `{"a":1`, `{"a":1}{}`} {
		if _, _, err := splitFrame([]byte(frame)); err == nil {
			t.Errorf("%q was accepted", frame)
		}
	}
}
