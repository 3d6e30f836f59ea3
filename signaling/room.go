package signaling

import (
	"fmt"
	"sync"
	"time"

	"parley/signaling/chat"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// room is who is in a room, who may do what there, and how to tell them.
type room struct {
	hub    *Hub      // static
	name   string    // static
	opened time.Time // static
	memory Memory    // static; nil: the room is not kept

	ticking sync.WaitGroup // the timer, from when it is set until tick has returned
	keeping sync.Mutex     // held while the room is kept; comes before mu

	mu           sync.Mutex
	members      map[string]*member // guarded by mu: by channel name
	participants []*member          // guarded by mu: those on stage, in the order in which they went on
	pending      []*member          // guarded by mu: of them, those who have not been announced yet
	entered      uint64             // guarded by mu: counts who entered
	staged       uint64             // guarded by mu: counts who went on stage
	floor        *floor.Floor       // guarded by mu
	state        []byte             // guarded by mu: the latest state frame
	hands        [][]byte           // guarded by mu: the latest frames of raised hands, nil if there are none
	handsVersion int                // guarded by mu: of the floor, when hands were last wanted
	chat         *chat.Chat         // guarded by mu
	speaker      string             // guarded by mu: channel name, "" for nobody
	closed       bool               // guarded by mu: the last one has left, another room of that name may exist

	recalled  bool // guarded by mu: what was kept of the room is known
	frozen    bool // guarded by mu: what is kept of the room no longer changes
	keptBytes int  // guarded by mu: the size of what was kept last

	newcomers, headers, handsTold throttle    // guarded by mu
	keeps                         throttle    // guarded by mu
	settles                       throttle    // guarded by mu: due while people are expected back
	stageOpens                    throttle    // guarded by mu: due while the floor is orphaned
	timer                         *time.Timer // guarded by mu: runs tick; nil when nothing is due
	wakes                         time.Time   // guarded by mu: when the timer does
}

// member is one stay of somebody in a room.
type member struct {
	who    protocol.Participant // static
	person *floor.Person        // static; what it says is guarded by room.mu
	panel  string               // static: the rendered panel
	since  time.Time            // static
	tell   func(news)           // static: tells the member during this stay; a leaf, never blocks

	// Guarded by room.mu.
	entry  uint64          // the how manieth to enter
	seq    uint64          // the how manieth to go on stage, 0 off it
	knows  uint64          // of whom on stage the member has been told: all up to this seq
	away   string          // the state fragment while the member is away, else ""
	you    protocol.You    // as last told
	header protocol.Header // as last told, without the headroom
}

// news is what a room tells a member.
type news struct {
	frames [][]byte // for the client, in this order
	lossy  bool     // a client that is behind may miss it
	key    string   // with event: the app whose handler it is for
	event  any
}

// arrival is what somebody who enters is told of the room.
type arrival struct {
	others []member // on stage, in order
	header protocol.Header
}

// newRoom is called with the hub's mu held.
func newRoom(h *Hub, name string) *room {
	return &room{
		hub: h, name: name, opened: time.Now(), memory: h.memoryOf(name), frozen: h.frozen,
		members: make(map[string]*member), floor: floor.New(h.accessOf(name), h.cfg.RoomPassword), chat: chat.New(),
	}
}

// enter adds m, in place of leaving if that is not nil, and returns whom it finds. What else a newcomer is told comes
// as news. It returns an error of the floor's when m is not let in, and false when the room has closed meanwhile.
func (r *room) enter(m, leaving *member, ticket floor.Ticket) (found arrival, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return arrival{}, false, nil
	}
	r.recall()
	if limit := r.hub.cfg.MaxRoomPeople; limit > 0 && len(r.members) >= limit {
		ticket.Full = fmt.Sprintf("the room takes %d people", limit)
	}
	if leaving != nil && r.members[leaving.who.ChannelName] != leaving {
		leaving = nil // was removed
	}
	if leaving != nil {
		ticket.Place = leaving.person
	}
	changes, err := r.letIn(m, leaving, ticket)
	if err != nil {
		r.closeIfEmpty() // it was opened for m
		return arrival{}, true, err
	}
	if leaving != nil {
		r.take(leaving)
		r.apply(r.floor.Leave(leaving.person))
	}
	m.you = m.person.You()
	m.knows = r.staged
	for _, other := range r.participants {
		found.others = append(found.others, *other)
	}
	r.apply(changes) // not to m, who is not there yet
	r.entered++
	m.entry = r.entered
	r.members[m.who.ChannelName] = m
	if m.person.OnStage() {
		r.goOn(m)
	}
	r.greet(m)
	r.wantHeader()
	m.header = r.header()
	found.header = m.header
	return found, true, nil
}

// leave removes m, tells those who stay, and reports whether m was the last, which closes the room.
func (r *room) leave(m *member) (closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[m.who.ChannelName] == m {
		r.take(m)
		r.apply(r.floor.Leave(m.person))
		r.wantHeader()
		r.closeIfEmpty()
	}
	return r.closed
}

// take removes a member but from the floor. It is called with mu held.
func (r *room) take(m *member) {
	delete(r.members, m.who.ChannelName)
	r.goOff(m)
}

// closeIfEmpty is called with mu held.
func (r *room) closeIfEmpty() {
	if len(r.members) > 0 {
		return
	}
	r.closed = true
	if r.timer != nil && r.timer.Stop() {
		r.ticking.Done()
	}
}

func (r *room) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// setAway remembers the state of m for those who enter later ("" when m is back) and tells the others with frame.
func (r *room) setAway(m *member, state string, frame []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.away = state
	r.tellWhoKnow(m, frame)
}

// tell tells everybody.
func (r *room) tell(frame []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellAll(news{frames: [][]byte{frame}})
}

// tellOne tells one member and reports whether there is one of that name.
func (r *room) tellOne(channelName string, frame []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[channelName]
	if m != nil {
		m.tell(news{frames: [][]byte{frame}})
	}
	return m != nil
}

// tellAll is called with mu held.
func (r *room) tellAll(n news) {
	for _, m := range r.members {
		m.tell(n)
	}
}

// tellWhoKnow tells everybody else who has been told of m. It is called with mu held.
func (r *room) tellWhoKnow(m *member, frame []byte) {
	if m.seq == 0 {
		return
	}
	for _, other := range r.members {
		if other != m && other.knows >= m.seq {
			other.tell(news{frames: [][]byte{frame}})
		}
	}
}
