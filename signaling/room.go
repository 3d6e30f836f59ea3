package signaling

import (
	"slices"
	"sync"

	"parley/signaling/protocol"
)

// room is who is in a room, and how to tell them.
type room struct {
	name string // static

	mu      sync.Mutex
	members []*member // guarded by mu: in order of entering
	closed  bool      // guarded by mu: the last one has left, another room of that name may exist
}

// member is one stay of a participant in a room.
type member struct {
	who   protocol.Participant // static
	panel string               // static: the rendered panel
	tell  func(news)           // static: tells the member during this stay; a leaf, never blocks

	away string // guarded by room.mu: the state fragment while the member is away, else ""
}

// news is what a room tells a member.
type news struct {
	frames [][]byte // for the client, in this order
	people bool     // the number of people has changed
}

// enter adds m, tells those who are there with frames, and returns them as they are at that moment. It reports false
// when the room has closed meanwhile.
func (r *room) enter(m *member, frames ...[]byte) (others []member, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, false
	}
	others = make([]member, 0, len(r.members))
	for _, other := range r.members {
		others = append(others, *other)
		other.tell(news{frames: frames, people: true})
	}
	r.members = append(r.members, m)
	return others, true
}

// leave removes m, tells those who stay, and reports whether m was the last, which closes the room.
func (r *room) leave(m *member, frames ...[]byte) (closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.members, m)
	if i < 0 {
		return r.closed
	}
	r.members = slices.Delete(r.members, i, i+1)
	r.tellOthers(m, news{frames: frames, people: true})
	r.closed = len(r.members) == 0
	return r.closed
}

// setAway remembers the state of m for those who enter later ("" when m is back) and tells the others with frame.
func (r *room) setAway(m *member, state string, frame []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.away = state
	r.tellOthers(m, news{frames: [][]byte{frame}})
}

// tell tells everybody.
func (r *room) tell(frame []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellOthers(nil, news{frames: [][]byte{frame}})
}

// tellOne tells one member and reports whether there is one of that name.
func (r *room) tellOne(channelName string, frame []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if m.who.ChannelName == channelName {
			m.tell(news{frames: [][]byte{frame}})
			return true
		}
	}
	return false
}

func (r *room) people() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members)
}

// tellOthers is called with mu held.
func (r *room) tellOthers(except *member, n news) {
	for _, m := range r.members {
		if m != except {
			m.tell(n)
		}
	}
}
