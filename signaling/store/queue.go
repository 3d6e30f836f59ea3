package store

import (
	"context"
	"sync"
	"time"
)

// Writes that fail are tried again after retryFirst, then twice as long each time up to retryMost.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
)

// queue is what waits to be written, in the order of the changes. It holds keys, not values: what changes again before
// it was written is written once, as it is then, so a store that hangs costs no more memory than there are keys.
type queue[K comparable] struct {
	wake chan struct{} // static after construction

	mu      sync.Mutex
	keys    []K            // guarded by mu
	waiting map[K]struct{} // guarded by mu: what is in keys
}

func newQueue[K comparable]() *queue[K] {
	return &queue[K]{wake: make(chan struct{}, 1), waiting: make(map[K]struct{})}
}

// push has key written, after it has changed. It never blocks.
func (q *queue[K]) push(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, waiting := q.waiting[key]; waiting {
		return
	}
	q.waiting[key] = struct{}{}
	q.keys = append(q.keys, key)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// pop takes the oldest key.
func (q *queue[K]) pop() (key K, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.keys) == 0 {
		q.keys = nil // let the memory of a burst go
		return key, false
	}
	key, q.keys = q.keys[0], q.keys[1:]
	delete(q.waiting, key)
	return key, true
}

// unpop puts a key back to the front, unless it changed again meanwhile.
func (q *queue[K]) unpop(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, waiting := q.waiting[key]; !waiting {
		q.waiting[key] = struct{}{}
		q.keys = append([]K{key}, q.keys...)
	}
}

// run writes what is queued until ctx ends, each key as it is when write comes to it.
func (q *queue[K]) run(ctx context.Context, faults faults, write func(context.Context, K) error) {
	retry := retryFirst
	for ctx.Err() == nil {
		key, ok := q.pop()
		if !ok {
			select {
			case <-q.wake:
			case <-ctx.Done():
			}
			continue
		}
		err := write(ctx, key)
		if err == nil {
			faults.resolved()
			retry = retryFirst
			continue
		}
		q.unpop(key)
		if ctx.Err() != nil {
			return
		}
		faults.happened(err)
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
		retry = min(2*retry, retryMost)
	}
}

// drain writes what is queued, and returns the first error.
func (q *queue[K]) drain(ctx context.Context, write func(context.Context, K) error) error {
	for {
		key, ok := q.pop()
		if !ok {
			return nil
		}
		if err := write(ctx, key); err != nil {
			return err
		}
	}
}
