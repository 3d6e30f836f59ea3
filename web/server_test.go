package web

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// closable is a connection that tells when its owner closed it.
type closable struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closable) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestSlowClients has clients take their time with all that a server waits for.
func TestSlowClients(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: x\r\n"
	for _, test := range []struct {
		about, send string
		drip        string // a byte of it each second
		reads       bool
		want        time.Duration
	}{
		{about: "says nothing", want: readHeaderTimeout},
		{about: "a header that never ends", send: request, drip: strings.Repeat("X-A: b\r\n", 100),
			reads: true, want: readHeaderTimeout},
		{
			about: "a body that never ends", send: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
			drip: strings.Repeat("a", 1000), reads: true, want: readTimeout,
		},
		{about: "reads nothing", send: request + "\r\n", want: writeTimeout},
		{about: "asks for nothing more", send: request + "\r\n", reads: true, want: idleTimeout},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = w.Write(make([]byte, 1<<20))
				})
				server := NewServer(handler, slog.New(slog.DiscardHandler))
				listener := newPipeListener()
				var wg sync.WaitGroup
				wg.Go(func() { _ = server.Serve(listener) })
				mine, theirs := net.Pipe()
				conn := &closable{Conn: theirs, closed: make(chan struct{})}
				listener.connections <- conn
				began := time.Now()
				wg.Go(func() {
					_, _ = io.WriteString(mine, test.send)
					for i := range len(test.drip) {
						time.Sleep(time.Second)
						if _, err := io.WriteString(mine, test.drip[i:i+1]); err != nil {
							return
						}
					}
				})
				if test.reads {
					wg.Go(func() { _, _ = io.Copy(io.Discard, mine) })
				}
				<-conn.closed
				if took := time.Since(began); took < test.want || took > test.want+time.Second {
					t.Errorf("cut off after %v", took)
				}
				_ = mine.Close()
				_ = server.Close()
				wg.Wait()
			})
		})
	}
}

func TestManyLogins(t *testing.T) {
	site := newTestSite(t, Config{})
	refused := 0
	site.deps.Logging = &turnstile{left: 2, retry: 1500 * time.Millisecond}
	site.deps.Refused = func(what Refused) {
		if what == RefusedLogin {
			refused++
		}
	}
	for range 2 {
		checkRedirect(t, site.post("/login/", nil, "screen_name", "Ann", "name", "Ann Smith"), http.StatusFound, "/")
	}
	w := site.post("/login/", nil, "screen_name", "Bob", "name", "Bob Miller", "next", "/r/red/")
	checkPage(t, w, http.StatusTooManyRequests, "Many people have logged in from your network just now",
		"in 2 seconds", `value="Bob"`, `value="Bob Miller"`, `value="/r/red/"`)
	if after := w.Header().Get("Retry-After"); after != "2" || refused != 1 {
		t.Errorf("again after %q, %d refused", after, refused)
	}
	if _, there := site.store.users["Bob Miller"]; there {
		t.Error("a user was made")
	}
}

func TestManyLobbiesOfAnAddress(t *testing.T) {
	site := newTestSite(t, Config{})
	site.deps.Waiting = &turnstile{retry: 9 * time.Second}
	w := site.get("/rooms/", site.session(t))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "9" {
		t.Errorf("answered %d, %q", w.Code, w.Header())
	}
}

// turnstile lets so many in.
type turnstile struct {
	left  int
	retry time.Duration
}

func (s *turnstile) Come(string, time.Time) (time.Duration, bool) {
	s.left--
	return s.retry, s.left >= 0
}

func (s *turnstile) Go(string, time.Time) {}
