package load

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/signaling/protocol"
)

const (
	blankAfter  = time.Second // from when on a picture that is shown counts as one that never came
	steadyAfter = time.Second // from the first frame: it begins with what the server has kept for that, which is late
)

// wall is what a participant's page shows of the others: tiles, and what becomes of them.
type wall struct {
	// Static after construction.
	size          int // tiles at most
	width, height int // of each, device pixels
	looks         *looks

	mu     sync.Mutex
	names  []string          // guarded by mu: of who is shown
	tiles  map[string]*pane  // guarded by mu, by name
	ssrcs  map[uint32]string // guarded by mu: whose picture comes as what, by the server's description
	cursor int               // guarded by mu: where in the ring the page begins
	seen   int               // guarded by mu: version of the cast
	opened int64             // guarded by mu: when the websocket did, ns since the run began
}

// pane is one tile, with the picture that is shown in it. Times are in ns since the run began.
type pane struct {
	shown   int64
	joining bool // shown since the participant joined
	begun   bool // a frame has come
	first   int64
	paused  bool // as the server has said
	dark    bool // paused since the window began though a frame had come, which is in no gap
	since   int64
	longest int64 // without a frame
}

// looks are what all tiles of a run have seen.
type looks struct {
	joins  histogram // from the websocket to the first frame, of the tiles that are shown at first
	shown  histogram // from the view message to the first frame, of all others
	gaps   histogram // the longest time without a frame of each tile
	blanks histogram // of the tiles that have never had a frame: for how long
	paused atomic.Uint64
}

func newWall(o Options, looks *looks) *wall {
	w := &wall{size: o.Shown, width: o.TileWidth, height: o.TileHeight, looks: looks}
	w.tiles, w.ssrcs = make(map[string]*pane), make(map[uint32]string)
	return w
}

// ring is everybody else, beginning behind oneself; whoever is not among them begins somewhere.
func ring(names []string, self string, number int) []string {
	at := slices.Index(names, self)
	if at < 0 {
		if len(names) == 0 {
			return nil
		}
		at = number % len(names)
		return slices.Concat(names[at:], names[:at])
	}
	return slices.Concat(names[at+1:], names[:at])
}

// join begins with an empty wall and returns the first page.
func (w *wall) join(c *cast, self string, number int, opened, now int64) []protocol.Tile {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = opened
	w.tally(now)
	clear(w.tiles)
	w.names, w.cursor, w.seen = nil, 0, 0
	message := w.fill(c, self, number, now)
	for _, t := range w.tiles {
		t.joining = true
	}
	return message
}

// update returns what has to be told when others have come or gone, nothing if nothing.
func (w *wall) update(c *cast, self string, number int, now int64) []protocol.Tile {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.version == w.seen {
		return nil
	}
	var message []protocol.Tile
	for _, name := range slices.Clone(w.names) {
		if !slices.Contains(c.names, name) {
			message = append(message, w.hide(name, now))
		}
	}
	return append(message, w.fill(c, self, number, now)...)
}

// turn shows the next page and returns what has to be told, nothing if there is but one.
func (w *wall) turn(c *cast, self string, number int, now int64) []protocol.Tile {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := ring(c.names, self, number)
	if len(all) <= w.size {
		return nil
	}
	w.cursor = (w.cursor + w.size) % len(all)
	next := slices.Concat(all[w.cursor:], all[:w.cursor])[:w.size]
	var message []protocol.Tile
	for _, name := range slices.Clone(w.names) {
		if !slices.Contains(next, name) {
			message = append(message, w.hide(name, now))
		}
	}
	return append(message, w.fill(c, self, number, now)...)
}

// fill shows as many as there is room for. It is called with mu held, as the next three.
func (w *wall) fill(c *cast, self string, number int, now int64) []protocol.Tile {
	w.seen = c.version
	var message []protocol.Tile
	all := ring(c.names, self, number)
	for i := 0; i < len(all) && len(w.names) < w.size; i++ {
		name := all[(w.cursor+i)%len(all)]
		if w.tiles[name] != nil {
			continue
		}
		w.tiles[name] = &pane{shown: now, since: now}
		w.names = append(w.names, name)
		message = append(message, protocol.Tile{
			ChannelName: name, Track: protocol.TrackCamera, Width: w.width, Height: w.height,
		})
	}
	return message
}

func (w *wall) hide(name string, now int64) protocol.Tile {
	w.looks.end(w.tiles[name], now)
	delete(w.tiles, name)
	w.names = slices.DeleteFunc(w.names, func(n string) bool { return n == name })
	return protocol.Tile{ChannelName: name, Track: protocol.TrackCamera}
}

func (w *wall) tally(now int64) {
	for _, t := range w.tiles {
		w.looks.end(t, now)
		t.renew()
	}
}

// end counts a tile that is no longer looked at.
func (l *looks) end(t *pane, now int64) {
	t.gap(now)
	if t.dark || t.paused {
		l.paused.Add(1)
	}
	switch {
	case t.begun:
		l.gaps.add(time.Duration(t.longest))
	case !t.paused && now-t.shown > int64(blankAfter):
		l.blanks.add(time.Duration(now - t.shown))
	}
}

// gap takes note of how long there has been no frame.
func (t *pane) gap(now int64) {
	if t.begun && !t.paused {
		t.longest = max(t.longest, now-t.since)
	}
}

// renew begins a window.
func (t *pane) renew() { t.longest, t.dark = 0, t.begun && t.paused }

// begin forgets what was before the window that begins now; a gap that goes on is measured whole.
func (w *wall) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.tiles {
		t.renew()
	}
}

// end counts all tiles as they are at the end of a window.
func (w *wall) end(now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally(now)
}

// describe takes note of whose picture comes as what.
func (w *wall) describe(pictures map[uint32]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ssrcs = pictures
}

// frame takes note of the end of a frame.
func (w *wall) frame(ssrc uint32, now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tiles[w.ssrcs[ssrc]]
	if t == nil {
		return // on its way when it was hidden
	}
	t.gap(now)
	t.since = now
	switch {
	case t.begun:
		return
	case t.joining:
		w.looks.joins.add(time.Duration(now - w.opened))
	default:
		w.looks.shown.add(time.Duration(now - t.shown))
	}
	t.begun, t.first = true, now
}

// steady tells whether a picture is past its beginning.
func (w *wall) steady(ssrc uint32, now int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tiles[w.ssrcs[ssrc]]
	return t != nil && t.begun && now-t.first > int64(steadyAfter)
}

// quality takes note of a picture that is paused, or no longer.
func (w *wall) quality(q protocol.Quality, now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tiles[q.ChannelName]
	if t == nil || q.Track != protocol.TrackCamera || t.paused == (q.Layer == nil) {
		return
	}
	t.gap(now)
	if t.begun && (!t.paused || now-t.since > int64(frozen)) { // frames that come end a pause before the server's word
		t.dark = true
	}
	t.paused, t.since = q.Layer == nil, now
}
