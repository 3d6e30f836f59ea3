package web

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

// pipeListener accepts connections within the process, so that a server can run in virtual time.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case connection := <-l.connections:
		return connection, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial(t *testing.T) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	l.connections <- server
	return client
}

// inVirtualTime runs a test against a site that serves over pipes.
func inVirtualTime(t *testing.T, test func(t *testing.T, site *testSite, listener *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		site := makeTestSite(t, Config{})
		listener := newPipeListener()
		server := NewServer(site, slog.New(slog.DiscardHandler))
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		test(t, site, listener)
		site.Close()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Errorf("shut down: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
		site.store.mu.Lock()
		defer site.store.mu.Unlock()
		if site.store.watchers != 0 {
			t.Error("the rooms are still watched")
		}
	})
}

// lobby is a browser's connection to the stream.
type lobby struct {
	net.Conn
	response *http.Response
	body     *bufio.Reader
}

func openLobby(t *testing.T, listener *pipeListener, cookie *http.Cookie) *lobby {
	t.Helper()
	connection := listener.dial(t)
	r := httptest.NewRequest(http.MethodGet, "http://parley.example/rooms/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	if cookie != nil {
		r.AddCookie(cookie)
	}
	if err := r.Write(connection); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), r)
	if err != nil {
		t.Fatal(err)
	}
	return &lobby{Conn: connection, response: response, body: bufio.NewReader(response.Body)}
}

// next returns the next event, or "" at the end of the stream.
func (l *lobby) next() string {
	var event strings.Builder
	for {
		line, err := l.body.ReadString('\n')
		if err != nil {
			return ""
		}
		if line == "\n" {
			return event.String()
		}
		event.WriteString(line)
	}
}

func TestStreamRooms(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		page := openLobby(t, listener, site.session(t))
		defer page.Close()
		header := page.response.Header
		if page.response.StatusCode != http.StatusOK || header.Get("Content-Type") != "text/event-stream" ||
			header.Get("Cache-Control") != "no-store" || header.Get("Content-Encoding") != "" {
			t.Fatalf("got %d, %v", page.response.StatusCode, header)
		}
		if event := page.next(); !strings.Contains(event, "No one is in a room") {
			t.Errorf("at first: %q", event)
		}
		site.store.setRooms(protocol.Room{Name: "standup", People: 2})
		event := page.next()
		if !strings.Contains(event, ">standup<") {
			t.Errorf("then: %q", event)
		}
		for line := range strings.Lines(event) {
			if !strings.HasPrefix(line, "data: ") {
				t.Errorf("a line of its own: %q", line)
			}
		}
		site.store.setRooms(protocol.Room{Name: "standup", People: 3})
		if event := page.next(); !strings.Contains(event, ">3 <") {
			t.Errorf("then: %q", event)
		}
	})
}

func TestStreamPausesBetweenStates(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		page := openLobby(t, listener, site.session(t))
		defer page.Close()
		page.next()
		start := time.Now()
		go func() {
			for people := range 1000 {
				site.store.setRooms(protocol.Room{Name: "standup", People: people + 1})
				time.Sleep(time.Millisecond)
			}
		}()
		events := 0
		for !strings.Contains(page.next(), ">1000 <") {
			events++
		}
		if most := int(time.Since(start)/listPause) + 1; events > most {
			t.Errorf("%d events in %s", events, time.Since(start))
		}
	})
}

// Signals without a difference reach nobody.
func TestStreamSendsOnlyChanges(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		page := openLobby(t, listener, site.session(t))
		defer page.Close()
		page.next()
		site.store.setRooms()
		if event := page.next(); event != ":\n" {
			t.Errorf("got %q", event)
		}
	})
}

func TestStreamNeedsSession(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *testSite, listener *pipeListener) {
		page := openLobby(t, listener, nil)
		defer page.Close()
		if page.response.StatusCode != http.StatusUnauthorized || page.response.Header.Get("HX-Redirect") != "/login/" {
			t.Errorf("got %d, %v", page.response.StatusCode, page.response.Header)
		}
	})
}

func TestStreamEndsWithItsSession(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		session := site.session(t)
		page := openLobby(t, listener, session)
		defer page.Close()
		page.next()
		if event := page.next(); event != ":\n" {
			t.Errorf("no sign of life: %q", event)
		}
		start := time.Now()
		checkRedirect(t, site.post("/logout/", session), http.StatusFound, "/login/")
		if event := page.next(); event != "" {
			t.Errorf("after logging out: %q", event)
		}
		if took := time.Since(start); took > streamCheck {
			t.Errorf("ended after %s", took)
		}
	})
}

func TestStreamEndsWithItsPage(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		page := openLobby(t, listener, site.session(t))
		page.next()
		page.Close()
		synctest.Wait()
		checkLobbies(t, site, 0)
	})
}

func TestStreamEndsWithTheSite(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		page := openLobby(t, listener, site.session(t))
		defer page.Close()
		page.next()
		start := time.Now()
		site.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("closing took %s", took)
		}
		if event := page.next(); event != "" {
			t.Errorf("got %q", event)
		}
		late := openLobby(t, listener, site.session(t))
		defer late.Close()
		if late.response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("got %d", late.response.StatusCode)
		}
	})
}

// A page that stopped reading does not hold its stream for ever.
func TestStreamDropsStalledPage(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		page := openLobby(t, listener, site.session(t))
		defer page.Close()
		page.next()
		site.store.setRooms(protocol.Room{Name: "standup", People: 2})
		time.Sleep(streamWriteTimeout - time.Second)
		checkLobbies(t, site, 1)
		time.Sleep(2 * time.Second)
		checkLobbies(t, site, 0)
	})
}

func checkLobbies(t *testing.T, site *testSite, want int) {
	t.Helper()
	site.list.mu.Lock()
	defer site.list.mu.Unlock()
	if site.list.lobbies != want {
		t.Errorf("%d lobbies, want %d", site.list.lobbies, want)
	}
}

func TestStreamsAreLimited(t *testing.T) {
	site := newTestSite(t, Config{})
	for range maxLobbies {
		if !site.list.join() {
			t.Fatal("refused early")
		}
	}
	w := site.get("/rooms/", site.session(t))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
		strings.Contains(w.Body.String(), "<") {
		t.Errorf("got %d, %v, %q", w.Code, w.Header(), w.Body)
	}
	for range maxLobbies {
		site.list.leave()
	}
	if !site.list.join() {
		t.Error("refused for ever")
	}
	site.list.leave()
}

// A store that closes first ends the list's changes, not its lobbies.
func TestRoomListOutlivesItsWatch(t *testing.T) {
	site := newTestSite(t, Config{})
	close(site.store.changes)
	site.list.tasks.Wait()
	checkPage(t, site.get("/", site.session(t)), http.StatusOK, "No one is in a room")
	if !site.list.join() {
		t.Fatal("refused")
	}
	site.list.leave()
}

func TestServerSentEvent(t *testing.T) {
	for text, want := range map[string]string{
		"":            "\n",
		"a":           "data: a\n\n",
		"a\nb":        "data: a\ndata: b\n\n",
		"a\r\nb\n":    "data: a\ndata: b\n\n",
		"a\n\nevent:": "data: a\ndata: \ndata: event:\n\n",
	} {
		if got := string(serverSentEvent(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// The connection of a stream that ended serves the next request: its deadline is gone.
func TestStreamLeavesConnectionUsable(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, site *testSite, listener *pipeListener) {
		session := site.session(t)
		page := openLobby(t, listener, session)
		defer page.Close()
		page.next()
		checkRedirect(t, site.post("/logout/", session), http.StatusFound, "/login/")
		for page.next() != "" {
			continue
		}
		time.Sleep(2 * streamWriteTimeout)
		r := httptest.NewRequest(http.MethodGet, "http://parley.example/login/", nil)
		if err := r.Write(page); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(page), r)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("got %v, %v", response, err)
		}
	})
}

// A slow form is cut, and so are endless headers.
func TestServerLimits(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *testSite, listener *pipeListener) {
		slow := listener.dial(t)
		defer slow.Close()
		start := time.Now()
		head := "POST /login/ HTTP/1.1\r\nHost: parley.example\r\nContent-Length: 100\r\n" +
			"Content-Type: application/x-www-form-urlencoded\r\n\r\nname="
		if _, err := slow.Write([]byte(head)); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(slow), nil)
		if err != nil || response.StatusCode != http.StatusBadRequest || time.Since(start) != formTimeout {
			t.Errorf("slow form: got %v, %v after %s", response, err, time.Since(start))
		}

		silent := listener.dial(t)
		defer silent.Close()
		start = time.Now()
		if _, err := silent.Write([]byte("GET /login/ HTTP/1.1\r\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := silent.Read(make([]byte, 1)); err == nil || time.Since(start) != readHeaderTimeout {
			t.Errorf("slow header: got %v after %s", err, time.Since(start))
		}

		endless := listener.dial(t)
		defer endless.Close()
		go func() {
			_, _ = endless.Write([]byte("GET /login/ HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 64<<10)))
		}()
		response, err = http.ReadResponse(bufio.NewReader(endless), nil)
		if err != nil || response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("large header: got %v, %v", response, err)
		}
	})
}

// A websocket gets through all that surrounds the socket's handler.
func TestWebsocketThroughSite(t *testing.T) {
	site := newTestSite(t, Config{})
	site.deps.Socket = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{}
		socket, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		defer socket.Close()
		_ = socket.WriteMessage(websocket.TextMessage, []byte(r.PathValue("room")))
	})
	server := httptest.NewServer(site)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	address := "ws" + strings.TrimPrefix(server.URL, "http") + "/ws/J%C3%BCrgen/"
	socket, response, err := websocket.DefaultDialer.DialContext(ctx, address, http.Header{"Accept-Encoding": {"gzip"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer socket.Close()
	if _, message, err := socket.ReadMessage(); err != nil || string(message) != "Jürgen" {
		t.Errorf("got %q, %v", message, err)
	}
}
