package client

import "sync"

// queue brings what happens to the client's loop. Posting never blocks, as callbacks of a connection that the loop is
// closing must not.
type queue struct {
	ready chan struct{}

	mu    sync.Mutex
	posts []func() // guarded by mu
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func (q *queue) post(f func()) {
	q.mu.Lock()
	q.posts = append(q.posts, f)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) take() []func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	posts := q.posts
	q.posts = nil
	return posts
}
