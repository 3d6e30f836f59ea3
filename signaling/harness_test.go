package signaling

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a hub behind an HTTP server.
type fixture struct {
	t        testing.TB
	hub      *Hub
	sessions *fakeSessions
	media    *fakeMedia
	presence *fakePresence
	configs  *fakeConfigs
	capacity *fakeCapacity
	dialer   websocket.Dialer
	base     string // ws://host
}

func newHub(t testing.TB, cfg Config) *fixture {
	f := &fixture{
		t: t, sessions: &fakeSessions{}, media: &fakeMedia{}, presence: &fakePresence{}, configs: &fakeConfigs{},
		capacity: &fakeCapacity{},
	}
	f.hub = New(cfg, Deps{
		Sessions: f.sessions, Media: f.media, Presence: f.presence, Renderer: fakeRenderer{}, RTCConfigs: f.configs,
		Capacity: f.capacity, Invites: fakeInvites{},
		OriginAllowed: func(r *http.Request) bool {
			origin := r.Header.Get("Origin")
			return origin == "" || origin == "http://"+r.Host
		},
	}, slog.New(slog.DiscardHandler))
	return f
}

func (f *fixture) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /ws/{room}/", f.hub)
	return mux
}

// newFixture serves on a real TCP socket.
func newFixture(t testing.TB, cfg Config) *fixture {
	f := newHub(t, cfg)
	serve(t, f)
	return f
}

func serve(t testing.TB, f *fixture) {
	server := httptest.NewUnstartedServer(f.handler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs the panic of an app
	server.Start()
	f.base = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := f.hub.Close(ctx); err != nil {
			t.Errorf("close the hub: %v", err)
		}
		server.Close()
		f.checkEmpty()
	})
}

func mustURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// newBubble serves inside a synctest bubble, over pipes. The caller calls stop before the bubble ends.
func newBubble(t testing.TB, cfg Config) (f *fixture, stop func()) {
	f = newHub(t, cfg)
	conns := make(chan net.Conn)
	closed := make(chan struct{})
	server := &http.Server{Handler: f.handler()}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(&pipeListener{conns: conns, closed: closed}) })
	f.base = "ws://bubble"
	f.dialer.NetDialContext = func(context.Context, string, string) (net.Conn, error) {
		mine, theirs := net.Pipe()
		select {
		case conns <- theirs:
			return mine, nil
		case <-closed:
			return nil, net.ErrClosed
		}
	}
	return f, func() {
		if err := f.hub.Close(context.Background()); err != nil {
			t.Errorf("close the hub: %v", err)
		}
		_ = server.Close()
		wg.Wait()
		f.checkEmpty()
	}
}

// checkEmpty looks for what sessions should have taken with them.
func (f *fixture) checkEmpty() {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	if len(f.hub.sessions)+len(f.hub.rooms)+len(f.hub.short) > 0 {
		f.t.Errorf("left behind: %d sessions, %d rooms, %d short names",
			len(f.hub.sessions), len(f.hub.rooms), len(f.hub.short))
	}
	f.hub.porch.mu.Lock()
	defer f.hub.porch.mu.Unlock()
	if n := len(f.hub.porch.doors); n > 0 {
		f.t.Errorf("somebody waits before %d rooms", n)
	}
	f.presence.mu.Lock()
	defer f.presence.mu.Unlock()
	if len(f.presence.there)+len(f.presence.bad) > 0 {
		f.t.Errorf("presence left: %v, nonsense: %v", f.presence.there, f.presence.bad)
	}
	f.media.mu.Lock()
	defer f.media.mu.Unlock()
	for _, p := range f.media.peers {
		if calls := p.log(); len(calls) == 0 || slices.Index(calls, "close") != len(calls)-1 {
			f.t.Errorf("peer %s in %s does not end with its one close: %q", p.id, p.room, calls)
		}
	}
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "bubble", Net: "pipe"} }

// eventually polls: the last resort where there is nothing to wait for.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// allAnnounced waits until no newcomer waits to be announced.
func (f *fixture) allAnnounced() {
	f.t.Helper()
	eventually(f.t, "all are announced", func() bool {
		f.hub.mu.Lock()
		defer f.hub.mu.Unlock()
		for _, r := range f.hub.rooms {
			r.mu.Lock()
			waiting := len(r.pending)
			r.mu.Unlock()
			if waiting > 0 {
				return false
			}
		}
		return true
	})
}
