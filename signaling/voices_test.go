package signaling

import (
	"slices"
	"testing"

	"parley/sfu"
	"parley/sfu/mailbox"
	"parley/signaling/protocol"
)

func TestSlotsAndViewReachThePeer(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.send(`{"rtc":{"type":"slots","audio":4}}`) // of the stay that follows
	c.send(`{"rtc":{"type":"slots","audio":33}}`)
	c.send(`{"rtc":{"type":"view","tiles":[],"only":true}}`)
	c.join("blue")
	c.told()
	if got := f.media.last(c.id()).log(); !slices.Equal(got, []string{"slots:32", "only:true", "view:[]"}) {
		t.Errorf("peer got %q", got)
	}
	c.join("red")
	c.told()
	c.send(`{"rtc":{"type":"slots","audio":6}}`)
	c.send(`{"rtc":{"type":"slots","audio":0}}`)
	c.send(`{"rtc":{"type":"slots","audio":32}}`)
	c.send(`{"rtc":{"type":"slots","audio":1000000}}`)
	c.send(`{"rtc":{"type":"view","tiles":[],"only":true}}`)
	c.send(`{"rtc":{"type":"view","tiles":[]}}`)
	c.nothing()
	want := []string{"slots:6", "slots:0", "slots:32", "slots:32", "only:true", "view:[]"}
	if got := f.media.last(c.id()).log(); !slices.Equal(got, want) {
		t.Errorf("peer got %q", got)
	}
	for _, message := range []string{
		`{"type":"slots"}`, `{"type":"slots","audio":null}`, `{"type":"slots","audio":-1}`,
		`{"type":"slots","audio":1.5}`, `{"type":"slots","audio":"6"}`, `{"type":"view","tiles":[],"only":1}`,
	} {
		c.send(`{"rtc":` + message + `}`)
		if e := c.errorType(); e != protocol.ErrorBadMessage {
			t.Errorf("%s: error %s", message, e)
		}
	}
	if got := f.media.last(c.id()).log(); !slices.Equal(got, want) {
		t.Errorf("peer got %q", got)
	}
}

func TestSlotOnTheWire(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.told()
	peer := f.media.last(c.id())
	peer.deliver(sfu.SlotChanged{Slot: 2, Publisher: "p"})
	peer.deliver(sfu.SlotChanged{Slot: 2})
	for _, want := range []string{
		`{"rtc":{"type":"slot","slot":2,"channel_name":"p"}}`, `{"rtc":{"type":"slot","slot":2,"channel_name":null}}`,
	} {
		if got := c.next(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestUndecodableNamesNoViewers(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob, vic := f.open("ann"), f.open("bob"), f.open("vic")
	ann.join("red")
	bob.join("red")
	vic.watch("red")
	ann.sees(bob)
	for to, named := range map[*testClient]map[*testClient]string{
		ann: {bob: bob.id(), vic: ""}, vic: {vic: vic.id()},
	} {
		for subscriber, want := range named {
			f.media.last(to.id()).deliver(sfu.Undecodable{Publisher: ann.id(), Subscriber: subscriber.id(), Kind: "audio"})
			var got protocol.Undecodable
			if to.rtc(protocol.TypeUndecodable, &got); got.Subscriber != want || got.Publisher != ann.id() {
				t.Errorf("told of %q, want %q", got.Subscriber, want)
			}
		}
	}
}

func TestWhoSpeaks(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob := f.open("ann"), f.open("bob")
	ann.join("red")
	bob.watch("red")
	bob.told()
	speaks := func(c *testClient) string {
		return `{"rtc":{"type":"speaker","channel_name":"` + c.id() + `"}}`
	}
	nobody := `{"rtc":{"type":"speaker","channel_name":null}}`
	hears := func(c *testClient, want string) {
		t.Helper()
		if got := c.next(); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
	f.media.tell("red", sfu.SpeakerChanged{Publisher: ann.id()})
	f.media.tell("red", sfu.Levels{Levels: map[string]uint8{ann.id(): 23}})
	f.media.tell("red", sfu.Levels{})
	f.media.tell("red", sfu.SpeakerChanged{Publisher: "who left"})
	f.media.tell("red", sfu.SpeakerChanged{Publisher: bob.id()}) // a viewer
	f.media.tell("blue", sfu.SpeakerChanged{Publisher: ann.id()})
	for _, c := range []*testClient{ann, bob} {
		hears(c, speaks(ann))
		hears(c, `{"rtc":{"type":"levels","levels":{"`+ann.id()+`":23}}}`)
		hears(c, `{"rtc":{"type":"levels","levels":{}}}`)
		c.nothing()
	}
	cid := f.open("cid")
	cid.join("red")
	hears(cid, speaks(ann))
	ann.sees(cid)
	bob.sees(cid)

	ann.send(`{"hangup":true}`)
	bob.misses(ann)
	hears(bob, nobody)
	dora := f.open("dora")
	dora.join("red")
	dora.nothing()

	// Who speaks before the others were told of them is announced first.
	f.media.tell("red", sfu.SpeakerChanged{Publisher: dora.id()})
	bob.sees(dora)
	hears(bob, speaks(dora))
	f.media.tell("red", sfu.SpeakerChanged{})
	hears(bob, nobody)
}

func TestLevelsAreNotPiledUp(t *testing.T) {
	for behind, lost := range map[int]bool{0: false, behindBytes + 1: true} {
		for _, lossy := range []bool{false, true} {
			s := &Session{link: &link{}, outbox: newOutbox(1<<20, 0), mailbox: mailbox.New[post](10)}
			if behind > 0 {
				s.outbox.push(make([]byte, behind))
			}
			s.post(post{news: news{frames: [][]byte{[]byte("{}")}, lossy: lossy}})
			s.handlePosts()
			frames, _, _ := s.outbox.take()
			if got := len(frames) == 0 || string(frames[len(frames)-1].data) != "{}"; got != (lost && lossy) {
				t.Errorf("behind by %d, lossy %t: lost %t", behind, lossy, got)
			}
		}
	}
}
