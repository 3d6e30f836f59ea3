package signaling

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sfu"
	"parley/signaling/protocol"
)

// introduced lists whom a client was told of, in order, by user name, each frame's in brackets if there are several,
// and who is gone, with a minus. It complains of an event before its panel.
func introduced(t *testing.T, frames []string, names map[string]string) string {
	t.Helper()
	var got []string
	var panels string
	for _, frame := range frames {
		var m struct {
			HTML string
			RTC  struct {
				Type        string
				IDs         []protocol.Participant
				ChannelName string `json:"channel_name"`
				UserName    string `json:"user_name"`
				ShortName   string `json:"short_name"`
			}
		}
		if err := json.Unmarshal([]byte(frame), &m); err != nil {
			t.Fatal(err)
		}
		panels += m.HTML
		switch m.RTC.Type {
		case protocol.TypeOthers:
			var users []string
			for _, p := range m.RTC.IDs {
				users = append(users, p.UserName)
				if !strings.Contains(panels, p.ShortName+"-div") {
					t.Errorf("%s without a panel", p.UserName)
				}
			}
			got = append(got, fmt.Sprint(users))
		case protocol.TypeOther:
			got = append(got, m.RTC.UserName)
			if !strings.Contains(panels, m.RTC.ShortName+"-div") {
				t.Errorf("%s without a panel", m.RTC.UserName)
			}
		case protocol.TypeDisconnected:
			got = append(got, "-"+names[m.RTC.ChannelName])
		}
	}
	return strings.Join(got, " ")
}

func TestNewcomersAreAnnouncedTogether(t *testing.T) {
	for _, tt := range []struct {
		name  string
		small bool              // else more than a few watch
		steps string            // after ann: who enters, "-" who leaves, "+" who watches, "^" who goes on stage, "." 0.3 s
		want  map[string]string // what each is told, in the end
	}{
		{
			"few are told at once", true, "bob cid -cid dan .",
			map[string]string{"ann": "bob cid -cid dan", "bob": "[ann] cid -cid dan", "dan": "[ann bob]"},
		},
		{"one by one", false, "bob . cid .", map[string]string{"ann": "bob cid", "bob": "[ann] cid", "cid": "[ann bob]"}},
		{
			"at once", false, "bob cid dan eve .",
			map[string]string{
				"ann": "bob [cid dan eve]", "bob": "[ann] [cid dan eve]", "cid": "[ann bob] [dan eve]",
				"dan": "[ann bob cid] eve", "eve": "[ann bob cid dan]",
			},
		},
		{
			"left before it was told", false, "bob cid dan -cid .",
			map[string]string{"ann": "bob dan", "bob": "[ann] dan", "dan": "[ann bob cid] -cid"},
		},
		{"all of them left", false, "bob cid -cid .", map[string]string{"ann": "bob", "bob": "[ann]"}},
		{
			"left after it was told", false, "bob cid . -cid .",
			map[string]string{"ann": "bob cid -cid", "bob": "[ann] cid -cid"},
		},
		{
			"a viewer meanwhile", false, "bob cid +vic dan .",
			map[string]string{"ann": "bob [cid dan]", "vic": "[ann bob cid] dan", "dan": "[ann bob cid]"},
		},
		{
			"viewers are not announced", false, "+vic . bob .",
			map[string]string{"ann": "bob", "vic": "[ann] bob", "bob": "[ann]"},
		},
		{
			"a viewer goes on stage with others", false, "+vic bob cid ^vic dan .",
			map[string]string{
				"ann": "bob [cid vic dan]", "bob": "[ann] [cid vic dan]", "vic": "[ann] bob [cid dan]",
				"cid": "[ann bob] [vic dan]", "dan": "[ann bob cid vic]",
			},
		},
		{"a viewer goes on stage alone", false, "+vic . ^vic .", map[string]string{"ann": "vic", "vic": "[ann]"}},
		{"and comes back", false, "bob cid -cid cid .", map[string]string{"ann": "bob cid", "bob": "[ann] cid"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, stop := newBubble(t, Config{})
				defer stop()
				if !tt.small {
					f.audience(few)
				}
				all := make(map[string]*testClient)
				names := make(map[string]string)
				told := make(map[string][]string)
				for _, step := range strings.Fields("ann . " + tt.steps) {
					who := strings.TrimLeft(step, "-+^")
					switch {
					case step == ".":
						time.Sleep(300 * time.Millisecond)
						continue
					case all[who] == nil:
						all[who] = f.open(who)
						names[all[who].id()] = who
					}
					message := `{"join":"red"}`
					switch step[0] {
					case '-':
						message = `{"hangup":true}`
					case '+':
						message = `{"join":{"room":"red","as":"viewer"}}`
					case '^':
						message = `{"floor":{"type":"stage","channel_name":"` + all[who].id() + `","on":true}}`
					}
					all[who].send(message)
					told[who] = append(told[who], all[who].told()...)
				}
				for who, want := range tt.want {
					frames := append(told[who], all[who].told()...)
					got := introduced(t, frames, names) + " "
					if got = strings.TrimSpace(strings.TrimPrefix(got, "[] ")); got != want {
						t.Errorf("%s is told %s, want %s", who, got, want)
					}
				}
			})
		})
	}
}

// audience has so many watch the room red.
func (f *fixture) audience(people int) {
	for i := range people {
		f.open(fmt.Sprint("watching", i)).watch("red")
	}
}

// TestWhoIsNamedIsAnnouncedFirst has media events come before the newcomer they are about is announced.
func TestWhoIsNamedIsAnnouncedFirst(t *testing.T) {
	for name, event := range map[string]func(cid string) sfu.Event{
		"offer": func(string) sfu.Event {
			return sfu.LocalDescription{Description: sfu.Description{Type: "offer", SDP: "x"}, Brings: true}
		},
		"answer with tracks": func(string) sfu.Event {
			return sfu.LocalDescription{Description: sfu.Description{Type: "answer", SDP: "x"}, Brings: true}
		},
		"slot":        func(cid string) sfu.Event { return sfu.SlotChanged{Publisher: cid} },
		"quality":     func(cid string) sfu.Event { return sfu.Quality{Publisher: cid} },
		"undecodable": func(cid string) sfu.Event { return sfu.Undecodable{Publisher: cid} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, stop := newBubble(t, Config{})
				defer stop()
				f.audience(few)
				ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
				ann.join("red")
				time.Sleep(time.Second)
				bob.join("red")
				cid.join("red")
				ann.sees(bob)
				ann.nothing()
				peer := f.media.last(ann.id())
				peer.deliver(sfu.LocalDescription{Description: sfu.Description{Type: "answer", SDP: "x"}})
				peer.deliver(sfu.SlotChanged{})
				ann.rtc(protocol.TypeSignal, nil)
				ann.rtc(protocol.TypeSlot, nil)
				peer.deliver(event(cid.id()))
				ann.sees(cid)
				if frame := ann.next(); strings.Contains(frame, `"other`) {
					t.Errorf("told %s", frame)
				}
				cid.send(`{"hangup":true}`)
				ann.misses(cid) // of whom bob was never told
				time.Sleep(time.Second)
				ann.nothing()
				bob.nothing()
			})
		})
	}
}

func TestSpeakersAreAnnouncedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.audience(few)
		ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
		ann.join("red")
		time.Sleep(time.Second)
		bob.join("red")
		ann.sees(bob)
		cid.join("red")
		ann.nothing()
		f.media.tell("red", sfu.SpeakerChanged{Publisher: cid.id()})
		ann.sees(cid)
		ann.rtc(protocol.TypeSpeaker, nil)
	})
}

// Whoever waits to be announced has to be told of those who came after: of few, or their frames would be without end.
func TestNewcomersWaitInSmallGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.audience(few)
		f.open("ann").join("red")
		time.Sleep(time.Second)
		most := 0
		for i := range 3 * many {
			f.open(fmt.Sprint("guest", i)).join("red")
			most = max(most, len(f.hub.find("red").pending))
		}
		if most < few || most >= many {
			t.Errorf("%d waited at once", most)
		}
	})
}

func TestSpeakersDoNotPutOffAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.audience(few)
		ann, bob := f.open("ann"), f.open("bob")
		ann.join("red")
		time.Sleep(time.Second)
		f.media.tell("red", sfu.SpeakerChanged{Publisher: ann.id()})
		ann.rtc(protocol.TypeSpeaker, nil)
		began := time.Now()
		bob.join("red")
		ann.sees(bob)
		if took := time.Since(began); took > 0 {
			t.Errorf("told after %v", took)
		}
	})
}

// slowHeaders takes its time for a room of two.
type slowHeaders struct{ fakeRenderer }

func (r slowHeaders) Header(h protocol.Header) string {
	if h.People == 2 {
		time.Sleep(100 * time.Millisecond)
	}
	return r.fakeRenderer.Header(h)
}

func TestNoOlderHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.hub.deps.Renderer = slowHeaders{}
		ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
		ann.join("red")
		time.Sleep(time.Second)
		bob.send(`{"join":"red"}`)
		time.Sleep(50 * time.Millisecond)
		cid.join("red") // while the header of two is rendered
		time.Sleep(time.Second)
		ann.until(`{"html":"<header id=\"header\">red 2`)
		ann.until(`{"html":"<header id=\"header\">red 3`)
		cid.send(`"fence"`)
		for frame := cid.any(); !strings.Contains(frame, errNotObject.Error()); frame = cid.any() {
			if strings.Contains(frame, "red 2") {
				t.Errorf("told %s", frame)
			}
		}
	})
}

// crowdRoom has clients in a room whose panels are as large as the page's.
type crowdRoom struct {
	f    *fixture
	base []*testClient
}

const panelBytes = 700 // about what the page's panel of a participant takes, encoded

type largePanels struct{ fakeRenderer }

func (r largePanels) Panel(p protocol.Participant) string {
	panel := r.fakeRenderer.Panel(p)
	return panel + strings.Repeat(" ", max(0, panelBytes-len(panel)))
}

func newCrowd(t *testing.T, people int) (c *crowdRoom, stop func()) {
	f, stop := newBubble(t, Config{})
	f.hub.deps.Renderer = largePanels{}
	c = &crowdRoom{f: f}
	for i := range people {
		client := f.open(fmt.Sprint("p", i))
		client.send(`{"join":"red"}`)
		c.base = append(c.base, client)
	}
	time.Sleep(3 * time.Second)
	for _, client := range c.base {
		client.told()
	}
	return c, stop
}

// cost takes what everybody of the base was told: the most frames and bytes of any.
func (c *crowdRoom) cost() (frames, size int) {
	for _, client := range c.base {
		client.send(`"fence"`)
		n, bytes := 0, 0
		for frame := client.any(); !strings.Contains(frame, errNotObject.Error()); frame = client.any() {
			n++
			bytes += len(frame)
		}
		frames, size = max(frames, n), max(size, bytes)
	}
	return frames, size
}

// TestMassJoinCost bounds what a hundred newcomers cost each of those who are there.
func TestMassJoinCost(t *testing.T) {
	for span, most := range map[time.Duration]int{10 * time.Second: 90, time.Second: 12} {
		synctest.Test(t, func(t *testing.T) {
			c, stop := newCrowd(t, 20)
			defer stop()
			for i := range 100 {
				client := c.f.open(fmt.Sprint("n", i))
				client.send(`{"join":"red"}`)
				time.Sleep(span / 100)
			}
			time.Sleep(3 * time.Second)
			frames, size := c.cost()
			t.Logf("100 join in %v: each of 20 is told %d frames, %d bytes: %d per newcomer", span, frames, size, size/100)
			if frames > most || size > 100*(panelBytes+250)+frames*100 {
				t.Errorf("%d frames, %d bytes", frames, size)
			}
		})
	}
}

// TestAudienceCost bounds what viewers cost those who are there: the header, once a second.
func TestAudienceCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := newCrowd(t, 5)
		defer stop()
		const viewers = 1000
		audience := make([]*testClient, 0, viewers)
		for i := range viewers {
			client := c.f.open(fmt.Sprint("v", i))
			client.send(`{"join":{"room":"red","as":"viewer"}}`)
			time.Sleep(10 * time.Millisecond)
			audience = append(audience, client)
		}
		time.Sleep(3 * time.Second)
		frames, size := c.cost()
		total := frames * len(c.base)
		most := 0
		for _, client := range audience {
			n := len(client.frames)
			total += n
			most = max(most, n)
		}
		t.Logf("%d watch within 10 s: each of 5 is told %d frames, %d bytes, a viewer at most %d; %d frames in all",
			viewers, frames, size, most, total)
		if frames > 20 || most > 25 {
			t.Errorf("%d frames to a participant, up to %d to a viewer", frames, most)
		}
		if h := c.f.hub.header("red"); h.People != 5 || h.Viewers != viewers {
			t.Errorf("counted %+v", h)
		}
	})
}

func TestMassLeaveTellsOfEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := newCrowd(t, 20)
		defer stop()
		leaving := c.base[:19]
		for _, client := range leaving {
			client.send(`{"hangup":true}`)
		}
		time.Sleep(3 * time.Second)
		gone := make(map[string]bool)
		headers := 0
		c.base[19].send(`"fence"`)
		for {
			frame := c.base[19].any()
			if strings.Contains(frame, errNotObject.Error()) {
				break
			}
			if strings.HasPrefix(frame, `{"html":"<header`) {
				headers++
			} else if name, ok := strings.CutPrefix(frame, `{"rtc":{"type":"disconnected","channel_name":"`); ok {
				gone[strings.TrimSuffix(name, `"}}`)] = true
			}
		}
		for _, client := range leaving {
			if !gone[client.id()] {
				t.Errorf("not told of %s", client.id())
			}
		}
		if headers < 1 || headers > 2 {
			t.Errorf("%d headers", headers)
		}
	})
}

func TestViewersAreCountedAndNotAnnounced(t *testing.T) {
	f := newFixture(t, Config{})
	vic, ann := f.open("vic"), f.open("ann")
	if got := vic.watch("red"); len(got) != 0 {
		t.Errorf("others %v", got)
	}
	if got := ann.join("red"); len(got) != 0 {
		t.Errorf("others %v", got)
	}
	vic.sees(ann)
	vic.until(`{"html":"<header id=\"header\">red 1 +1</header>"}`)
	wes := f.open("wes")
	if got := wes.watch("red"); len(got) != 1 || got[0].ChannelName != ann.id() {
		t.Errorf("others %v", got)
	}
	ann.until(`{"html":"<header id=\"header\">red 1 +2</header>"}`)
	wes.send(`{"hangup":true}`)
	ann.until(`{"html":"<header id=\"header\">red 1 +1</header>"}`)
	ann.nothing()
}

func TestThrottle(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var happened []time.Duration
	var th throttle
	for ms := range 2000 { // wanted every 30 ms of the first second, and looked at every ms
		now := start.Add(time.Duration(ms) * time.Millisecond)
		if ms < 1000 && ms%30 == 0 {
			if due := th.want(now, 250*time.Millisecond); due.Sub(start) > time.Duration(ms+250)*time.Millisecond {
				t.Errorf("at %d ms: due %v", ms, due.Sub(start))
			}
		}
		if th.take(now) {
			happened = append(happened, now.Sub(start)/time.Millisecond)
		}
	}
	if !slices.Equal(happened, []time.Duration{0, 250, 500, 750, 1000}) {
		t.Errorf("at %d", happened)
	}
}
