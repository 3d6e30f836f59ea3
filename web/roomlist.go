package web

import (
	"bytes"
	"maps"
	"sync"
	"time"

	"parley/signaling/protocol"
)

const (
	// maxLobbies is how many lobbies are kept up to date at once; each costs a connection and a goroutine.
	maxLobbies = 2000
	// listPause is the least time between two states of the list: in a busy house people come and go all the time.
	listPause = 250 * time.Millisecond
)

// roomList follows the rooms in use, for all lobbies at once: each state is rendered once in each language, and a lobby
// that is slow skips to the latest.
type roomList struct {
	rooms  Rooms          // static after construction
	render renderings     // static after construction
	done   chan struct{}  // closed by close
	tasks  sync.WaitGroup // run and the lobbies

	mu      sync.Mutex
	latest  map[string][]byte // guarded by mu; by language, each one server-sent event; never modified
	changed chan struct{}     // guarded by mu; closed when latest is replaced
	lobbies int               // guarded by mu
	closed  bool              // guarded by mu
}

// renderings renders the list, by language.
type renderings map[string]func([]protocol.Room) string

func newRoomList(rooms Rooms, render renderings) *roomList {
	l := &roomList{rooms: rooms, render: render, done: make(chan struct{}), changed: make(chan struct{})}
	changes, stop := rooms.Watch()
	l.refresh()
	l.tasks.Go(func() {
		defer stop()
		l.run(changes)
	})
	return l
}

func (l *roomList) run(changes <-chan struct{}) {
	for {
		select {
		case <-l.done:
			return
		case _, ok := <-changes:
			if !ok {
				return
			}
		}
		l.refresh()
		select {
		case <-l.done:
			return
		case <-time.After(listPause):
		}
	}
}

// refresh makes the present state the latest, if it differs.
func (l *roomList) refresh() {
	rooms, events := l.rooms.Rooms(), make(map[string][]byte, len(l.render))
	for language, render := range l.render {
		events[language] = serverSentEvent(render(rooms))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if maps.EqualFunc(events, l.latest, bytes.Equal) {
		return
	}
	l.latest = events
	close(l.changed)
	l.changed = make(chan struct{})
}

// state returns the latest state and what is closed when there is another.
func (l *roomList) state(language string) (event []byte, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest[language], l.changed
}

// join counts one lobby in, unless there are too many or the site closes. Whoever is counted in calls leave.
func (l *roomList) join() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.lobbies >= maxLobbies {
		return false
	}
	l.lobbies++
	l.tasks.Add(1)
	return true
}

func (l *roomList) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lobbies--
	l.tasks.Done()
}

// close ends run and the lobbies, and waits for them.
func (l *roomList) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.done)
	}
	l.mu.Unlock()
	l.tasks.Wait()
}

// serverSentEvent puts text into one event (WHATWG HTML, section 9.2.5).
func serverSentEvent(text string) []byte {
	var event bytes.Buffer
	for line := range bytes.Lines([]byte(text)) {
		event.WriteString("data: ")
		event.Write(bytes.TrimRight(line, "\r\n"))
		event.WriteByte('\n')
	}
	event.WriteByte('\n')
	return event.Bytes()
}
