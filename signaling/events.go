package signaling

import (
	"slices"
	"sync"
	"time"
)

// recentEvents is how many events are remembered.
const recentEvents = 200

// The values of Event.What.
const (
	EventEntered = "entered"
	EventLeft    = "left"
	EventRefused = "refused" // was not let in
	EventFailed  = "failed"  // the call ended by a fault of the server
	EventSilent  = "silent"  // media that came comes no longer
	EventRemoved = "removed" // by whoever runs the server
	EventClosed  = "closed"  // the room, likewise
)

// Event is something that happened in a room, for whoever runs the server.
type Event struct {
	At   time.Time
	Room string
	Who  string // screen name, "" for nobody in particular
	What string // EventEntered and so on
	Why  string // an error type of the protocol, or why a session ended; "" where there is nothing to say
}

// events remembers the latest. The zero value is ready.
type events struct {
	mu   sync.Mutex
	ring [recentEvents]Event // guarded by mu
	next int                 // guarded by mu: counts all there were
}

// add notes what happens now. It is a leaf, and may be called under any lock.
func (e *events) add(event Event) {
	event.At = time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ring[e.next%recentEvents] = event
	e.next++
}

// latest returns what is remembered, the newest first.
func (e *events) latest() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Event, 0, min(e.next, recentEvents))
	for i := max(0, e.next-recentEvents); i < e.next; i++ {
		all = append(all, e.ring[i%recentEvents])
	}
	slices.Reverse(all)
	return all
}
