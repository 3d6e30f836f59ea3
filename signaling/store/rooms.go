package store

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"parley/signaling/protocol"
)

// rooms is the view of who is where, on all nodes.
type rooms struct {
	// Static after construction.
	node string // this node, which lives as long as somebody can ask
	log  *slog.Logger

	mu       sync.Mutex
	people   map[string]person          // guarded by mu: by key of the presence bucket
	nodes    map[string]struct{}        // guarded by mu: those with a lease
	suspects map[string]uint64          // guarded by mu: key and revision of those whom orphans found last
	counted  []protocol.Room            // guarded by mu: the answer, nil when it must be counted again
	watchers map[chan struct{}]struct{} // guarded by mu
}

// person is one entry of the presence bucket.
type person struct {
	room, node string
	revision   uint64
}

func newRooms(node string, log *slog.Logger) *rooms {
	return &rooms{
		node: node, log: log,
		people:   make(map[string]person),
		nodes:    make(map[string]struct{}),
		watchers: make(map[chan struct{}]struct{}),
	}
}

// Rooms returns the rooms in use, sorted by name, with their head-counts. Whoever is on a node without a lease does not
// count.
func (s *Store) Rooms() []protocol.Room { return s.rooms.list() }

// Watch signals changes whenever Rooms may answer differently; one signal may stand for many changes. Call stop when
// done with it.
func (s *Store) Watch() (changes <-chan struct{}, stop func()) { return s.rooms.watch() }

func (r *rooms) list() []protocol.Room {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counted == nil {
		counts := make(map[string]int)
		for _, person := range r.people {
			if r.leased(person.node) {
				counts[person.room]++
			}
		}
		r.counted = make([]protocol.Room, 0, len(counts))
		for name, people := range counts {
			r.counted = append(r.counted, protocol.Room{Name: name, People: people})
		}
		slices.SortFunc(r.counted, func(a, b protocol.Room) int { return strings.Compare(a.Name, b.Name) })
	}
	return slices.Clone(r.counted)
}

func (r *rooms) watch() (<-chan struct{}, func()) {
	changes := make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers[changes] = struct{}{}
	return changes, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, changes)
	}
}

// applyPresence follows the presence bucket.
func (r *rooms) applyPresence(entry jetstream.KeyValueEntry) {
	var now person
	if entry.Operation() == jetstream.KeyValuePut {
		var value presenceValue
		if err := json.Unmarshal(entry.Value(), &value); err != nil {
			r.log.Error("store: presence ignored, its value is malformed", "error", err)
			return
		}
		now = person{room: value.Room, node: value.Node, revision: entry.Revision()}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.people[entry.Key()]
	if now.node == "" {
		delete(r.people, entry.Key())
	} else {
		r.people[entry.Key()] = now
	}
	if r.leased(before.node) != r.leased(now.node) || before.room != now.room {
		r.changed()
	}
}

// applyNode follows the nodes bucket.
func (r *rooms) applyNode(entry jetstream.KeyValueEntry) {
	node, alive := entry.Key(), entry.Operation() == jetstream.KeyValuePut
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, before := r.nodes[node]; before == alive {
		return
	}
	if alive {
		r.nodes[node] = struct{}{}
	} else {
		delete(r.nodes, node)
	}
	r.changed()
}

// orphans returns key and revision of what nodes without a lease left, once it has been found twice: a new node's
// presence may be seen here before its lease.
func (r *rooms) orphans() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	suspects, orphans := make(map[string]uint64), make(map[string]uint64)
	for key, person := range r.people {
		if r.leased(person.node) {
			continue
		}
		suspects[key] = person.revision
		if r.suspects[key] == person.revision {
			orphans[key] = person.revision
		}
	}
	r.suspects = suspects
	return orphans
}

// leased tells whether node counts. Called with mu held.
func (r *rooms) leased(node string) bool {
	if node == r.node {
		return true
	}
	_, leased := r.nodes[node]
	return leased
}

// changed makes list count again and tells the watchers. Called with mu held.
func (r *rooms) changed() {
	r.counted = nil
	for watcher := range r.watchers {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
}
