package load

import (
	"slices"
	"sync/atomic"
	"time"
)

// role is how somebody takes part.
type role uint8

const (
	publisher  role = iota
	subscriber      // who receives only
	viewer          // who joins as one
	roles
)

// cast are the channel names of who can be seen in a room, in order of arrival. It is never changed.
type cast struct {
	names   []string
	version int // grows with each change
}

// stage is what a room's people can see.
type stage struct{ current atomic.Pointer[cast] }

// now is never nil.
func (s *stage) now() *cast {
	if c := s.current.Load(); c != nil {
		return c
	}
	return new(cast)
}

// enter and leave are called by one goroutine at a time.
func (s *stage) enter(name string) {
	c := s.now()
	s.current.Store(&cast{append(slices.Clone(c.names), name), c.version + 1})
}

func (s *stage) leave(name string) {
	c := s.now()
	left := slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return n == name })
	s.current.Store(&cast{left, c.version + 1})
}

// turnLength is how long everybody talks who talks in turn.
const turnLength = 3 * time.Second

// hasTurn tells whether the publisher in that seat talks, counted from 0: of those who are there, the first few talk
// one after the other.
func hasTurn(now int64, seat, talking, there int) bool {
	talking = min(talking, there)
	return talking > 0 && int(now/int64(turnLength))%talking == seat
}
