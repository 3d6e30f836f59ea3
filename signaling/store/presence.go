package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// place is somebody in a room.
type place struct{ room, channel string }

func (p place) key() string { return encode(p.room) + "." + p.channel }

// presenceValue is the value of a key in the presence bucket.
type presenceValue struct {
	Room string `json:"room"`
	Node string `json:"node"`
}

// presence is who is connected to this node, and the writing of it.
type presence struct {
	// Static after construction.
	bucket jetstream.KeyValue
	node   string
	log    *slog.Logger
	queue  *queue[place]

	mu   sync.Mutex
	here map[place]struct{} // guarded by mu: who is here
}

func newPresence(bucket jetstream.KeyValue, node string, log *slog.Logger) *presence {
	return &presence{
		bucket: bucket, node: node, log: log, queue: newQueue[place](), here: make(map[place]struct{}),
	}
}

// Enter notes that channelName is in room, on this node. It never blocks; changes are written in order.
func (s *Store) Enter(room, channelName string) { s.presence.set(place{room, channelName}, true) }

// Leave takes back what [Store.Enter] noted. It never blocks.
func (s *Store) Leave(room, channelName string) { s.presence.set(place{room, channelName}, false) }

func (p *presence) set(where place, here bool) {
	if !validPlace(where) {
		p.log.Error("store: presence ignored, the room or the channel name is malformed")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if here {
		p.here[where] = struct{}{}
	} else {
		delete(p.here, where)
	}
	p.queue.push(where)
}

// rewrite queues everybody who is here: what was written may have been swept away.
func (p *presence) rewrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for where := range p.here {
		p.queue.push(where)
	}
}

// run writes what is queued until ctx ends.
func (p *presence) run(ctx context.Context) {
	p.queue.run(ctx, faults{log: p.log, what: "presence not written"}, p.write)
}

func (p *presence) write(ctx context.Context, where place) error {
	p.mu.Lock()
	_, here := p.here[where]
	p.mu.Unlock()
	if !here {
		// A purge with a lifetime leaves nothing behind in the end. A deletion would leave a marker for good, one for
		// each person who ever was there.
		if err := p.bucket.Purge(ctx, where.key(), jetstream.PurgeTTL(markerTTL)); err != nil {
			return fmt.Errorf("remove presence: %w", err)
		}
		return nil
	}
	value, err := json.Marshal(presenceValue{Room: where.room, Node: p.node})
	if err != nil {
		return fmt.Errorf("write presence: %w", err)
	}
	if _, err := p.bucket.Put(ctx, where.key(), value); err != nil {
		return fmt.Errorf("write presence: %w", err)
	}
	return nil
}

// sweep removes what a lost node left. What has changed since it was seen stays.
func (p *presence) sweep(ctx context.Context, left map[string]uint64) error {
	for key, revision := range left {
		err := p.bucket.Purge(ctx, key, jetstream.LastRevision(revision), jetstream.PurgeTTL(markerTTL))
		if err != nil && !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			return fmt.Errorf("sweep presence: %w", err)
		}
	}
	return nil
}

// validPlace tells whether NATS will take the key: a bad one would be tried for ever.
func validPlace(where place) bool {
	if where.room == "" || where.channel == "" {
		return false
	}
	return strings.IndexFunc(where.channel, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		digit := r >= '0' && r <= '9'
		return !letter && !digit && r != '_' && r != '-'
	}) < 0
}
