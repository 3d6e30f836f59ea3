package signaling

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/sfu"
	"parley/signaling/protocol"
)

// openResumable opens a socket of a client that can resume.
func (f *fixture) openResumable(session string) *testClient {
	f.t.Helper()
	c := f.greeted(f.dialWith(session, "?resume"))
	if c.connect.Resume == nil || c.connect.Token == "" || c.connect.Sent != 0 || c.connect.Resumed {
		f.t.Fatalf("connect %+v", c.connect)
	}
	return c
}

// resume opens another socket for c, which has got so many frames.
func (f *fixture) resume(session string, c *testClient, seen int) *testClient {
	f.t.Helper()
	again := f.dialWith(session, fmt.Sprintf("?resume=%s&seen=%d", c.connect.Token, seen))
	again.decode(again.any(), protocol.KeyRTC, &again.connect)
	return again
}

// goesOn checks that again is the session of c.
func (c *testClient) goesOn(again *testClient, sent, received uint64) {
	c.t.Helper()
	got := again.connect
	if got.Type != protocol.TypeConnect || got.ChannelName != c.id() || got.Resume == nil || !got.Resumed ||
		got.Sent != sent || got.Received != received {
		c.t.Fatalf("connect %+v %+v, want to resume %s from %d, %d", got, got.Resume, c.id(), sent, received)
	}
}

// resumable opens a bubble with ann and bob in a room, of whom bob can resume and has media.
func resumable(t *testing.T) (f *fixture, ann, bob *testClient, seen int, stop func()) {
	f, stop = newBubble(t, Config{})
	ann, bob = f.open("ann"), f.openResumable("bob")
	ann.join("red")
	bob.send(`{"join":"red"}`)
	ann.sees(bob)
	synctest.Wait()
	f.media.last(bob.id()).deliver(sfu.MediaSilent{Silent: false})
	time.Sleep(time.Second)
	return f, ann, bob, 1 + bob.pending(), stop // the header that came with the greeting
}

// pending takes all that has come and counts it.
func (c *testClient) pending() int {
	synctest.Wait()
	n := len(c.frames) + len(c.present)
	for range len(c.frames) {
		<-c.frames
	}
	for range len(c.present) {
		<-c.present
	}
	return n
}

func TestLostSocketIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ann, bob, seen, stop := resumable(t)
		defer stop()
		bob.drop()
		cid := f.open("cid")
		cid.join("red")
		ann.sees(cid)
		time.Sleep(20 * time.Second)
		f.media.last(bob.id()).deliver(sfu.LocalDescription{Description: sfu.Description{Type: "offer", SDP: "x"}})
		cid.leave(websocket.CloseNormalClosure)
		ann.misses(cid)

		again := f.resume("bob", bob, seen)
		bob.goesOn(again, uint64(seen), 1)
		again.sees(cid) // in order, and once
		var signal protocol.Signal
		again.rtc(protocol.TypeSignal, &signal)
		again.misses(cid)
		again.nothing()
		time.Sleep(time.Minute)
		ann.nothing() // has not seen any of it
		if calls := f.media.last(bob.id()).log(); len(f.media.peers) != 3 || strings.Contains(fmt.Sprint(calls), "close") {
			t.Errorf("%d peers, of bob's: %v", len(f.media.peers), calls)
		}
		again.send(`{"hangup":true}`)
		ann.misses(bob)
	})
}

func TestResumedClientIsToldWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _, bob, seen, stop := resumable(t)
		defer stop()
		peer := f.media.last(bob.id())
		for i := range 5 {
			peer.deliver(sfu.LocalCandidate{Candidate: &sfu.Candidate{Candidate: fmt.Sprint(i)}})
		}
		bob.send(`{"rtc":{"type":"screen","stream":"a"}}`)
		bob.send(fmt.Sprintf(`{"signal":"hb","ack":%d}`, seen+1))
		if got := bob.pending(); got != 6 {
			t.Fatalf("%d frames, want 5 and the answer to the acknowledgement", got)
		}
		// The frames after the second are told again, as if they had been lost with the socket, which is still open.
		again := f.resume("bob", bob, seen+2)
		bob.goesOn(again, uint64(seen+2), 3)
		<-bob.done
		for i := 2; i < 5; i++ {
			var signal protocol.Signal
			again.rtc(protocol.TypeSignal, &signal)
			if got := signal.Signal.Candidate.Candidate; got != fmt.Sprint(i) {
				t.Fatalf("candidate %s, want %d", got, i)
			}
		}
		if frame := again.next(); frame != `{"ack":3}` {
			t.Fatalf("told %s", frame)
		}
		again.nothing()
	})
}

func TestWhatCannotBeResumedBeginsAnew(t *testing.T) {
	for _, tt := range []struct {
		name  string
		query func(bob *testClient, seen int) string
		as    string
		stays bool // bob's session does
	}{
		{name: "more than was sent", as: "bob", query: func(bob *testClient, seen int) string {
			return fmt.Sprintf("?resume=%s&seen=%d", bob.connect.Token, seen+100)
		}},
		{name: "less than is kept", as: "bob", query: func(bob *testClient, _ int) string {
			return "?resume=" + bob.connect.Token + "&seen=0"
		}},
		{name: "somebody else's login", as: "eve", stays: true, query: func(bob *testClient, seen int) string {
			return fmt.Sprintf("?resume=%s&seen=%d", bob.connect.Token, seen)
		}},
		{name: "the channel name alone", as: "bob", stays: true, query: func(bob *testClient, seen int) string {
			return fmt.Sprintf("?resume=%s.&seen=%d", bob.id(), seen)
		}},
		{name: "no number", as: "bob", stays: true, query: func(bob *testClient, _ int) string {
			return "?resume=" + bob.connect.Token
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, ann, bob, seen, stop := resumable(t)
				defer stop()
				bob.send(fmt.Sprintf(`{"ack":%d}`, seen))
				bob.pending()
				bob.drop()
				other := f.greeted(f.dialWith(tt.as, tt.query(bob, seen)))
				if other.id() == bob.id() || other.connect.Resume == nil || other.connect.Resumed {
					t.Fatalf("connect %+v", other.connect)
				}
				if !tt.stays {
					ann.misses(bob)
					return
				}
				ann.nothing()
				f.resume("bob", bob, seen+1)
			})
		})
	}
}

func TestLostSocketWithoutMedia(t *testing.T) {
	for name, open := range map[string]func(f *fixture) *testClient{
		"can resume":    func(f *fixture) *testClient { return f.openResumable("bob") },
		"cannot resume": func(f *fixture) *testClient { return f.open("bob") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, stop := newBubble(t, Config{})
				defer stop()
				ann, bob := f.open("ann"), open(f)
				ann.join("red")
				bob.join("red")
				ann.sees(bob)
				t0 := time.Now()
				bob.drop()
				ann.state(bob, true)
				after(t, t0, 3*time.Second)
				ann.misses(bob)
				after(t, t0, 5*time.Second)
			})
		})
	}
}

func TestSessionIsKeptHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ann, bob, _, stop := resumable(t)
		defer stop()
		t0 := time.Now()
		bob.drop()
		time.Sleep(29 * time.Second)
		ann.nothing()
		ann.misses(bob)
		after(t, t0, 30*time.Second)
	})
}

func TestLogOutEndsALostSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ann, bob, _, stop := resumable(t)
		defer stop()
		bob.drop()
		synctest.Wait()
		f.hub.EndSession("bob")
		ann.misses(bob)
	})
}

func TestRemovedWhileLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ann, bob, seen, stop := resumable(t)
		defer stop()
		bob.drop()
		synctest.Wait()
		ann.send(fmt.Sprintf(`{"floor":{"type":"remove","channel_name":"%s"}}`, bob.id()))
		ann.misses(bob)
		if again := f.resume("bob", bob, seen); again.id() == bob.id() {
			t.Error("a session that was put out goes on")
		}
	})
}

// TestTheNewestSocketWins has several sockets resume one session at once, while it is told things.
func TestTheNewestSocketWins(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob := f.open("ann"), f.openResumable("bob")
	ann.join("red")
	bob.join("red")
	ann.sees(bob)
	told := make(chan struct{})
	go func() {
		defer close(told)
		for i := range 200 {
			f.media.last(bob.id()).deliver(sfu.LocalCandidate{Candidate: &sfu.Candidate{Candidate: fmt.Sprint(i)}})
		}
	}()
	next, last := 0, bob
	seen := 1 // the header, then what join took
	seen += 4
	rng := rand.New(rand.NewPCG(1, 2))
	for round := 0; next < 200; round++ {
		for range rng.IntN(20) {
			frame := last.any()
			seen++
			if want := fmt.Sprintf(`"candidate":"%d"`, next); strings.Contains(frame, `"candidate"`) {
				if !strings.Contains(frame, want) {
					t.Fatalf("told %s, want %s", frame, want)
				}
				if next++; next == 200 {
					break
				}
			}
		}
		last = f.resume("bob", bob, seen)
		if last.id() != bob.id() {
			t.Fatalf("not resumed in round %d", round)
		}
	}
	<-told
	if n := len(f.hub.all()); n != 2 {
		t.Errorf("%d sessions", n)
	}
}

func TestOutboxKeepsWhatWasNotAcknowledged(t *testing.T) {
	o := newOutbox(1<<20, 4*(frameOverhead+1))
	push := func(frames string) {
		for _, frame := range strings.Split(frames, "") {
			o.push([]byte(frame))
		}
	}
	took := func() string {
		frames, _, _ := o.take()
		var all strings.Builder
		for _, frame := range frames {
			all.Write(frame.data)
		}
		return all.String()
	}
	push("abc")
	took()
	o.acknowledge(1)
	o.acknowledge(9) // nonsense
	push("d")
	if !o.rewind(2) || took() != "cd" {
		t.Error("not told again what followed b")
	}
	push("ef")
	took()
	if !o.rewind(2) || took() != "cdef" {
		t.Error("four frames are not kept")
	}
	push("g")
	took()
	if o.rewind(2) || o.rewind(8) || !o.rewind(3) || took() != "defg" {
		t.Error("more or less than four frames are kept")
	}
	if !o.rewind(7) || took() != "" {
		t.Error("told again what had come")
	}
	o.push([]byte("h"))
	o.ping()
	if !o.rewind(7) || took() != "h" || o.bytes != frameOverhead+1 {
		t.Errorf("what waited did not go on waiting, or counts %d", o.bytes)
	}
}
