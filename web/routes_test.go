package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

func TestRedirects(t *testing.T) {
	site := newTestSite(t, Config{})
	session := site.session(t)
	tests := []struct {
		target   string
		loggedIn bool
		status   int
		location string
	}{
		{"/", false, http.StatusFound, "/login/?next=/"},
		{"/?a=b&c", false, http.StatusFound, "/login/?next=/%3Fa%3Db%26c"},
		{"/r/standup/", false, http.StatusFound, "/login/?next=/r/standup/"},
		{"/?" + strings.Repeat("a", maxNext), false, http.StatusFound, "/login/"},
		{"/r/J%C3%BCrgen/", false, http.StatusFound, "/login/?next=/r/J%25C3%25BCrgen/"},

		{"/diagnostics/", false, http.StatusFound, "/login/?next=/diagnostics/"},
		{"/diagnostics", false, http.StatusMovedPermanently, "/diagnostics/"},
		{"/login", false, http.StatusMovedPermanently, "/login/"},
		{"/rooms", false, http.StatusMovedPermanently, "/rooms/"},
		{"/r/standup", false, http.StatusMovedPermanently, "/r/standup/"},
		{"/r/J%C3%BCrgen?a=b", false, http.StatusMovedPermanently, "/r/J%C3%BCrgen/?a=b"},
		{"/ws/standup", false, http.StatusMovedPermanently, "/ws/standup/"},

		{"/r/Ju%CC%88rgen/", false, http.StatusMovedPermanently, "/r/J%C3%BCrgen/"},
		{"/r/Ju%CC%88rgen/", true, http.StatusMovedPermanently, "/r/J%C3%BCrgen/"},

		{"/login/", true, http.StatusFound, "/"},
		{"/login/?next=/r/standup/", true, http.StatusFound, "/r/standup/"},
		{"/login/?next=//evil.example", true, http.StatusFound, "/"},
	}
	for _, test := range tests {
		r := httptest.NewRequest(http.MethodGet, test.target, nil)
		if test.loggedIn {
			r.AddCookie(session)
		}
		w := site.do(r)
		if w.Code != test.status || w.Header().Get("Location") != test.location {
			t.Errorf("%s: got %d to %q, want %d to %q",
				test.target, w.Code, w.Header().Get("Location"), test.status, test.location)
		}
	}
}

func TestNothingThere(t *testing.T) {
	site := newTestSite(t, Config{})
	session := site.session(t)
	for _, target := range []string{
		"/nowhere", "/r", "/r/", "/r//", "/ws", "//evil.example/", "//evil.example", "/r/a%20b/", "/r/a.b/",
		"/r/a%2Fb/", "/r/%ff/", "/r/" + strings.Repeat("a", 65) + "/",
		"/static/", "/static/x", "/ws/", "/login/more/", "/favicon.ico",
	} {
		checkPage(t, site.get(target), http.StatusNotFound, "404 Not Found", `href="/"`)
		checkPage(t, site.get(target, session), http.StatusNotFound, "404 Not Found")
	}
}

func TestMethodNotAllowed(t *testing.T) {
	site := newTestSite(t, Config{})
	w := site.get("/logout/")
	checkPage(t, w, http.StatusMethodNotAllowed, "405 Method Not Allowed")
	if got := w.Header().Get("Allow"); got != "POST" {
		t.Errorf("allows %q", got)
	}
	checkPage(t, site.post("/r/standup/", nil), http.StatusMethodNotAllowed)
}

func TestHead(t *testing.T) {
	site := newTestSite(t, Config{})
	for _, target := range []string{"/", "/r/standup/", site.assets.path("css/base.css")} {
		w := site.do(httptest.NewRequest(http.MethodHead, target, nil), site.session(t))
		if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
			t.Errorf("%s: got %d, %v, %q", target, w.Code, w.Header(), w.Body)
		}
	}
}

// The socket answers for itself: whatever the name, whoever asks.
func TestSocketPassesThrough(t *testing.T) {
	site := newTestSite(t, Config{})
	for target, room := range map[string]string{
		"/ws/standup/":      "standup",
		"/ws/J%C3%BCrgen/":  "Jürgen",
		"/ws/Ju%CC%88rgen/": "Ju\u0308rgen",
		"/ws/a.b/":          "a.b",
		"/ws/%ff/":          "\xff",
	} {
		w := site.get(target)
		if w.Code != http.StatusTeapot || w.Body.String() != "socket of "+room {
			t.Errorf("%s: got %d %q", target, w.Code, w.Body)
		}
	}
}

func TestPanicIsAnError(t *testing.T) {
	site := newTestSite(t, Config{})
	site.deps.Socket = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") })
	w := site.get("/ws/standup/")
	checkPage(t, w, http.StatusInternalServerError, "500 Internal Server Error")
	if strings.Contains(w.Body.String(), "oops") {
		t.Error("the cause is shown")
	}

	site.deps.Socket = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic(errors.New("oops"))
	})
	if got := site.get("/ws/standup/").Body.String(); got != "half" {
		t.Errorf("got %q", got)
	}

	site.deps.Socket = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // the value itself is the signal
			t.Error("an abort was swallowed")
		}
	}()
	site.get("/ws/standup/")
}

func TestGinIsQuiet(t *testing.T) {
	newTestSite(t, Config{})
	if gin.Mode() != gin.ReleaseMode {
		t.Errorf("mode %q", gin.Mode())
	}
}
