package signaling

import (
	"parley/sfu/capacity"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// enter puts m into the room of that name, which it opens if need be, in place of leaving. See [room.enter].
func (h *Hub) enter(name string, m, leaving *member, ticket floor.Ticket) (*room, arrival, error) {
	for {
		r, err := h.openRoom(name, m)
		if err != nil {
			return nil, arrival{}, err
		}
		found, ok, err := r.enter(m, leaving, ticket)
		if ok && err == nil {
			return r, found, nil
		}
		if !ok || r.isClosed() { // it is on its way out, or was opened for nobody
			h.forget(r)
		}
		if err != nil {
			return nil, arrival{}, err
		}
	}
}

// leave takes m out of r and forgets r with the last member.
func (h *Hub) leave(r *room, m *member) {
	h.noteLeft(r.name, m.person.Session) // before it closes
	if closed := r.leave(m); closed {
		h.forget(r)
	}
	h.porch.changed(r.name) // before m waits there
}

// openRoom returns the room of that name, which opens for m if need be.
func (h *Hub) openRoom(name string, m *member) (*room, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[name]
	if r == nil {
		if err := h.mayOpen(name, m.person.Session); err != nil {
			return nil, err
		}
		r = newRoom(h, name)
		h.rooms[name] = r
	}
	return r, nil
}

// forget removes a closed room, unless another of its name has taken its place.
func (h *Hub) forget(r *room) {
	r.ticking.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[r.name] == r {
		r.letGo()
		delete(h.rooms, r.name)
		h.noteClosed()
	}
}

// find returns the room of that name, nil if there is none.
func (h *Hub) find(name string) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rooms[name]
}

// header is what there is to say of a room, but for the headroom.
func (h *Hub) header(name string) protocol.Header {
	r := h.find(name)
	if r == nil {
		return protocol.Header{Room: name}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.header()
}

// headerFrame renders a header, with the headroom.
func (h *Hub) headerFrame(header protocol.Header) []byte {
	header.Headroom = -1
	if h.deps.Capacity != nil {
		if headroom := h.deps.Capacity.Headroom(); headroom.Known {
			header.Headroom = max(0, headroom.People)
		}
	}
	if limit := h.cfg.MaxRoomPeople; limit > 0 {
		left := max(0, limit-header.People-header.Viewers)
		if header.Headroom < 0 || left < header.Headroom {
			header.Headroom = left
		}
	}
	return h.encode(protocol.KeyHTML, h.deps.Renderer.Header(header))
}

// full says why the server carries no more people, "" if it does, and whether that is its load, which passes by itself,
// and not a number that was configured.
func (h *Hub) full() (why string, passes bool) {
	if h.deps.Capacity == nil {
		return "", false
	}
	headroom := h.deps.Capacity.Headroom()
	switch {
	case !headroom.Known || headroom.People >= 1:
		return "", false
	case headroom.Limit == "":
		return "the server carries no more people", false
	}
	return "the server carries no more people (" + headroom.Limit + ")", headroom.Limit != capacity.LimitPeople
}
