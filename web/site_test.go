package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/auth"
	"parley/signaling/protocol"
)

// memoryStore is everything that the site wants kept.
type memoryStore struct {
	changes chan struct{}

	mu       sync.Mutex
	users    map[string]auth.User // guarded by mu
	revoked  map[string]bool      // guarded by mu
	rooms    []protocol.Room      // guarded by mu
	watchers int                  // guarded by mu
	err      error                // guarded by mu; what Get and Revoke fail with
}

func newMemoryStore() *memoryStore {
	return &memoryStore{
		changes: make(chan struct{}, 1), users: map[string]auth.User{}, revoked: map[string]bool{},
	}
}

func (m *memoryStore) Create(_ context.Context, user auth.User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[user.Name] = user
	return nil
}

func (m *memoryStore) Get(_ context.Context, name string) (auth.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if user, ok := m.users[name]; ok || m.err != nil {
		return user, m.err
	}
	return auth.User{}, auth.ErrNoUser
}

func (m *memoryStore) Revoke(_ context.Context, sessionID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.revoked[sessionID] = m.err == nil
	return m.err
}

func (m *memoryStore) Revoked(sessionID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revoked[sessionID]
}

func (m *memoryStore) Rooms() []protocol.Room {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.rooms)
}

func (m *memoryStore) Watch() (<-chan struct{}, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers++
	return m.changes, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.watchers--
	}
}

func (m *memoryStore) setRooms(rooms ...protocol.Room) {
	m.mu.Lock()
	m.rooms = rooms
	m.mu.Unlock()
	select {
	case m.changes <- struct{}{}:
	default:
	}
}

func (m *memoryStore) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// testSite is a site with what it stands on.
type testSite struct {
	*Site
	store    *memoryStore
	sessions *auth.Sessions
}

// socketStub answers for the socket: with the room that it was told.
func socketStub(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusTeapot)
	_, _ = io.WriteString(w, "socket of "+r.PathValue("room"))
}

func newTestSite(t testing.TB, cfg Config) *testSite {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	site := makeTestSite(t, cfg)
	t.Cleanup(site.Close)
	return site
}

func makeTestSite(t testing.TB, cfg Config) *testSite {
	t.Helper()
	store := newMemoryStore()
	keyFile := filepath.Join(t.TempDir(), "session.key")
	sessions, err := auth.NewSessions(auth.SessionConfig{KeyFile: keyFile, Lifetime: time.Hour}, store)
	if err != nil {
		t.Fatal(err)
	}
	deps := Deps{
		Door: new(auth.Door), Logins: auth.NewLogins(store), Sessions: sessions, Rooms: store,
		Socket:   http.HandlerFunc(socketStub),
		Operator: auth.NewOperator(operatorToken, time.Hour, store), Admin: &fakeAdmin{},
	}
	site, err := New(cfg, deps, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &testSite{Site: site, store: store, sessions: sessions}
}

// session returns the cookie of somebody who is logged in.
func (s *testSite) session(t testing.TB) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/login/", nil)
	if err := s.sessions.Begin(w, r, auth.User{Name: "Ann Smith", ScreenName: "Ann"}); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func (s *testSite) do(r *http.Request, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *testSite) get(target string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest(http.MethodGet, target, nil), cookies...)
}

// post sends a form: names and values in turn.
func (s *testSite) post(target string, cookie *http.Cookie, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return s.do(r)
}

func checkRedirect(t *testing.T, w *httptest.ResponseRecorder, status int, location string) {
	t.Helper()
	if w.Code != status || w.Header().Get("Location") != location {
		t.Errorf("got %d to %q, want %d to %q", w.Code, w.Header().Get("Location"), status, location)
	}
}

func checkPage(t *testing.T, w *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != htmlType {
		t.Errorf("got %d, %q; want %d", w.Code, w.Header().Get("Content-Type"), status)
	}
	for _, part := range parts {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("no %q in %s", part, w.Body)
		}
	}
}
