package signaling

import (
	"bytes"
	"sync"
	"time"

	"parley/signaling/protocol"
)

const (
	presentEvery = 500 * time.Millisecond // who waits before a room is told of changes
	presentShown = 8                      // people whose names they are told
)

// porch is who waits before which room: the sockets in no room, each before the room that it was opened for. They are
// told who is there, by one rendering for all before a room, and none where nobody waits.
type porch struct {
	render func(room string) []byte // static: the frame that tells who is there now

	telling sync.WaitGroup // timers, from when they are set until tell has returned

	mu    sync.Mutex
	doors map[string]*door // guarded by mu: by room, those before which somebody waits
}

// door is those who wait before one room. It is guarded by porch.mu.
type door struct {
	waiting  map[*Session]bool // whether they were told the latest
	latest   []byte            // who is there, nil where it was not rendered yet
	throttle throttle
	timer    *time.Timer // runs tell; nil when nothing is due
}

func newPorch(render func(room string) []byte) *porch {
	return &porch{render: render, doors: make(map[string]*door)}
}

// enter has s told who is in the room, now and on change, until it leaves.
func (p *porch) enter(room string, s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.doors[room]
	if d == nil {
		d = &door{waiting: make(map[*Session]bool)}
		p.doors[room] = d
		p.want(room, d)
	}
	d.waiting[s] = d.timer == nil // else the latest is old: who has just left would be in it
	if d.waiting[s] {
		s.tellOutside(d.latest)
	}
}

// leave is without effect for who does not wait.
func (p *porch) leave(room string, s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.doors[room]
	if d == nil {
		return
	}
	delete(d.waiting, s)
	if len(d.waiting) > 0 {
		return
	}
	delete(p.doors, room)
	if d.timer != nil && d.timer.Stop() {
		p.telling.Done()
	}
}

// changed has those who wait before a room told, soon.
func (p *porch) changed(room string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.doors[room]; d != nil {
		p.want(room, d)
	}
}

// want is called with mu held.
func (p *porch) want(room string, d *door) {
	due := d.throttle.want(time.Now(), presentEvery)
	if d.timer == nil { // else it is set, or tell will see to it
		p.telling.Add(1)
		d.timer = time.AfterFunc(time.Until(due), func() { p.tell(room, d) })
	}
}

// tell renders without the lock. Who comes meanwhile is told too.
func (p *porch) tell(room string, d *door) {
	defer p.telling.Done()
	p.mu.Lock()
	d.throttle = throttle{last: time.Now()}
	p.mu.Unlock()

	frame := p.render(room)

	p.mu.Lock()
	defer p.mu.Unlock()
	d.timer = nil
	if p.doors[room] != d { // nobody waits any more, or others do
		return
	}
	news := !bytes.Equal(frame, d.latest)
	d.latest = frame
	for s, told := range d.waiting {
		if news || !told {
			d.waiting[s] = true
			s.tellOutside(frame)
		}
	}
	if !d.throttle.due.IsZero() {
		p.want(room, d)
	}
}

// presentFrame tells who is in a room.
func (h *Hub) presentFrame(room string) []byte {
	var present protocol.Present
	if r := h.find(room); r != nil {
		present = r.present()
	}
	return h.encode(protocol.KeyHTML, h.deps.Renderer.Present(present))
}

// present is what anybody may know of who is there.
func (r *room) present() protocol.Present {
	r.mu.Lock()
	defer r.mu.Unlock()
	header := r.header()
	present := protocol.Present{People: header.People, Viewers: header.Viewers}
	if state := r.floor.State(); state.Access != protocol.AccessOpen || state.Locked {
		return present
	}
	for _, m := range r.participants[:min(len(r.participants), presentShown)] {
		present.Shown = append(present.Shown, m.who)
	}
	return present
}

// linger has the session wait before the room of its page while it is in none.
func (s *Session) linger() {
	waits := s.room == nil
	switch {
	case waits == s.waits:
	case waits:
		s.hub.porch.enter(s.page, s)
	default:
		s.hub.porch.leave(s.page, s)
	}
	s.waits = waits
}

// tellOutside gives the client a frame unless it is in a room by then. It never blocks.
func (s *Session) tellOutside(frame []byte) {
	s.post(post{outside: true, news: news{frames: [][]byte{frame}}})
}
