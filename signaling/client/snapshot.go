package client

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/signaling/protocol"
)

// Snapshot is what a client has seen so far.
type Snapshot struct {
	ChannelName string
	Room        string                          // "" outside a room; set once the server has said who is there
	People      map[string]protocol.Participant // in the room, without the client itself, by channel name
	Features    map[string]json.RawMessage      // by channel name

	Slots   map[int]string   // whose voice an audio slot brings, "" for nobody's
	Speaker string           // the channel name of who speaks, "" for nobody yet
	Levels  map[string]uint8 // by channel name: who speaks, and how loud in -dBov

	You   protocol.You        // what the server said last of the client's rights
	Floor protocol.FloorState // and of the room's

	Quality  map[Source]protocol.Quality // the latest of each picture, with Kind "video"
	Received map[Source]Received
	Sent     map[Encoding]Sent

	Connection string // the state of the RTCPeerConnection, "" without one
	LocalPath  string // the selected local candidate, e.g. "relay udp", "" before there is one
	// RelayProtocol is how the TURN server of LocalPath is reached: "udp", "tcp" or "tls", "" without one.
	RelayProtocol string
	// RemoteAddress is where the selected remote candidate is, e.g. "203.0.113.5:7000".
	RemoteAddress string
	Offers        int  // of the server, since the client joined
	OfferBytes    int  // the length of its latest one
	Resets        int  // fresh connections since the client joined, the first not counted
	Wire          Wire // what the websocket has carried

	Errors   []protocol.Error // that the server sent
	Refusals int              // how many of them were answers to a join
	Closed   error            // why the client ended, nil while it goes on
	Resumed  int              // how often the session went on on another socket
	Renewed  int              // how often another one had to be begun
}

// Wire counts the frames of a websocket and the bytes of JSON in them.
type Wire struct{ FramesIn, BytesIn, FramesOut, BytesOut int64 }

// wire is the same as it grows.
type wire struct{ framesIn, bytesIn, framesOut, bytesOut atomic.Int64 }

func (w *wire) in(n int) {
	if n > 0 {
		w.framesIn.Add(1)
		w.bytesIn.Add(int64(n))
	}
}

func (w *wire) out(n int) {
	w.framesOut.Add(1)
	w.bytesOut.Add(int64(n))
}

func (w *wire) read() Wire {
	return Wire{w.framesIn.Load(), w.bytesIn.Load(), w.framesOut.Load(), w.bytesOut.Load()}
}

// Source is where received media comes from.
type Source struct {
	ChannelName string // or the stream of an audio slot, "slot.0" and so on
	Screen      bool
	Kind        string // "audio" or "video"
}

// Received counts what came from a source, in whatever room.
type Received struct {
	Packets, Bytes int64 // of RTP, header included
	Keyframes      int64 // VP8 only
	Lost           int64 // sequence numbers that never came
	Level          int   // of the latest audio packet in -dBov (RFC 6464), -1 before one said so
}

// Encoding is something that the client publishes.
type Encoding struct {
	Kind, RID string // RID is "" without simulcast
	Screen    bool
}

// Sent counts what was sent of an encoding.
type Sent struct {
	Packets, Bytes   int64
	KeyframeRequests int64 // PLI and FIR that came
}

// state is what a client has seen, as it changes.
type state struct {
	mu       sync.Mutex
	changed  chan struct{} // guarded by mu: closed and replaced when anything but a counter changes
	snapshot Snapshot      // guarded by mu: all but the counters
	received map[Source]*receivedCounter
	sent     map[Encoding]*sentCounter
}

type receivedCounter struct {
	packets, bytes, keyframes, lost atomic.Int64
	level                           atomic.Int64
}

type sentCounter struct{ packets, bytes, keyframeRequests atomic.Int64 }

func newState() *state {
	return &state{
		changed: make(chan struct{}),
		snapshot: Snapshot{
			People:   make(map[string]protocol.Participant),
			Features: make(map[string]json.RawMessage),
			Quality:  make(map[Source]protocol.Quality),
			Slots:    make(map[int]string),
			Levels:   make(map[string]uint8),
		},
		received: make(map[Source]*receivedCounter),
		sent:     make(map[Encoding]*sentCounter),
	}
}

// update changes what has been seen and wakes those who wait for it.
func (s *state) update(change func(*Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.snapshot)
	close(s.changed)
	s.changed = make(chan struct{})
}

// read returns a copy, and a channel that is closed when it is out of date.
func (s *state) read() (Snapshot, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := s.snapshot
	snapshot.People = maps.Clone(snapshot.People)
	snapshot.Features = maps.Clone(snapshot.Features)
	snapshot.Quality = maps.Clone(snapshot.Quality)
	snapshot.Slots = maps.Clone(snapshot.Slots)
	snapshot.Levels = maps.Clone(snapshot.Levels)
	snapshot.Errors = slices.Clone(snapshot.Errors)
	snapshot.Received = make(map[Source]Received, len(s.received))
	for source, c := range s.received {
		snapshot.Received[source] = Received{
			Packets: c.packets.Load(), Bytes: c.bytes.Load(), Keyframes: c.keyframes.Load(), Lost: c.lost.Load(),
			Level: int(c.level.Load()),
		}
	}
	snapshot.Sent = make(map[Encoding]Sent, len(s.sent))
	for encoding, c := range s.sent {
		snapshot.Sent[encoding] = Sent{
			Packets: c.packets.Load(), Bytes: c.bytes.Load(), KeyframeRequests: c.keyframeRequests.Load(),
		}
	}
	return snapshot, s.changed
}

// receivedFrom returns the counter of the source that a MediaStream's id names.
func (s *state) receivedFrom(streamID, kind string) *receivedCounter {
	name, screen := strings.CutSuffix(streamID, protocol.ScreenSuffix)
	source := Source{ChannelName: name, Screen: screen, Kind: kind}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.received[source]
	if c == nil {
		c = new(receivedCounter)
		c.level.Store(-1)
		s.received[source] = c
	}
	return c
}

func (s *state) sentAs(encoding Encoding) *sentCounter {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.sent[encoding]
	if c == nil {
		c = new(sentCounter)
		s.sent[encoding] = c
	}
	return c
}

// Snapshot returns what the client has seen so far.
func (c *Client) Snapshot() Snapshot {
	snapshot, _ := c.state.read()
	snapshot.Wire = c.wire.read()
	return snapshot
}

// Wire returns what the websocket has carried so far.
func (c *Client) Wire() Wire { return c.wire.read() }

// countersEvery is how often Await looks at counters, which wake nobody.
const countersEvery = 20 * time.Millisecond

// Await waits until what the client has seen is as wanted, and fails when ctx ends or the socket closes before.
func (c *Client) Await(ctx context.Context, wanted func(Snapshot) bool) error {
	ticker := time.NewTicker(countersEvery)
	defer ticker.Stop()
	for {
		snapshot, changed := c.state.read()
		snapshot.Wire = c.wire.read()
		if wanted(snapshot) {
			return nil
		}
		if snapshot.Closed != nil {
			return fmt.Errorf("await: %w", snapshot.Closed)
		}
		select {
		case <-changed:
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("await: %w", ctx.Err())
		}
	}
}
