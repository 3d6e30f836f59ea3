package signaling

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

func TestUpgradeIsRefusedInOrder(t *testing.T) {
	f := newFixture(t, Config{})
	for _, tt := range []struct {
		name, path string
		session    string
		origin     string
		want       int
	}{
		{"malformed room first", "/ws/bad%20room/", "", "http://elsewhere", 404},
		{"room too long", "/ws/" + strings.Repeat("x", 65) + "/", "ann", "", 404},
		{"then the session", "/ws/lobby/", "", "http://elsewhere", 401},
		{"then the origin", "/ws/lobby/", "ann", "http://elsewhere", 403},
		{"opaque origin", "/ws/lobby/", "ann", "null", 403},
		{"no origin", "/ws/lobby/", "ann", "", 101},
		{"own origin", "/ws/lobby/", "ann", "http" + strings.TrimPrefix(f.base, "ws"), 101},
		{"letters of any script", "/ws/%E4%BC%9A%E8%AD%B0-1_/", "ann", "", 101},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := http.Header{}
			if tt.session != "" {
				head.Set(sessionHeader, tt.session)
			}
			if tt.origin != "" {
				head.Set("Origin", tt.origin)
			}
			conn, resp, err := f.dialer.Dial(f.base+tt.path, head)
			if err == nil {
				_ = conn.Close()
			}
			if resp == nil || resp.StatusCode != tt.want {
				t.Fatalf("got %v (%v), want %d", resp, err, tt.want)
			}
		})
	}
	resp, err := http.DefaultClient.Do(&http.Request{
		Method: http.MethodGet, URL: mustURL(t, "http"+strings.TrimPrefix(f.base, "ws")+"/ws/lobby/"), Header: header("ann"),
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a plain GET got %d, want 400", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestGreeting(t *testing.T) {
	f := newFixture(t, Config{})
	names := map[string]bool{}
	for range 50 {
		c := f.open("ann") // connect, then html with the header
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{22,48}$`).MatchString(c.id()) {
			t.Fatalf("channel name %q", c.id())
		}
		if names[protocol.ShortName(c.id())] {
			t.Fatalf("short name of %q twice", c.id())
		}
		names[protocol.ShortName(c.id())] = true
		servers := c.connect.RTCConfig.ICEServers
		if len(servers) != 1 || !strings.HasSuffix(servers[0].Username, ":"+c.id()) {
			t.Fatalf("rtc_config %+v is not for %s", c.connect.RTCConfig, c.id())
		}
	}
}

func TestLogOutClosesTheSockets(t *testing.T) {
	f := newFixture(t, Config{})
	one, two, other := f.open("ann"), f.open("ann"), f.open("bob")
	other.join("red")
	one.join("red")
	other.sees(one)
	f.hub.EndSession("ann")
	other.misses(one)
	if a, b := one.closedWith(), two.closedWith(); a != websocket.ClosePolicyViolation || b != a {
		t.Errorf("closed with %d and %d", a, b)
	}
	other.nothing()
}

func TestLogOutDuringTheUpgrade(t *testing.T) {
	f := newHub(t, Config{})
	// The session is revoked after it was identified and before the socket is registered.
	f.hub.deps.OriginAllowed = func(r *http.Request) bool {
		f.sessions.revoke(r.Header.Get(sessionHeader))
		f.hub.EndSession(r.Header.Get(sessionHeader))
		return true
	}
	serve(t, f)
	if code := f.dial("ann").closedWith(); code != websocket.ClosePolicyViolation {
		t.Errorf("closed with %d", code)
	}
}

func TestCloseEndsEverySession(t *testing.T) {
	f := newFixture(t, Config{})
	clients := []*testClient{f.open("ann"), f.open("bob"), f.open("cid")}
	clients[0].join("red")
	clients[1].join("red")
	if err := f.hub.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		if code := c.closedWith(); code != websocket.CloseGoingAway {
			t.Errorf("closed with %d", code)
		}
	}
	_, resp, err := f.dialer.Dial(f.base+"/ws/lobby/", header("ann"))
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a stopped hub answers %v, %v", resp, err)
	}
}

func TestCloseDoesNotWaitForever(t *testing.T) {
	f := newFixture(t, Config{})
	conn, _, err := f.dialer.Dial(f.base+"/ws/lobby/", header("ann")) // nobody reads: no close handshake
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := f.hub.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > closeGrace {
		t.Errorf("took %v", took)
	}
}
