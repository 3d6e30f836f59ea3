package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// revocations are the sessions that were logged out, as long as a session may live.
type revocations struct {
	bucket jetstream.KeyValue // static after construction

	mu   sync.RWMutex
	keys map[string]struct{} // guarded by mu
}

func newRevocations(bucket jetstream.KeyValue) *revocations {
	return &revocations{bucket: bucket, keys: make(map[string]struct{})}
}

// Revoke implements auth.Revocations. When it returns nil, [Store.Revoked] answers true here at once, and on other
// nodes as soon as they hear of it.
func (s *Store) Revoke(ctx context.Context, sessionID string) error {
	key := encode(sessionID)
	if _, err := s.revoked.bucket.Put(ctx, key, nil); err != nil {
		return fmt.Errorf("revoke session: %w", err)
	}
	s.revoked.set(key, true)
	return nil
}

// Revoked implements auth.Revocations.
func (s *Store) Revoked(sessionID string) bool {
	s.revoked.mu.RLock()
	defer s.revoked.mu.RUnlock()
	_, revoked := s.revoked.keys[encode(sessionID)]
	return revoked
}

// apply follows the bucket. A key is removed when its session has expired.
func (r *revocations) apply(entry jetstream.KeyValueEntry) {
	r.set(entry.Key(), entry.Operation() == jetstream.KeyValuePut)
}

func (r *revocations) set(key string, revoked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if revoked {
		r.keys[key] = struct{}{}
	} else {
		delete(r.keys, key)
	}
}
