package signaling

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"parley/signaling/chat"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

const (
	// keepEvery is how often a room that changes is kept; a large one is more rarely, at keepRate.
	keepEvery = time.Second
	keepRate  = 256 << 10 // bytes per second

	// returnsWithin is how long after a room has opened again those are expected who were there before: clients come
	// back by themselves, and are told to spread out over less.
	returnsWithin = time.Minute
)

// keptVersion is that of [kept]. What an older or a newer server has left is forgotten.
const keptVersion = 1

// kept is what a room is, for a [Memory].
type kept struct {
	Version int          `json:"version"`
	Floor   floor.Kept   `json:"floor"`
	Chat    []*chat.Line `json:"chat,omitempty"`
}

// errVersion is why something kept is not read.
var errVersion = errors.New("not of this version")

// memoryOf is where a room of that name is kept, nil if it is not.
func (h *Hub) memoryOf(room string) Memory {
	if protocol.IsCheck(room) {
		return nil
	}
	return h.deps.Memory
}

// Freeze keeps all rooms as they are now. Whatever happens to them later is not kept: before everybody is sent away, or
// somebody else keeps the rooms.
func (h *Hub) Freeze() {
	h.mu.Lock()
	h.frozen = true
	rooms := slices.Collect(maps.Values(h.rooms))
	h.mu.Unlock()
	for _, r := range rooms {
		r.keep(true)
	}
}

// recall makes a room that has just opened what it was before the server was interrupted, if that is kept. What cannot
// be read is forgotten: the room opens all the same. It is called with mu held.
func (r *room) recall() {
	if r.recalled || r.memory == nil {
		return
	}
	r.recalled = true
	state, ok := r.memory.Recall(r.name)
	if !ok {
		return
	}
	f, c, err := readKept(state)
	if err != nil {
		r.hub.log.Warn("a room opens as a new one: what was kept of it cannot be read", "room", r.name, "error", err)
		r.memory.Forget(r.name, 0)
		return
	}
	r.floor, r.chat = f, c
	if f.Expecting() {
		r.settles.due = time.Now().Add(returnsWithin)
		r.wake(r.settles.due)
	}
}

func readKept(state []byte) (*floor.Floor, *chat.Chat, error) {
	var k kept
	if err := json.Unmarshal(state, &k); err != nil {
		return nil, nil, fmt.Errorf("read what was kept: %w", err)
	}
	if k.Version != keptVersion {
		return nil, nil, fmt.Errorf("%w: %d", errVersion, k.Version)
	}
	f, err := floor.Restore(k.Floor)
	if err != nil {
		return nil, nil, fmt.Errorf("restore the floor: %w", err)
	}
	c, err := chat.Restore(k.Chat)
	if err != nil {
		return nil, nil, fmt.Errorf("restore the chat: %w", err)
	}
	return f, c, nil
}

// wantKept has the room kept soon, since it has changed. It is called with mu held.
func (r *room) wantKept() {
	if r.memory != nil && !r.frozen {
		every := max(keepEvery, time.Duration(r.keptBytes)*time.Second/keepRate)
		r.wake(r.keeps.want(time.Now(), every))
	}
}

// keep keeps the room, for the last time or not. It is called without mu: what takes long is done without.
func (r *room) keep(last bool) {
	r.keeping.Lock() // nobody keeps something older later
	defer r.keeping.Unlock()
	r.mu.Lock()
	if r.memory == nil || r.frozen || r.closed {
		r.mu.Unlock()
		return
	}
	r.frozen = last
	k := kept{Version: keptVersion, Floor: r.floor.Keep(), Chat: r.chat.Keep()}
	r.mu.Unlock()
	size, err := keepIn(r.memory, r.name, k)
	if err != nil {
		r.hub.log.Error("a room is not kept", "room", r.name, "error", err)
	}
	r.mu.Lock()
	r.keptBytes = size
	r.mu.Unlock()
}

// keepIn keeps k, without the oldest lines of the chat where it is too large, and returns its size in bytes.
func keepIn(memory Memory, name string, k kept) (size int, err error) {
	for {
		var state bytes.Buffer
		encoder := json.NewEncoder(&state)
		encoder.SetEscapeHTML(false) // it would make markup several times as large
		if err := encoder.Encode(k); err != nil {
			return 0, fmt.Errorf("encode a room: %w", err)
		}
		switch {
		case memory.Keep(name, state.Bytes()):
			return state.Len(), nil
		case len(k.Chat) == 0:
			return state.Len(), fmt.Errorf("%d bytes are too many", state.Len())
		}
		k.Chat = k.Chat[(len(k.Chat)+1)/2:]
	}
}

// letGo forgets a room that has closed. While people are expected back it is forgotten later: who came first, and went
// again, does not speak for the others. Where nobody was let in, and where it is frozen, it stays what it was.
func (r *room) letGo() {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.memory == nil || r.frozen || r.entered == 0:
	case r.floor.Expecting():
		r.memory.Forget(r.name, returnsWithin)
	default:
		r.memory.Forget(r.name, 0)
	}
}
