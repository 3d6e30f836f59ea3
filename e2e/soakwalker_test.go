package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// wish is what must be true of a walker by and by, for others and for itself.
type wish struct {
	room    string    // "" for none
	back    time.Time // when it was last within reach again
	stay    int       // counts joins and losses: who is another for the others by then
	known   bool      // the others agree on whether it is there
	reached bool      // what it is told reaches it
	media   bool      // packets go through
	sends   map[client.Source]bool
}

// away notes that others may be told that it is gone, and it may come back as somebody else.
func (now *wish) away(lost bool) {
	now.reached, now.known = !lost, !lost
	now.stay++
	now.back = time.Now()
}

// walker is somebody who does at random what people and networks do.
type walker struct {
	// Static after construction.
	name   string
	line   *line
	client *client.Client
	rng    *rand.Rand // its goroutine's
	panels *panels

	mu      sync.Mutex
	wish    wish     // guarded by mu
	history []string // guarded by mu: what it did, the latest last
}

const (
	soakRooms   = 6
	keptHistory = 12
	busyWait    = time.Second
	lossMost    = 5 * time.Second // of a socket, while media goes on
)

func newWalker(t *testing.T, s *server, i int, seed uint64) *walker {
	t.Helper()
	w := &walker{
		name: fmt.Sprint("walker", i), line: &line{}, rng: rand.New(rand.NewPCG(seed, uint64(i))), panels: newPanels(),
		wish: wish{reached: true, media: true, known: true, sends: make(map[client.Source]bool)},
	}
	for _, source := range []client.Source{{Kind: "audio"}, {Kind: "video"}} {
		w.wish.sends[source] = true
	}
	options := w.line.options()
	options.OnEvent = func(event client.Event) {
		w.panels.hear(event)
		w.askAgain(event)
	}
	options.Simulcast = i%3 == 0
	w.client = s.guest(w.name, options)
	w.panels.client.Store(w.client)
	t.Cleanup(w.line.restore) // before it is closed, which has to get through
	return w
}

// did changes what must be true, and keeps for a failure why.
func (w *walker) did(what string, change func(*wish)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.wish)
	w.history = append(w.history, time.Now().Format("15:04:05.000 ")+what)
	w.history = w.history[max(0, len(w.history)-keptHistory):]
}

func (w *walker) wants() wish {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.wish
	now.sends = maps.Clone(now.sends)
	return now
}

func (w *walker) past() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.history)
}

// walk does one thing after the other until ctx ends, and then puts its network in order.
func (w *walker) walk(ctx context.Context) {
	w.enter()
	for w.pause(ctx, time.Second, 4*time.Second) {
		switch n := w.rng.IntN(100); {
		case n < 15:
			w.enter()
		case n < 20:
			w.leave()
			w.pause(ctx, 0, time.Second)
			w.enter()
		case n < 40:
			w.toggle(client.Source{Kind: "audio"})
		case n < 55:
			w.toggle(client.Source{Kind: "video"})
		case n < 70:
			w.toggle(client.Source{Kind: "video", Screen: true})
		case n < 77:
			w.loseSocket(ctx, "reset", time.Millisecond, func(bool) { w.line.reset() })
		case n < 84:
			w.loseSocket(ctx, "refused", lossMost, func(lost bool) {
				w.line.refuse(lost)
				w.line.reset()
			})
		case n < 90:
			w.loseSocket(ctx, "stalled", lossMost, w.line.loseSocket)
		case n < 95:
			w.lose(ctx, "media lost", lossMost, w.line.loseMedia, func(now *wish, lost bool) { now.media = !lost })
		default:
			w.lose(ctx, "out of reach", 2*lossMost, func(lost bool) {
				w.line.loseMedia(lost)
				w.line.loseSocket(lost)
			}, func(now *wish, lost bool) {
				now.media = !lost
				now.away(lost)
			})
		}
	}
	w.line.restore()
}

// askAgain has a walker that a busy server did not let in try once more, as a page does.
func (w *walker) askAgain(event client.Event) {
	frame, ok := event.(client.Frame)
	if !ok || frame.Key != protocol.KeyError {
		return
	}
	var e protocol.Error
	if err := json.Unmarshal(frame.Value, &e); err != nil || !busy(e) {
		return
	}
	w.did("is not let in by a busy server", func(now *wish) { now.stay++ })
	time.AfterFunc(busyWait, func() {
		if room := w.wants().room; room != "" && w.client.Snapshot().Room == "" {
			w.client.Join(room)
		}
	})
}

// busy tells whether an error passes by itself.
func busy(e protocol.Error) bool { return e.Type == protocol.ErrorFull && e.Retry }

// pause waits for a while, and tells whether to go on.
func (w *walker) pause(ctx context.Context, least, most time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(least + time.Duration(w.rng.Int64N(int64(most-least)))):
		return true
	}
}

func (w *walker) enter() {
	room := fmt.Sprint("room", w.rng.IntN(soakRooms))
	w.did("joins "+room, func(now *wish) {
		now.room = room
		now.stay++
	})
	w.client.Join(room)
}

func (w *walker) leave() {
	w.did("leaves", func(now *wish) {
		now.room = ""
		now.stay++
	})
	w.client.Hangup()
}

func (w *walker) toggle(source client.Source) {
	w.did(fmt.Sprintf("toggles %+v", source), func(now *wish) { now.sends[source] = !now.sends[source] })
	sends := w.wants().sends
	w.client.Mute(!sends[client.Source{Kind: "audio"}], !sends[client.Source{Kind: "video"}])
	w.client.Share(sends[client.Source{Kind: "video", Screen: true}])
}

// lose takes something away for a while.
func (w *walker) lose(
	ctx context.Context, what string, most time.Duration, set func(lost bool), change func(now *wish, lost bool),
) {
	w.did(what, func(now *wish) { change(now, true) })
	set(true)
	w.pause(ctx, 0, most)
	set(false)
	w.did("no longer "+what, func(now *wish) { change(now, false) })
}

// loseSocket loses the websocket alone: nobody notices where media tells that it is there.
func (w *walker) loseSocket(ctx context.Context, what string, most time.Duration, set func(lost bool)) {
	seen := w.client.Snapshot()
	connected := seen.Room == w.wants().room && seen.Connection == webrtc.PeerConnectionStateConnected.String()
	w.lose(ctx, what, most, set, func(now *wish, lost bool) {
		if !connected {
			now.away(lost)
		}
		now.reached = !lost
	})
}

// panels are what a page would show: it adds what comes as html, and takes away who is told to have left.
type panels struct {
	panel  *regexp.Regexp // static after construction
	client atomic.Pointer[client.Client]

	mu    sync.Mutex
	shown map[string]bool // guarded by mu: by channel name
	lacks []string        // guarded by mu: who was told to be there without a panel
}

func newPanels() *panels {
	return &panels{
		shown: make(map[string]bool), panel: regexp.MustCompile(`class="panel[^"]*" data-channel="([^"]+)"`),
	}
}

// hear is told each key of each frame, in order, on the client's loop.
func (p *panels) hear(event client.Event) {
	frame, ok := event.(client.Frame)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch frame.Key {
	case protocol.KeyHTML:
		var html string
		_ = json.Unmarshal(frame.Value, &html)
		for _, panel := range p.panel.FindAllStringSubmatch(html, -1) {
			p.shown[panel[1]] = true
		}
	case protocol.KeyRTC:
		var m struct {
			Type        string                 `json:"type"`
			ChannelName string                 `json:"channel_name"`
			IDs         []protocol.Participant `json:"ids"`
		}
		_ = json.Unmarshal(frame.Value, &m)
		switch m.Type {
		case protocol.TypeDisconnected:
			delete(p.shown, m.ChannelName)
		case protocol.TypeOthers:
			p.others(m.IDs)
		}
	}
}

// others looks for the panels of those who are announced. What answers a join says who is there; no other has a panel.
// It is called with mu held.
func (p *panels) others(ids []protocol.Participant) {
	named := make(map[string]bool)
	for _, id := range ids {
		named[id.ChannelName] = true
		if !p.shown[id.ChannelName] {
			p.lacks = append(p.lacks, id.ChannelName)
		}
	}
	if c := p.client.Load(); c != nil && c.Snapshot().Room == "" {
		maps.DeleteFunc(p.shown, func(name string, _ bool) bool { return !named[name] })
	}
}

func (p *panels) read() (shown map[string]bool, lacks []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.shown), slices.Clone(p.lacks)
}
