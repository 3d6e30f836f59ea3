package signaling

import (
	"time"

	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// How often everybody in a room is told what many changes come to.
const (
	handsEvery  = 250 * time.Millisecond
	headerEvery = 250 * time.Millisecond
	crowdEvery  = time.Second // both, in a crowd
	crowd       = 100         // members; more are one
)

const (
	// handsShown is how many raised hands are told, the first ones.
	handsShown = 32
	// hostsReturn is how long a stage by invitation stays so without a host.
	hostsReturn = time.Minute
)

// throttle lets something happen at once, but then not again for a while; what was wanted meanwhile happens after it.
type throttle struct {
	last, due time.Time // due is zero while nothing is wanted
}

// want asks for it, every so often at most, and returns when it is due.
func (t *throttle) want(now time.Time, every time.Duration) time.Time {
	if t.due.IsZero() {
		t.due = latest(now, t.last.Add(every))
	}
	return t.due
}

// take reports whether it is due, and if so counts it as having happened.
func (t *throttle) take(now time.Time) bool {
	if t.due.IsZero() || now.Before(t.due) {
		return false
	}
	t.last, t.due = now, time.Time{}
	return true
}

// wantHeader has everybody told how many people there are. It is called with mu held.
func (r *room) wantHeader() {
	r.wake(r.headers.want(time.Now(), r.every(headerEvery)))
}

// every is how often everybody is told something, which in a small room is every so often. It is called with mu held.
func (r *room) every(small time.Duration) time.Duration {
	if len(r.members) > crowd {
		return crowdEvery
	}
	return small
}

// header is what there is to say of the room, but for the headroom. It is called with mu held.
func (r *room) header() protocol.Header {
	return protocol.Header{
		Room: r.name, People: len(r.participants), Viewers: len(r.members) - len(r.participants), Locked: r.floor.Locked(),
	}
}

// wake has tick run at t or before. It is called with mu held.
func (r *room) wake(t time.Time) {
	switch {
	case r.closed:
	case r.timer == nil:
		r.ticking.Add(1)
		r.timer = time.AfterFunc(time.Until(t), r.tick)
		r.wakes = t
	case t.Before(r.wakes) && r.timer.Stop(): // else tick runs, and will see to it
		r.timer.Reset(time.Until(t))
		r.wakes = t
	}
}

// tick tells what is due. What has to be rendered is so without the lock: nothing calls out holding it.
func (r *room) tick() {
	defer r.ticking.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	now := time.Now()
	if r.newcomers.take(now) {
		r.announce(now)
	}
	if r.handsTold.take(now) {
		r.tellHands()
	}
	if r.headers.take(now) {
		r.tellHeader()
	}
	if r.settles.take(now) {
		r.apply(r.floor.Settle())
	}
	if r.stageOpens.take(now) {
		r.floor.OpenStage()
		r.apply(floor.Changes{})
	}
	if r.keeps.take(now) {
		r.mu.Unlock()
		r.keep(false)
		r.mu.Lock()
	}
	r.timer = nil
	for _, t := range []throttle{r.newcomers, r.handsTold, r.headers, r.stageOpens, r.settles, r.keeps} {
		if !t.due.IsZero() {
			r.wake(t.due)
		}
	}
}

// tellHeader is called with mu held, which it gives up meanwhile. Who enters then gets a newer one.
func (r *room) tellHeader() {
	header, entered := r.header(), r.entered
	r.mu.Unlock()
	frame := r.hub.headerFrame(header)
	r.hub.porch.changed(r.name)
	r.mu.Lock()
	for _, m := range r.members {
		if m.header != header && m.entry <= entered {
			m.header = header
			m.tell(news{frames: [][]byte{frame}})
		}
	}
}

// tellHands is called with mu held, which it gives up meanwhile.
func (r *room) tellHands() {
	hands := make([]protocol.Participant, 0, 8)
	up := r.floor.Hands()
	for _, p := range up[:min(len(up), handsShown)] {
		hands = append(hands, r.members[p.ID].who)
	}
	r.mu.Unlock()
	frames := [][]byte{
		r.hub.encode(protocol.KeyHTML, r.hub.deps.Renderer.Hands(hands)),
		r.hub.encode(protocol.KeyFloor, protocol.Hands{Type: protocol.TypeHands, Hands: hands}),
	}
	r.mu.Lock()
	r.hands = frames
	if len(hands) == 0 {
		r.hands = nil
	}
	r.tellAll(news{frames: frames})
}
