// Package admission bounds how many connections are there, and how long one may be without having shown what it is
// worth its place for.
package admission

import (
	"slices"
	"sync"
	"time"
)

// Conn is a connection; a pointer, or something else that is equal to itself alone.
type Conn interface {
	comparable
	Close() error
	SetReadDeadline(t time.Time) error
}

// Limits of a [Set].
type Limits struct {
	Connections int           // in all
	Pending     int           // that have not shown their worth; for a new one the oldest has to go
	PendingFor  time.Duration // that one may be so
}

// Set holds connections. One that is pending has little time, whatever it sends: its read deadline is set. One that has
// settled may be silent for as long as its owner likes.
type Set[C Conn] struct {
	limits Limits // static after construction

	mu      sync.Mutex
	all     map[C]struct{} // guarded by mu
	waiting []C            // the pending ones, the longest first; guarded by mu
	closed  bool           // guarded by mu
}

// NewSet returns an empty set.
func NewSet[C Conn](limits Limits) *Set[C] { return &Set[C]{limits: limits, all: make(map[C]struct{})} }

// Add takes a new connection in, as pending, and calls counted before Close can return. It reports false if there is no
// room at all. Else evicted tells of another connection that was closed to make room. Letting the oldest go means that
// whoever fills all places must do so again and again, while an honest client needs its place for a moment.
func (s *Set[C]) Add(c C, counted func()) (evicted, ok bool) {
	oldest, evicted, ok := s.add(c, counted)
	if evicted {
		_ = oldest.Close()
	}
	return evicted, ok
}

func (s *Set[C]) add(c C, counted func()) (oldest C, evicted, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.all) >= s.limits.Connections {
		return oldest, false, false
	}
	if len(s.waiting) >= s.limits.Pending {
		oldest, evicted = s.waiting[0], true
		s.waiting = s.waiting[1:]
		delete(s.all, oldest) // its place is free at once, however long its owner takes to notice
	}
	counted()
	s.all[c] = struct{}{}
	s.wait(c)
	return oldest, evicted, true
}

// wait gives a connection its time. The caller holds mu.
func (s *Set[C]) wait(c C) {
	s.waiting = append(s.waiting, c)
	_ = c.SetReadDeadline(time.Now().Add(s.limits.PendingFor))
}

// Settle tells that the connection is worth its place. Its read deadline is gone.
func (s *Set[C]) Settle(c C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwait(c)
	_ = c.SetReadDeadline(time.Time{})
}

// Unsettle makes the connection pending again.
func (s *Set[C]) Unsettle(c C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, here := s.all[c]; here && !slices.Contains(s.waiting, c) {
		s.wait(c)
	}
}

// Release forgets a connection, which is somebody else's now, and reports false if it had to go meanwhile. Its read
// deadline is gone.
func (s *Set[C]) Release(c C) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, here := s.all[c]
	here = here && slices.Contains(s.waiting, c)
	delete(s.all, c)
	s.unwait(c)
	_ = c.SetReadDeadline(time.Time{})
	return here
}

// Remove closes a connection and forgets it.
func (s *Set[C]) Remove(c C) {
	s.mu.Lock()
	delete(s.all, c)
	s.unwait(c)
	s.mu.Unlock()
	_ = c.Close()
}

func (s *Set[C]) unwait(c C) {
	s.waiting = slices.DeleteFunc(s.waiting, func(other C) bool { return other == c })
}

// Close closes all connections and refuses new ones.
func (s *Set[C]) Close() {
	s.mu.Lock()
	s.closed = true
	all := s.all
	s.all, s.waiting = make(map[C]struct{}), nil
	s.mu.Unlock()
	for c := range all {
		_ = c.Close()
	}
}

// Size is how many connections there are.
func (s *Set[C]) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}
