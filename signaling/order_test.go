package signaling

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"parley/auth"
	"parley/signaling/protocol"
)

// roster is what a page makes of what it is told, and complains when that makes no sense.
type roster struct {
	id      string
	panels  map[string]bool // short names
	present map[string]bool // channel names
	wrong   []string
}

func (r *roster) complain(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// reset is what a page does when it joins: nothing it was told before counts.
func (r *roster) reset() { r.panels, r.present = map[string]bool{}, map[string]bool{} }

// take handles a frame; fence is set for the answer to one.
func (r *roster) take(frame string) (fence bool) {
	var m struct {
		HTML  string
		Error *protocol.Error
		RTC   struct {
			Type        string
			IDs         []protocol.Participant
			ChannelName string `json:"channel_name"`
			ShortName   string `json:"short_name"`
		}
	}
	if err := json.Unmarshal([]byte(frame), &m); err != nil {
		r.complain("%s: %v", frame, err)
	}
	if m.Error != nil {
		return true
	}
	for _, part := range strings.Split(m.HTML, `<div id="`)[1:] {
		short, _, _ := strings.Cut(part, `-div"`)
		r.panels[short] = true
	}
	appears := func(channelName, short string) {
		switch {
		case channelName == r.id:
			r.complain("told of itself")
		case r.present[channelName]:
			r.complain("%s twice", channelName)
		case !r.panels[short]:
			r.complain("%s without a panel", channelName)
		}
		r.present[channelName] = true
	}
	switch m.RTC.Type {
	case protocol.TypeOthers:
		for _, other := range m.RTC.IDs {
			appears(other.ChannelName, other.ShortName)
		}
	case protocol.TypeOther:
		appears(m.RTC.ChannelName, m.RTC.ShortName)
	case protocol.TypeDisconnected:
		if !r.present[m.RTC.ChannelName] {
			r.complain("%s left, never seen", m.RTC.ChannelName)
		}
		delete(r.present, m.RTC.ChannelName)
		delete(r.panels, protocol.ShortName(m.RTC.ChannelName))
	}
	return false
}

// wanderer joins, hangs up, goes on and off the stage and reconnects at random, and keeps a roster.
type wanderer struct {
	f      *fixture
	name   string
	client *testClient
	roster *roster
	room   string
	viewer bool
}

func (w *wanderer) connect() {
	w.client = w.f.open(w.name)
	w.room = ""
	w.roster = &roster{id: w.client.id(), panels: map[string]bool{}, present: map[string]bool{}}
}

// catchUp takes all that was told until now.
func (w *wanderer) catchUp() {
	w.client.send(`"fence"`)
	for !w.roster.take(w.client.next()) {
		continue
	}
}

func (w *wanderer) step(rng *rand.Rand) {
	switch n := rng.IntN(10); {
	case n < 5:
		w.room = []string{"red", "blue", "green"}[rng.IntN(3)]
		w.viewer = rng.IntN(3) == 0
		as := map[bool]string{true: protocol.AsViewer, false: protocol.AsParticipant}[w.viewer]
		w.client.send(`{"join":{"room":"` + w.room + `","as":"` + as + `"}}`)
		// What comes before others belongs to the former stay, or is a panel.
		for others := false; !others; {
			frame := w.client.next()
			if others = strings.HasPrefix(frame, `{"rtc":{"type":"others"`); others {
				w.roster.present = map[string]bool{}
			}
			w.roster.take(frame)
		}
	case n < 7:
		if w.room != "" {
			w.viewer = !w.viewer
			w.client.send(fmt.Sprintf(`{"floor":{"type":"stage","channel_name":%q,"on":%t}}`, w.client.id(), !w.viewer))
		}
	case n < 8:
		w.room = ""
		w.client.send(`{"hangup":true}`)
		w.catchUp()
		w.roster.reset()
	case n < 9:
		w.client.leave(websocket.CloseGoingAway)
		w.connect()
	default:
		w.client.drop()
		w.connect()
	}
}

func TestNobodySeesAStaleOrMissingParticipant(t *testing.T) {
	f := newFixture(t, Config{})
	const people, steps = 20, 100
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	wanderers := make([]*wanderer, people)
	var wg sync.WaitGroup
	for i := range wanderers {
		w := &wanderer{f: f, name: fmt.Sprint("w", i)}
		wanderers[i] = w
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			w.connect()
			for n := range steps {
				w.step(rng)
				if n%20 == 19 { // below the limit on malformed frames
					w.catchUp()
				}
			}
		})
	}
	wg.Wait()
	// A socket that was lost at the end may still have to be noticed.
	there := map[string][]string{}
	for _, w := range wanderers {
		if !w.viewer {
			there[w.room] = append(there[w.room], w.client.id())
		}
	}
	for _, room := range []string{"red", "blue", "green"} {
		eventually(t, room+" settles", func() bool { return f.hub.header(room).People == len(there[room]) })
	}
	f.allAnnounced()
	for _, w := range wanderers {
		w.catchUp()
		for _, wrong := range w.roster.wrong {
			t.Errorf("%s: %s", w.client.id(), wrong)
		}
		if w.room == "" {
			continue
		}
		got := slices.Sorted(maps.Keys(w.roster.present))
		want := slices.DeleteFunc(slices.Sorted(slices.Values(there[w.room])), func(id string) bool {
			return id == w.client.id()
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s in %s sees %q, want %q", w.client.id(), w.room, got, want)
		}
	}
	for _, p := range f.media.peers[:f.media.count()] {
		calls := slices.DeleteFunc(p.log(), func(call string) bool { return strings.HasPrefix(call, "bar:") })
		if f.media.last(p.id) != p && !slices.Equal(calls, []string{"close"}) {
			t.Errorf("a former peer got %q", calls)
		}
	}
}

// TestMassJoin lets many join one room at once: everybody is told of everybody, once.
func TestMassJoin(t *testing.T) {
	f := newFixture(t, Config{})
	const people = 60
	wanderers := make([]*wanderer, people)
	for i := range wanderers {
		wanderers[i] = &wanderer{f: f, name: fmt.Sprint("w", i)}
		wanderers[i].connect()
	}
	var wg sync.WaitGroup
	for _, w := range wanderers {
		wg.Go(func() {
			w.client.send(`{"join":"red"}`)
			w.catchUp()
		})
	}
	wg.Wait()
	f.allAnnounced()
	for _, w := range wanderers {
		w.catchUp()
		if len(w.roster.present) != people-1 || len(w.roster.wrong) > 0 {
			t.Errorf("%s sees %d: %q", w.client.id(), len(w.roster.present), w.roster.wrong)
		}
	}
}

func TestLastLeaveAndFirstJoinRace(t *testing.T) {
	f := newFixture(t, Config{})
	var wg sync.WaitGroup
	for _, name := range []string{"ann", "bob", "cid", "dan"} {
		c := f.open(name)
		wg.Go(func() {
			for range 50 {
				c.send(`{"join":"red"}`)
				for !strings.Contains(c.next(), `"others"`) {
					continue
				}
				c.send(`{"hangup":true}`)
			}
		})
	}
	wg.Wait()
	eventually(t, "the room is gone", func() bool {
		f.hub.mu.Lock()
		defer f.hub.mu.Unlock()
		return len(f.hub.rooms) == 0
	})
}

func TestShortNamesAreUnique(t *testing.T) {
	f := newHub(t, Config{})
	taken := f.hub.register(identityNamed("ann"), "red", false)
	if !f.hub.short[taken.Self().ShortName] {
		t.Fatal("the short name is not kept")
	}
	// A name with a short name in use is not taken: draw from two, one of them taken.
	draws := 0
	f.hub.newName = func() string {
		draws++
		if draws < 3 {
			return "another-" + taken.ChannelName()
		}
		return "free-123456"
	}
	if s := f.hub.register(identityNamed("bob"), "red", false); s.ChannelName() != "free-123456" || draws != 3 {
		t.Errorf("got %s after %d draws", s.ChannelName(), draws)
	}
}

func identityNamed(name string) auth.Identity {
	return auth.Identity{User: auth.User{Name: "Real " + name, ScreenName: name}, SessionID: name}
}
