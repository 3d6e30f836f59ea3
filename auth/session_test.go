package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type memoryRevocations struct {
	err error

	mu      sync.Mutex
	revoked map[string]bool // guarded by mu
}

func (m *memoryRevocations) Revoke(_ context.Context, sessionID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if m.revoked == nil {
		m.revoked = map[string]bool{}
	}
	m.revoked[sessionID] = true
	return nil
}

func (m *memoryRevocations) Revoked(sessionID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revoked[sessionID]
}

var ann = User{Name: "Ann Smith", ScreenName: "Ann"}

func newTestSessions(t testing.TB, cfg SessionConfig, revocations Revocations) *Sessions {
	t.Helper()
	if cfg.KeyFile == "" {
		cfg.KeyFile = filepath.Join(t.TempDir(), "session.key")
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = time.Hour
	}
	sessions, err := NewSessions(cfg, revocations)
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}

// begin logs u in and returns the cookie that the browser got.
func begin(t testing.TB, sessions *Sessions, u User) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := sessions.Begin(w, requestWith(), u); err != nil {
		t.Fatal(err)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("got cookies %v", cookies)
	}
	return cookies[0]
}

func requestWith(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	return r
}

func TestSession(t *testing.T) {
	sessions := newTestSessions(t, SessionConfig{}, &memoryRevocations{})
	first, second := begin(t, sessions, ann), begin(t, sessions, ann)

	identity, ok := sessions.Identify(requestWith(first))
	if !ok || identity.User != ann || identity.SessionID == "" {
		t.Fatalf("got %+v, %t", identity, ok)
	}
	other, ok := sessions.Identify(requestWith(second))
	if !ok || other.SessionID == identity.SessionID {
		t.Errorf("two log-ins share a session: %+v, %t", other, ok)
	}
	if _, ok := sessions.Identify(requestWith()); ok {
		t.Error("nobody was identified")
	}
	forged := &http.Cookie{Name: first.Name, Value: "x" + first.Value}
	if identity, ok := sessions.Identify(requestWith(forged, first)); !ok || identity.User != ann {
		t.Error("a planted cookie hides the real one")
	}
	if strings.Contains(first.Value, "Ann") {
		t.Error("the cookie shows the name")
	}
}

func TestCookieAttributes(t *testing.T) {
	sessions := newTestSessions(t, SessionConfig{}, &memoryRevocations{})
	for _, secure := range []bool{false, true} {
		r := requestWith()
		if secure {
			r.TLS = new(tls.ConnectionState)
		}
		w := httptest.NewRecorder()
		if err := sessions.Begin(w, r, ann); err != nil {
			t.Fatal(err)
		}
		cookie := w.Result().Cookies()[0]
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("got %s", cookie)
		}
		if cookie.Secure != secure || strings.HasPrefix(cookie.Name, "__Host-") != secure {
			t.Errorf("secure %t: got %s", secure, cookie)
		}
		if cookie.MaxAge != 3600 {
			t.Errorf("kept for %d s", cookie.MaxAge)
		}
		r.AddCookie(cookie)
		if _, ok := sessions.Identify(r); !ok {
			t.Errorf("secure %t: not identified", secure)
		}
		if r = requestWith(cookie); secure {
			if _, ok := sessions.Identify(r); ok {
				t.Error("a cookie for TLS counts without")
			}
		}
	}
}

func TestForgedCookies(t *testing.T) {
	sessions := newTestSessions(t, SessionConfig{}, &memoryRevocations{})
	stranger := newTestSessions(t, SessionConfig{}, &memoryRevocations{})
	cookie := begin(t, sessions, ann)
	middle := len(cookie.Value) / 2
	changed := "A"
	if cookie.Value[middle:middle+1] == changed {
		changed = "B"
	}
	noID, err := sessions.codec.Encode(cookie.Name, session{User: ann, Expires: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	for about, value := range map[string]string{
		"empty":           "",
		"junk":            "junk",
		"cut":             cookie.Value[:len(cookie.Value)-4],
		"one byte":        cookie.Value[:middle] + changed + cookie.Value[middle+1:],
		"another key":     begin(t, stranger, ann).Value,
		"huge":            strings.Repeat("A", 1<<16),
		"no session id":   noID,
		"without its tag": strings.Repeat("A", 64),
	} {
		if identity, ok := sessions.Identify(requestWith(&http.Cookie{Name: cookie.Name, Value: value})); ok {
			t.Errorf("%s: identified %+v", about, identity)
		}
	}
	if _, ok := sessions.Identify(requestWith(&http.Cookie{Name: "other", Value: cookie.Value})); ok {
		t.Error("a cookie of another name counts")
	}
}

func TestEnd(t *testing.T) {
	revocations := &memoryRevocations{}
	sessions := newTestSessions(t, SessionConfig{}, revocations)
	cookie, other := begin(t, sessions, ann), begin(t, sessions, ann)

	w := httptest.NewRecorder()
	if err := sessions.End(w, requestWith(&http.Cookie{Name: cookie.Name, Value: "junk"}, cookie)); err != nil {
		t.Fatal(err)
	}
	gone := w.Result().Cookies()
	if len(gone) != 1 || gone[0].Name != cookie.Name || gone[0].MaxAge != -1 || gone[0].Path != "/" {
		t.Errorf("got %v", gone)
	}
	if _, ok := sessions.Identify(requestWith(cookie)); ok {
		t.Error("a replayed cookie is accepted")
	}
	if _, ok := sessions.Identify(requestWith(other)); !ok {
		t.Error("the other session ended too")
	}
	if err := sessions.End(httptest.NewRecorder(), requestWith()); err != nil {
		t.Errorf("nothing to end: %v", err)
	}

	revocations.err = errors.New("no answer")
	w = httptest.NewRecorder()
	if err := sessions.End(w, requestWith(other)); !errors.Is(err, revocations.err) {
		t.Errorf("got %v", err)
	}
	if len(w.Result().Cookies()) != 1 {
		t.Error("the cookie stayed")
	}
}

func TestSessionExpires(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session.key")
	synctest.Test(t, func(t *testing.T) {
		sessions := newTestSessions(t, SessionConfig{KeyFile: file, Lifetime: time.Hour}, &memoryRevocations{})
		cookie := begin(t, sessions, ann)
		time.Sleep(time.Hour - time.Second)
		if _, ok := sessions.Identify(requestWith(cookie)); !ok {
			t.Error("ended early")
		}
		time.Sleep(time.Second)
		if _, ok := sessions.Identify(requestWith(cookie)); ok {
			t.Error("outlived its life")
		}
	})
}

func TestSessionSurvivesRestart(t *testing.T) {
	cfg := SessionConfig{KeyFile: filepath.Join(t.TempDir(), "session.key")}
	cookie := begin(t, newTestSessions(t, cfg, &memoryRevocations{}), ann)
	if identity, ok := newTestSessions(t, cfg, &memoryRevocations{}).Identify(requestWith(cookie)); !ok ||
		identity.User != ann {
		t.Errorf("got %+v, %t", identity, ok)
	}
}

func TestNewSessionsRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session.key")
	if _, err := NewSessions(SessionConfig{KeyFile: file}, &memoryRevocations{}); !errors.Is(err, ErrSessionConfig) {
		t.Errorf("no lifetime: %v", err)
	}
	nowhere := filepath.Join(t.TempDir(), "missing", "session.key")
	if _, err := NewSessions(SessionConfig{KeyFile: nowhere, Lifetime: time.Hour}, &memoryRevocations{}); err == nil {
		t.Error("a key in a missing directory")
	}
}

func TestBeginTooLarge(t *testing.T) {
	sessions := newTestSessions(t, SessionConfig{}, &memoryRevocations{})
	w := httptest.NewRecorder()
	if err := sessions.Begin(w, requestWith(), User{Name: strings.Repeat("x", 8192)}); err == nil {
		t.Error("a cookie that no browser keeps")
	}
	if len(w.Result().Cookies()) != 0 {
		t.Error("a cookie was set")
	}
}

func FuzzIdentify(f *testing.F) {
	sessions := newTestSessions(f, SessionConfig{}, &memoryRevocations{})
	valid := begin(f, sessions, ann).Value
	f.Add(valid)
	f.Add("")
	f.Add(valid[:20])
	f.Add("MTIzfGFiY3w=")
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookieName+"="+value)
		identity, ok := sessions.Identify(r)
		if ok && identity.User != ann {
			t.Errorf("%q identified %+v", value, identity)
		}
	})
}
