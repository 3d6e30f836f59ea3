package signaling

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/auth"
	"parley/sfu"
	"parley/signaling/protocol"
)

// fakeSessions takes the session's id from a header; the screen name is the id, up to a # if there is one.
type fakeSessions struct {
	mu      sync.Mutex
	revoked map[string]bool // guarded by mu
}

const sessionHeader = "X-Test-Session"

func (f *fakeSessions) Identify(r *http.Request) (auth.Identity, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := r.Header.Get(sessionHeader)
	name, _, _ := strings.Cut(id, "#")
	return auth.Identity{User: auth.User{Name: "Real " + name, ScreenName: name}, SessionID: id},
		id != "" && !f.revoked[id]
}

func (f *fakeSessions) revoke(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.revoked == nil {
		f.revoked = make(map[string]bool)
	}
	f.revoked[id] = true
}

// fakeMedia records its peers.
type fakeMedia struct {
	mu    sync.Mutex
	err   error       // guarded by mu: what Join returns
	peers []*fakePeer // guarded by mu: in order of joining

	tell func(string, sfu.RoomEvent) // static after Listen
}

type fakePeer struct {
	room, id string
	barred   sfu.Barred // from the start
	deliver  func(sfu.Event)

	mu    sync.Mutex
	calls []string // guarded by mu
}

func (f *fakeMedia) Listen(tell func(string, sfu.RoomEvent)) { f.tell = tell }

func (f *fakeMedia) Join(room, id string, barred sfu.Barred, deliver func(sfu.Event)) (Peer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	p := &fakePeer{room: room, id: id, barred: barred, deliver: deliver}
	f.peers = append(f.peers, p)
	return p, nil
}

func (f *fakeMedia) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// last is the newest peer of a participant.
func (f *fakeMedia) last(id string) *fakePeer {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range slices.Backward(f.peers) {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (f *fakeMedia) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.peers)
}

func (p *fakePeer) note(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
}

func (p *fakePeer) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

func (p *fakePeer) Signal(d sfu.Description) { p.note(d.Type + ":" + d.SDP) }
func (p *fakePeer) Screen(stream string)     { p.note("screen:" + stream) }
func (p *fakePeer) View(tiles []sfu.Tile, only *bool) {
	if only != nil {
		p.note(fmt.Sprint("only:", *only))
	}
	p.note(fmt.Sprintf("view:%+v", tiles))
}
func (p *fakePeer) Slots(audio int)     { p.note(fmt.Sprint("slots:", audio)) }
func (p *fakePeer) Bar(what sfu.Barred) { p.note(fmt.Sprintf("bar:%+v", what)) }
func (p *fakePeer) Limited(mid string, why sfu.Why) {
	p.note(fmt.Sprintf("limited:%s %q", mid, why))
}
func (p *fakePeer) Close() { p.note("close") }
func (p *fakePeer) Candidate(c *sfu.Candidate) {
	if c == nil {
		p.note("candidate:end")
		return
	}
	p.note(fmt.Sprintf("candidate:%s mid=%v line=%v", c.Candidate, deref(c.SDPMid), deref(c.SDPMLineIndex)))
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// fakePresence keeps who is where.
type fakePresence struct {
	mu    sync.Mutex
	there map[string]bool // guarded by mu: room/channel name
	log   []string        // guarded by mu
	bad   []string        // guarded by mu: what made no sense
}

func (f *fakePresence) Enter(room, channelName string) { f.set(room+"/"+channelName, true) }
func (f *fakePresence) Leave(room, channelName string) { f.set(room+"/"+channelName, false) }

func (f *fakePresence) set(key string, there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.there == nil {
		f.there = make(map[string]bool)
	}
	if f.there[key] == there {
		f.bad = append(f.bad, fmt.Sprint(key, there))
	}
	f.there[key] = there
	if !there {
		delete(f.there, key)
	}
	f.log = append(f.log, fmt.Sprint(key, " ", there))
}

// changes returns all that it was told, in order.
func (f *fakePresence) changes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// fakeRenderer writes fragments that tests can read.
type fakeRenderer struct{}

func (fakeRenderer) Hands(hands []protocol.Participant) string {
	names := make([]string, len(hands))
	for i, p := range hands {
		names[i] = p.UserName
	}
	return `<div id="hands">` + strings.Join(names, ",") + `</div>`
}

func (fakeRenderer) Present(p protocol.Present) string {
	names := make([]string, len(p.Shown))
	for i, shown := range p.Shown {
		names[i] = shown.UserName
	}
	return fmt.Sprintf(`<div id="present">%d+%d %s</div>`, p.People, p.Viewers, strings.Join(names, ","))
}

func (fakeRenderer) Header(h protocol.Header) string {
	var more string
	if h.Viewers > 0 {
		more += fmt.Sprintf(" +%d", h.Viewers)
	}
	if h.Headroom >= 0 {
		more += fmt.Sprintf(" of %d", h.People+h.Viewers+h.Headroom)
	}
	if h.Locked {
		more += " locked"
	}
	return fmt.Sprintf(`<header id="header">%s %d%s</header>`, h.Room, h.People, more)
}
func (fakeRenderer) Panel(p protocol.Participant) string {
	return fmt.Sprintf(`<div id="%s-div">%s</div>`, p.ShortName, p.UserName)
}
func (fakeRenderer) State(p protocol.Participant, away bool) string {
	return fmt.Sprintf(`<i id="%s-state">%v</i>`, p.ShortName, away)
}

// fakeConfigs hands out credentials that live for life, numbered.
type fakeConfigs struct {
	life time.Duration

	mu sync.Mutex
	n  int // guarded by mu
}

func (f *fakeConfigs) RTCConfig(channelName string) (protocol.RTCConfig, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	cfg := protocol.RTCConfig{
		ICETransportPolicy: "all",
		ICEServers:         []protocol.ICEServer{{URLs: []string{"turn:x"}, Username: fmt.Sprint(f.n, ":", channelName)}},
	}
	if f.life == 0 {
		return cfg, time.Time{}
	}
	return cfg, time.Now().Add(f.life)
}

// fakeCapacity is how many more people fit.
type fakeCapacity struct {
	mu       sync.Mutex
	headroom sfu.Headroom // guarded by mu
}

func (f *fakeCapacity) Headroom() sfu.Headroom {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.headroom
}

func (f *fakeCapacity) set(headroom sfu.Headroom) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.headroom = headroom
}

// fakeInvites makes invitations that name their room.
type fakeInvites struct{}

func (fakeInvites) Make(room string) (string, time.Time) {
	return "to+" + room, time.Unix(1790000000, 0)
}
func (fakeInvites) Valid(token, room string) bool { return token == "to+"+room }
