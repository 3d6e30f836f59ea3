package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// MaxState is the largest state of a room that is kept, in bytes.
const MaxState = 4 << 20

const (
	// unclaimed is how long after the start the state of a room that nobody came back to is kept.
	unclaimed = 10 * time.Minute
	// sweepEvery is how often it is looked for what has had its time.
	sweepEvery = 10 * time.Second
	// flushWithin is how long Close may take to write what is queued.
	flushWithin = 3 * time.Second
)

// memoryValue is the value of a key in the bucket of rooms.
type memoryValue struct {
	Room  string          `json:"room"`
	State json.RawMessage `json:"state"`
}

// errValue is what is wrong with a value that was read.
var errValue = errors.New("no state of a room")

// memory is what rooms are to be when the process starts again, and the writing of it.
type memory struct {
	// Static after construction.
	bucket jetstream.KeyValue
	empty  func(context.Context) error // removes all that is in the bucket, and ever was
	log    *slog.Logger
	queue  *queue[string]

	mu    sync.Mutex
	rooms map[string]remembered // guarded by mu: by name
}

// remembered is the state of a room, JSON that never changes.
type remembered struct {
	state []byte
	ends  time.Time // when it is forgotten; zero for not by itself
}

func newMemory(bucket jetstream.KeyValue, empty func(context.Context) error, log *slog.Logger) *memory {
	return &memory{
		bucket: bucket, empty: empty, log: log, queue: newQueue[string](), rooms: make(map[string]remembered),
	}
}

// Recall returns what was last kept of a room, perhaps by a process before this one. It never blocks.
func (s *Store) Recall(room string) (state []byte, ok bool) {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	kept, ok := s.memory.rooms[room]
	return kept.state, ok
}

// Keep has a room's state, JSON that does not change any more, on the disk soon: when its turn to be written comes, or
// when Close returns. It never blocks. It reports false for what is larger than [MaxState]; what was there stays.
func (s *Store) Keep(room string, state []byte) bool { return s.memory.keep(room, state) }

// Forget forgets what is kept of a room, unless it is kept anew before that time has passed. It never blocks.
func (s *Store) Forget(room string, after time.Duration) { s.memory.forget(room, after) }

func (m *memory) keep(room string, state []byte) bool {
	if len(state) > MaxState {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.rooms[room]
	m.rooms[room] = remembered{state: state}
	if !bytes.Equal(before.state, state) {
		m.queue.push(room)
	}
	return true
}

func (m *memory) forget(room string, after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, ok := m.rooms[room]
	switch {
	case !ok:
	case after > 0:
		kept.ends = time.Now().Add(after)
		m.rooms[room] = kept
	default:
		delete(m.rooms, room)
		m.queue.push(room)
	}
}

// sweep forgets what has had its time.
func (m *memory) sweep(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for room, kept := range m.rooms {
		if !kept.ends.IsZero() && !now.Before(kept.ends) {
			delete(m.rooms, room)
			m.queue.push(room)
		}
	}
}

// load reads what the processes before have left. What cannot be read is logged, and removed: a room that opens as if
// for the first time is better than one that does not.
func (m *memory) load(ctx context.Context) error {
	watch, err := m.bucket.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("read rooms: %w", err)
	}
	defer func() { _ = watch.Stop() }()
	ends := time.Now().Add(unclaimed)
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("read rooms: %w", context.Cause(ctx))
		case entry := <-watch.Updates():
			if entry == nil { // the end of what there is
				return nil
			}
			m.take(ctx, entry, ends)
		}
	}
}

func (m *memory) take(ctx context.Context, entry jetstream.KeyValueEntry, ends time.Time) {
	var value memoryValue
	err := json.Unmarshal(entry.Value(), &value)
	if err == nil && (value.Room == "" || encode(value.Room) != entry.Key() || len(value.State) == 0) {
		err = errValue
	}
	if err != nil {
		m.log.Warn("store: a room is forgotten, what was kept of it cannot be read", "error", err)
		err = m.bucket.Purge(ctx, entry.Key(), jetstream.PurgeTTL(markerTTL))
		if err != nil {
			m.log.Warn("store: the unreadable room is still there", "error", err)
		}
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rooms[value.Room] = remembered{state: value.State, ends: ends}
}

// run writes what is queued until ctx ends, and then what is left, as far as the disk takes it.
func (m *memory) run(ctx context.Context) {
	m.queue.run(ctx, faults{log: m.log, what: "state of rooms not written"}, m.write)
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	if err := m.queue.drain(ctx, m.write); err != nil {
		m.log.Warn("store: the latest of some rooms is not written", "error", err)
	}
}

// sweeps forgets, now and then until ctx ends, what has had its time.
func (m *memory) sweeps(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			m.sweep(now)
		}
	}
}

func (m *memory) write(ctx context.Context, room string) error {
	m.mu.Lock()
	kept, ok := m.rooms[room]
	left := len(m.rooms)
	m.mu.Unlock()
	switch {
	case ok:
		return m.put(ctx, room, kept.state)
	case left == 0: // whatever is kept meanwhile is still to be written
		if err := m.empty(ctx); err != nil {
			return fmt.Errorf("forget all rooms: %w", err)
		}
		return nil
	}
	if err := m.bucket.Purge(ctx, encode(room), jetstream.PurgeTTL(markerTTL)); err != nil {
		return fmt.Errorf("forget room: %w", err)
	}
	return nil
}

func (m *memory) put(ctx context.Context, room string, state []byte) error {
	var value bytes.Buffer
	encoder := json.NewEncoder(&value)
	encoder.SetEscapeHTML(false) // it would make markup several times as large
	if err := encoder.Encode(memoryValue{Room: room, State: state}); err != nil {
		m.log.Error("store: state of a room not kept, it is no JSON", "error", err) // nor will it ever be
		return nil
	}
	if _, err := m.bucket.Put(ctx, encode(room), value.Bytes()); err != nil {
		return fmt.Errorf("write room: %w", err)
	}
	return nil
}
