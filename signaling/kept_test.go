package signaling

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/signaling/chat"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// fakeMemory keeps rooms in a map, and what it was told to forget later.
type fakeMemory struct {
	mu     sync.Mutex
	limit  int                      // guarded by mu: bytes that are too many, 0 for none
	keeps  int                      // guarded by mu
	rooms  map[string]string        // guarded by mu
	leases map[string]time.Duration // guarded by mu: after which a room is forgotten
}

func newFakeMemory() *fakeMemory {
	return &fakeMemory{rooms: make(map[string]string), leases: make(map[string]time.Duration)}
}

func (m *fakeMemory) Recall(room string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	state, ok := m.rooms[room]
	return []byte(state), ok
}

func (m *fakeMemory) Keep(room string, state []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limit > 0 && len(state) >= m.limit {
		return false
	}
	m.keeps++
	m.rooms[room] = string(state)
	delete(m.leases, room)
	return true
}

func (m *fakeMemory) Forget(room string, after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[room] = after; after == 0 {
		delete(m.rooms, room)
		delete(m.leases, room)
	}
}

// crash is what the next process finds when this one is killed.
func (m *fakeMemory) crash() *fakeMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := newFakeMemory()
	maps.Copy(after.rooms, m.rooms)
	return after
}

func (m *fakeMemory) counts() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keeps
}

// String is the names of what is kept, with the time after which it is forgotten.
func (m *fakeMemory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for _, room := range slices.Sorted(maps.Keys(m.rooms)) {
		if after, ends := m.leases[room]; ends {
			room += fmt.Sprint(" for ", after)
		}
		all = append(all, room)
	}
	return strings.Join(all, ", ")
}

// newKeeping is a hub with a memory and the chat.
func newKeeping(t testing.TB, memory *fakeMemory) (f *fixture, stop func()) {
	f, stop = newBubble(t, Config{})
	f.hub.deps.Memory = memory
	f.hub.Register(NewChat(fakeRenderer{}))
	return f, stop
}

// asks makes a request of the app floor.
func (c *testClient) asks(request string) {
	c.t.Helper()
	c.send(`{"floor":` + request + `}`)
	if told := strings.Join(c.told(), ""); strings.Contains(told, `"error"`) {
		c.t.Fatalf("%s: %s", request, told)
	}
}

// enters joins a room and returns all that a newcomer is told.
func (c *testClient) enters(room string) string {
	c.t.Helper()
	c.send(`{"join":"` + room + `"}`)
	return strings.Join(c.told(), "\n")
}

// inRed has ann, the host, and bob, whom she has muted, in a locked room with two lines.
func inRed(f *fixture) (ann, bob *testClient) {
	ann, bob = f.open("ann"), f.open("bob")
	ann.enters("red")
	bob.enters("red")
	ann.says("one")
	ann.told()
	bob.says("two")
	bob.told()
	ann.whispers(bob, "secret")
	ann.asks(`{"type":"mute","channel_name":"` + bob.id() + `","on":true}`)
	ann.asks(`{"type":"lock","on":true}`)
	time.Sleep(2 * time.Second) // it is kept by then
	return ann, bob
}

func expect(t *testing.T, what, told string, wanted ...string) {
	t.Helper()
	for _, part := range wanted {
		absent := strings.HasPrefix(part, "!")
		if strings.Contains(told, strings.TrimPrefix(part, "!")) == absent {
			t.Errorf("%s, wanted %s, was told:\n%s", what, part, told)
		}
	}
}

// TestRoomsComeBack kills the server, or stops it in order: who comes back finds the room as it was.
func TestRoomsComeBack(t *testing.T) {
	for _, how := range []string{"killed", "stopped"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := newFakeMemory()
				before, stop := newKeeping(t, memory)
				ann, bob := inRed(before)
				if how == "stopped" {
					bob.says("three, just now")
					bob.told()
				}
				after := memory.crash()
				stop()
				if how == "stopped" {
					after = memory.crash()
				}
				comesBack(t, after, how == "stopped")
				ann.drop()
				bob.drop()
			})
		})
	}
}

func comesBack(t *testing.T, memory *fakeMemory, toTheEnd bool) {
	t.Helper()
	expect(t, "kept", memory.rooms["red"], `"one"`, `"locked":true`, "!secret")
	f, stop := newKeeping(t, memory)
	defer stop()
	eve, ann, bob := f.open("eve"), f.open("ann"), f.open("bob")
	expect(t, "a stranger", eve.enters("red"), `"error":{"type":"locked"`, `!"others"`)
	told := bob.enters("red")
	expect(t, "bob", told, `"hosts":[]`, `"locked":true`, `"host":false,"on_stage":true,"muted":true`, `bob: two</li>`)
	expect(t, "bob", told, map[bool]string{true: "", false: "!"}[toTheEnd]+`bob: three, just now`)
	if log := strings.Join(f.media.last(bob.id()).log(), " "); strings.Contains(log, "bar:") ||
		!f.media.last(bob.id()).barred.Microphone {
		t.Errorf("bob's media began with %+v, then %s", f.media.last(bob.id()).barred, log)
	}
	told = ann.enters("red")
	expect(t, "ann", told, `"hosts":["`+ann.id()+`"]`, `"host":true`, `ann: one</li>`, `!secret`, `"yours":["`)
	ann.asks(`{"type":"lock","on":false}`)
	expect(t, "eve, now", eve.enters("red"), `"others"`)
}

// TestHostDoesNotComeBack has another be host after a while.
func TestHostDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := newFakeMemory()
		before, stop := newKeeping(t, memory)
		inRed(before)
		memory = memory.crash()
		stop()
		f, stop := newKeeping(t, memory)
		defer stop()
		bob := f.open("bob")
		bob.enters("red")
		time.Sleep(returnsWithin - time.Second)
		expect(t, "bob", strings.Join(bob.told(), ""), `!"host":true`)
		time.Sleep(2 * time.Second)
		expect(t, "bob", strings.Join(bob.told(), ""), `"hosts":["`+bob.id()+`"]`, `"host":true`)
	})
}

// TestRoomsAreForgotten has them end with the last who leaves, but not by those who may not enter, or come back first.
func TestRoomsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := newFakeMemory()
		before, stop := newKeeping(t, memory)
		ann, bob := inRed(before)
		crashed := memory.crash()
		cid := before.open("cid")
		cid.enters("blue")
		cid.enters("green")
		check := before.open("check")
		check.enters(checkRoom)
		time.Sleep(2 * time.Second)
		if got := memory.String(); got != "green, red" {
			t.Errorf("kept: %s", got)
		}
		for _, c := range []*testClient{ann, bob, cid} {
			c.send(`{"hangup":true}`)
			c.told()
		}
		time.Sleep(2 * time.Second)
		if got := memory.String(); got != "" {
			t.Errorf("kept: %s", got)
		}
		stop()

		f, stop := newKeeping(t, crashed)
		defer stop()
		eve, ann, bob := f.open("eve"), f.open("ann"), f.open("bob")
		eve.enters("red")
		for _, step := range []struct {
			who  *testClient
			here bool
			kept string
		}{
			{eve, false, "red"}, // who was refused
			{bob, true, "red"},
			{bob, false, "red for 1m0s"}, // before ann is back
			{bob, true, "red"},
			{ann, true, "red"},
			{bob, false, "red"},
			{ann, false, ""},
		} {
			if step.here {
				step.who.enters("red")
			} else {
				step.who.send(`{"hangup":true}`)
				step.who.told()
			}
			time.Sleep(2 * time.Second)
			if got := crashed.String(); got != step.kept {
				t.Errorf("kept: %s, want %s", got, step.kept)
			}
		}
	})
}

// TestUnreadableRoomsOpen has what was kept make no sense.
func TestUnreadableRoomsOpen(t *testing.T) {
	for name, state := range map[string]string{
		"nothing": "", "half": `{"version":1,"floor":{"acc`, "null": "null", "another version": `{"version":2}`,
		"no floor":     `{"version":1}`,
		"another chat": `{"version":1,"floor":{"access":"open","locked":true},"chat":[{}]}`,
		"no types":     `{"version":1,"floor":{"access":"open","locked":"yes"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := newFakeMemory()
				memory.rooms["red"] = state
				f, stop := newKeeping(t, memory)
				defer stop()
				ann := f.open("ann")
				expect(t, "ann", ann.enters("red"), `"host":true`, `"locked":false`)
				time.Sleep(time.Second)
				expect(t, "kept", memory.crash().rooms["red"], `{"version":1,"floor":{"access":"open"`)
			})
		})
	}
}

// TestRoomsAreKeptNowAndThen counts how often: about once a second, and at once after a while.
func TestRoomsAreKeptNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := newFakeMemory()
		f, stop := newKeeping(t, memory)
		defer stop()
		ann := f.open("ann")
		ann.enters("red")
		time.Sleep(3 * time.Second)
		before := memory.counts()
		for i := range 100 {
			ann.send(fmt.Sprintf(`{"floor":{"type":"lock","on":%t}}`, i%2 == 0))
			if i == 0 {
				synctest.Wait()
				if got := memory.counts() - before; got != 1 {
					t.Errorf("kept %d times, not at once", got)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		if got := memory.counts() - before; got < 5 || got > 7 {
			t.Errorf("kept %d times in 5 s", got)
		}
		expect(t, "kept", memory.crash().rooms["red"], `!"locked":true`)
	})
}

// TestTooMuchIsNotKept leaves out the oldest lines where it is too much, and then gives up.
func TestTooMuchIsNotKept(t *testing.T) {
	k := kept{Version: keptVersion, Floor: floor.New("", "").Keep()}
	for i := range 100 {
		k.Chat = append(k.Chat, &chat.Line{
			Message: protocol.ChatMessage{ID: fmt.Sprint("line", i)}, HTML: strings.Repeat("<x>", 100),
		})
	}
	memory := newFakeMemory()
	for _, tt := range []struct {
		limit       int
		first, last string
	}{
		{1 << 20, `"line0"`, `"line99"`}, {20 << 10, `"line75"`, `"line99"`}, {600, `"line99"`, `"line99"`},
	} {
		memory.limit = tt.limit
		size, err := keepIn(memory, "red", k)
		state := memory.rooms["red"]
		if err != nil || size != len(state) || size > tt.limit {
			t.Errorf("%d bytes kept, %d allowed, %v", size, tt.limit, err)
		}
		expect(t, "kept", state, `"chat":[{"message":{"type":"","id":`+tt.first, tt.last, "<x>")
	}
	memory.limit = 10
	if _, err := keepIn(memory, "red", k); err == nil {
		t.Error("kept, though the rights are too large")
	}
}

// TestFrozenRoomsAreNotKept has what happens after Freeze be for this process alone.
func TestFrozenRoomsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := newFakeMemory()
		f, stop := newKeeping(t, memory)
		defer stop()
		ann, bob := inRed(f)
		bob.says("in time")
		bob.told()
		f.hub.Freeze()
		expect(t, "kept", memory.crash().rooms["red"], "in time")
		state := memory.crash().rooms["red"]
		ann.says("too late")
		cid := f.open("cid")
		cid.enters("blue")
		for _, c := range []*testClient{ann, bob, cid} {
			time.Sleep(2 * time.Second)
			c.send(`{"hangup":true}`)
			c.told()
		}
		if got := memory.crash().rooms; len(got) != 1 || got["red"] != state {
			t.Errorf("kept: %v", got)
		}
	})
}
