// Package mailbox is the queue between those who post and the one goroutine that owns a state: posting never
// blocks, so it is allowed under a lock and from a callback, and a ceiling bounds what a stuck owner can cost.
package mailbox

import "sync"

// Mailbox is an ordered queue with any number of posters and one reader.
type Mailbox[T any] struct {
	ceiling int
	ready   chan struct{}

	mu     sync.Mutex
	items  []T  // guarded by mu
	closed bool // guarded by mu
}

// New makes a mailbox that refuses to hold more than ceiling items.
func New[T any](ceiling int) *Mailbox[T] {
	return &Mailbox[T]{ceiling: ceiling, ready: make(chan struct{}, 1)}
}

// Post appends item. It reports false, and drops the item, when the mailbox is closed or full; whoever is refused for
// fullness should end the reader, which has stopped keeping up.
func (m *Mailbox[T]) Post(item T) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.items) >= m.ceiling {
		return false
	}
	m.items = append(m.items, item)
	select {
	case m.ready <- struct{}{}:
	default:
	}
	return true
}

// Ready is signalled after a Post. One signal may stand for many items.
func (m *Mailbox[T]) Ready() <-chan struct{} { return m.ready }

// Take removes and returns all that is queued, oldest first.
func (m *Mailbox[T]) Take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}

// Close makes every later Post fail and drops what is queued.
func (m *Mailbox[T]) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.items = nil
}
