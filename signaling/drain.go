package signaling

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

const (
	comeBackWithin = 15 * time.Second // for whoever has left a room that closed while the server drains

	// After a restart people come one after the other, as fast as a machine with two cores negotiates with them.
	apart     = 10 * time.Millisecond
	maxSpread = 5 * time.Second // of all of them
)

// drain is how far the end of the hub has come. Hub.mu guards it.
type drain struct {
	on    bool
	until time.Time           // when calls should have ended; zero: that is open
	left  map[place]time.Time // who has left which room since it began, and when
	empty chan struct{}       // closed when no call is left; nil while nobody waits for that
}

// place is a login session's in a room.
type place struct{ room, session string }

// Drain has no new rooms open, and tells everybody that calls should end by until; zero: when that is, is open. Rooms
// that are open take people in as before.
func (h *Hub) Drain(until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.drain.on {
		h.drain.on, h.drain.left = true, make(map[place]time.Time)
	}
	h.drain.until = until
	h.tellOfDrain()
}

// Undrain takes new rooms again, and tells everybody.
func (h *Hub) Undrain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drain.on {
		h.drain.on, h.drain.left = false, nil
		h.tellOfDrain()
	}
}

// Draining reports whether the server takes no new rooms.
func (h *Hub) Draining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.drain.on || h.closing
}

// Calls counts the rooms with somebody in them, and the people there.
func (h *Hub) Calls() (people, rooms int) {
	h.mu.Lock()
	open := make([]*room, 0, len(h.rooms))
	for name, r := range h.rooms {
		if !protocol.IsCheck(name) {
			open = append(open, r)
		}
	}
	h.mu.Unlock()
	for _, r := range open {
		r.mu.Lock()
		if n := len(r.members); n > 0 {
			people += n
			rooms++
		}
		r.mu.Unlock()
	}
	return people, rooms
}

// AwaitNoCalls waits until nobody is in a room, or returns why ctx has ended. Checks of a connection are no calls.
func (h *Hub) AwaitNoCalls(ctx context.Context) error {
	for {
		h.mu.Lock()
		if !h.hasCalls() {
			h.mu.Unlock()
			return nil
		}
		if h.drain.empty == nil {
			h.drain.empty = make(chan struct{})
		}
		empty := h.drain.empty
		h.mu.Unlock()
		select {
		case <-empty:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Restart is [Hub.Close] for a server that comes back: it says so to everybody, closes with 1012, and has them open their
// next sockets one after the other, the earliest after first.
func (h *Hub) Restart(ctx context.Context, first time.Duration) error {
	all := h.refuseMore()
	// First those who miss something, and those of a room at about the same time.
	slices.SortFunc(all, func(a, b *Session) int {
		if inCall := a.inCall.Load(); inCall != b.inCall.Load() {
			if inCall {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.page, b.page)
	})
	step := min(apart, maxSpread/time.Duration(max(1, len(all))))
	for i, s := range all {
		after := first + time.Duration(i)*step
		s.stop(ending{
			code: websocket.CloseServiceRestart, reason: "the server restarts", linger: true,
			farewell: string(h.encode(protocol.KeyServer, protocol.Restarting{
				Type: protocol.TypeRestarting, After: after.Milliseconds(),
			})),
		})
	}
	return h.awaitSessions(ctx)
}

// mayOpen reports whether a room may open for somebody of that login session. It is called with mu held.
func (h *Hub) mayOpen(name, session string) error {
	if !h.drain.on || protocol.IsCheck(name) || time.Since(h.drain.left[place{name, session}]) < comeBackWithin {
		return nil
	}
	return &Refusal{
		Type:   protocol.ErrorDraining,
		Detail: "the server is about to restart and takes no new calls, please try again in a few minutes",
	}
}

// noteLeft remembers who has left a room, which may close by that, as it does when the page of the only one is loaded
// again.
func (h *Hub) noteLeft(name, session string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.drain.on {
		return
	}
	for p, when := range h.drain.left {
		if time.Since(when) >= comeBackWithin {
			delete(h.drain.left, p)
		}
	}
	h.drain.left[place{name, session}] = time.Now()
}

// noteClosed wakes those who wait for the end of the last call. It is called with mu held.
func (h *Hub) noteClosed() {
	if h.drain.empty != nil && !h.hasCalls() {
		close(h.drain.empty)
		h.drain.empty = nil
	}
}

// hasCalls is called with mu held.
func (h *Hub) hasCalls() bool {
	for name := range h.rooms {
		if !protocol.IsCheck(name) {
			return true
		}
	}
	return false
}

// tellOfDrain is called with mu held, so that all are told in the order of what happens; posting is a leaf.
func (h *Hub) tellOfDrain() {
	frame := h.drainFrame()
	for _, s := range h.sessions {
		s.post(post{news: news{frames: [][]byte{frame}}})
	}
}

// drainFrame is called with mu held.
func (h *Hub) drainFrame() []byte {
	message := protocol.Draining{Type: protocol.TypeDraining}
	if h.drain.on {
		until := int64(0)
		if !h.drain.until.IsZero() {
			until = h.drain.until.UnixMilli()
		}
		message.Until = &until
	}
	return h.encode(protocol.KeyServer, message)
}

// greetDraining tells a newcomer of the drain, if there is one.
func (s *Session) greetDraining() {
	h := s.hub
	h.mu.Lock()
	var frame []byte
	if h.drain.on {
		frame = h.drainFrame()
	}
	h.mu.Unlock()
	if frame != nil {
		s.write(frame)
	}
}

// refuseMore has no new sockets come, and rooms kept as they are now, and returns the sessions that there are.
func (h *Hub) refuseMore() []*Session {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.Freeze()
	return h.all()
}

// awaitSessions waits for all sessions, which were told to end. When ctx ends first it drops them, and returns the
// context's error.
func (h *Hub) awaitSessions(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		h.running.Wait()
		h.porch.telling.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, s := range h.all() {
		if conn := s.conn.Load(); conn != nil {
			_ = conn.Close()
		}
	}
	<-done
	return fmt.Errorf("close the websockets: %w", ctx.Err())
}
