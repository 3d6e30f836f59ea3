package address

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what a watcher asks, under the test's control.
type world struct {
	t *testing.T

	mu      sync.Mutex
	own     []Own
	failing error                             // of the list of interfaces
	names   map[string][]netip.Addr           // what a resolver knows
	public  map[netip.AddrPort]netip.AddrPort // by server; one that is missing does not answer
	asked   []netip.AddrPort
	log     bytes.Buffer

	told []string // what the watcher told, owned by its goroutine until it waits
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) sources() Sources {
	return Sources{
		Machine: func() ([]Own, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.own, w.failing
		},
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if addrs := w.names[host]; len(addrs) > 0 {
				return addrs, nil
			}
			return nil, errors.New("no such host")
		},
		Ask: func(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
			w.mu.Lock()
			w.asked = append(w.asked, server)
			public, ok := w.public[server]
			w.mu.Unlock()
			if !ok {
				<-ctx.Done()
				return netip.AddrPort{}, ctx.Err()
			}
			return public, nil
		},
	}
}

// Write makes it what is logged to.
func (w *world) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.log.Reset()
	return w.log.String()
}

// watch finds the addresses and starts to watch; both are checked against what is wanted.
func (w *world) watch(cfg Config, want string) *Watcher {
	w.t.Helper()
	watcher := New(cfg, w.sources(), slog.New(slog.NewTextHandler(w, nil)))
	found, err := watcher.Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if got := text(found.Announced); got != want {
		w.t.Errorf("found %s, want %s", got, want)
	}
	watcher.Start(func(a Addresses) { w.told = append(w.told, text(a.Announced)+" on "+text(a.Machine)) })
	return watcher
}

// after lets time pass, and wants to have been told that, or nothing if it is empty.
func (w *world) after(d time.Duration, want ...string) {
	w.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	if !slices.Equal(w.told, want) {
		w.t.Errorf("told %q, want %q", w.told, want)
	}
	w.told = nil
}

func text[T any](list []T) string { return strings.Trim(fmt.Sprint(list), "[]") }

func at(addr string) netip.AddrPort { return netip.MustParseAddrPort(addr) }

func TestInterfacesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, own: own(t, "lo 127.0.0.1", "eth0 203.0.113.7")}
		watcher := w.watch(Config{Port: 7000}, "203.0.113.7:7000")
		defer watcher.Close()
		w.after(time.Hour)

		w.set(func() { w.own = own(t, "lo 127.0.0.1", "eth0 203.0.113.8", "eth0 2001:db8::8") })
		w.after(lookEvery, "203.0.113.8:7000 [2001:db8::8]:7000 on 127.0.0.1 203.0.113.8 2001:db8::8")
		if log := w.logged(); !strings.Contains(log, "level=INFO") || !strings.Contains(log, "203.0.113.8:7000") ||
			!strings.Contains(log, "203.0.113.7:7000") {
			t.Errorf("logged %q", log)
		}

		// Docker is no address to announce, but one to answer on.
		w.set(func() { w.own = own(t, "lo 127.0.0.1", "eth0 203.0.113.8", "docker0 172.17.0.1") })
		w.after(lookEvery, "203.0.113.8:7000 on 127.0.0.1 172.17.0.1 203.0.113.8")

		w.set(func() { w.own = own(t, "lo 127.0.0.1") })
		w.after(lookEvery, "127.0.0.1:7000 on 127.0.0.1")

		// Nothing at all is no news.
		w.set(func() { w.own = nil })
		w.after(time.Minute)

		w.logged()
		w.set(func() { w.failing = errors.New("no interfaces") })
		w.after(time.Minute)
		if log := w.logged(); strings.Count(log, "no interfaces") != 1 {
			t.Errorf("logged %q", log)
		}
		w.set(func() { w.own, w.failing = own(t, "eth0 203.0.113.9"), nil })
		w.after(lookEvery, "203.0.113.9:7000 on 203.0.113.9")

		watcher.Close()
		w.set(func() { w.own = own(t, "eth0 203.0.113.10") })
		w.after(time.Hour)
	})
}

func TestPublicAddressChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := at("198.51.100.1:3478")
		w := &world{
			t: t, own: own(t, "lo 127.0.0.1", "eth0 10.0.0.5"),
			names:  map[string][]netip.Addr{"stun.example": {server.Addr()}},
			public: map[netip.AddrPort]netip.AddrPort{server: at("203.0.113.7:7000")},
		}
		watcher := w.watch(Config{Port: 7000, STUN: "stun.example:3478"}, "203.0.113.7:7000 10.0.0.5:7000")
		defer watcher.Close()
		w.after(10 * time.Minute)
		// Often enough for a NAT that forgets after 30 s.
		if n := len(w.asked); n < 1+10*60/30 || n > 1+10*60/20 {
			t.Errorf("asked %d times in 10 minutes", n)
		}

		w.set(func() { w.public[server] = at("203.0.113.8:7000") })
		w.after(askEvery, "203.0.113.8:7000 10.0.0.5:7000 on 10.0.0.5 127.0.0.1")

		// A NAT that maps the port too: others may get through to either.
		w.set(func() { w.public[server] = at("203.0.113.8:17000") })
		w.after(askEvery, "203.0.113.8:17000 203.0.113.8:7000 10.0.0.5:7000 on 10.0.0.5 127.0.0.1")

		// No answer is no news, and one line in the log, however long it lasts.
		w.logged()
		w.set(func() { delete(w.public, server) })
		w.after(10 * time.Minute)
		if log := w.logged(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "stun.example:3478") {
			t.Errorf("logged %q", log)
		}
		// It has moved.
		moved := at("198.51.100.2:3478")
		w.set(func() {
			w.names["stun.example"] = []netip.Addr{moved.Addr()}
			w.public[moved] = at("203.0.113.9:7000")
		})
		w.after(askEvery+askWithin, "203.0.113.9:7000 10.0.0.5:7000 on 10.0.0.5 127.0.0.1")
		if log := w.logged(); !strings.Contains(log, "public address found") {
			t.Errorf("logged %q", log)
		}
		// Another address of our own may mean another way out: it is asked at once.
		w.set(func() {
			w.own = own(t, "eth0 10.0.1.5")
			w.public[moved] = at("203.0.113.10:7000")
		})
		w.after(lookEvery, "203.0.113.10:7000 10.0.1.5:7000 on 10.0.1.5")
	})
}

// Each family has its own public address. A server that still is in the answer of the resolver stays the one.
func TestPublicAddressOfEachFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server4, server6 := at("198.51.100.1:3478"), at("[2001:db8:5::1]:3478")
		other := at("198.51.100.2:3478")
		w := &world{
			t: t, own: own(t, "eth0 10.0.0.5", "eth0 2001:db8::5"),
			names: map[string][]netip.Addr{"stun.example": {server6.Addr(), server4.Addr()}},
			public: map[netip.AddrPort]netip.AddrPort{
				server4: at("203.0.113.7:7000"), server6: at("[2001:db8::5]:7000"), other: at("203.0.113.66:66"),
			},
		}
		watcher := w.watch(Config{Port: 7000, STUN: "stun.example:3478"},
			"203.0.113.7:7000 [2001:db8::5]:7000 10.0.0.5:7000")
		defer watcher.Close()
		w.set(func() {
			delete(w.public, server6)
			w.names["stun.example"] = []netip.Addr{other.Addr(), server4.Addr(), server6.Addr()}
		})
		w.after(10 * time.Minute) // the one of IPv4 is heard, the other's word holds
		if slices.Contains(w.asked, other) {
			t.Error("another server was asked")
		}
	})
}

func TestFind(t *testing.T) {
	machine := []string{"lo 127.0.0.1", "lo ::1", "eth0 10.0.0.5", "eth0 2001:db8::5", "docker0 172.17.0.1"}
	server := at("198.51.100.1:3478")
	for _, test := range []struct {
		name, want string
		cfg        Config
		machine    []string
	}{
		{"the machine's own", "10.0.0.5:7000 [2001:db8::5]:7000", Config{}, machine},
		{"pages for this machine only", "10.0.0.5:7000 [2001:db8::5]:7000 127.0.0.1:7000", Config{Loopback: true}, machine},
		{"nothing else", "127.0.0.1:7000", Config{}, machine[:2]},
		{"configured", "203.0.113.5:7000 10.0.0.5:17000", Config{
			Fixed: []netip.AddrPort{at("203.0.113.5:0"), at("10.0.0.5:17000"), at("203.0.113.5:7000")},
		}, machine},
		{"configured, and by STUN", "203.0.113.5:7000 203.0.113.9:9 203.0.113.9:7000", Config{
			Fixed: []netip.AddrPort{at("203.0.113.5:0")}, STUN: "198.51.100.1:3478",
		}, machine},
		{"one address", "172.17.0.1:7000", Config{Listen: netip.MustParseAddr("172.17.0.1"), Loopback: true}, machine},
		{"one address, by STUN", "203.0.113.9:9 203.0.113.9:7000 10.0.0.5:7000", Config{
			Listen: netip.MustParseAddr("10.0.0.5"), STUN: "198.51.100.1:3478",
		}, nil},
		{"IPv4", "10.0.0.5:7000", Config{Listen: netip.IPv4Unspecified()}, machine},
		{"all", "10.0.0.5:7000 [2001:db8::5]:7000", Config{Listen: netip.IPv6Unspecified()}, machine},
		{"a silent server", "10.0.0.5:7000 [2001:db8::5]:7000", Config{STUN: "198.51.100.2:3478"}, machine},
		{"an unknown server", "10.0.0.5:7000 [2001:db8::5]:7000", Config{STUN: "stun.example:3478"}, machine},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{
				t: t, own: own(t, test.machine...),
				names: map[string][]netip.Addr{
					"198.51.100.1": {server.Addr()}, "198.51.100.2": {server.Addr().Next()},
				},
				public: map[netip.AddrPort]netip.AddrPort{server: at("203.0.113.9:9")},
			}
			test.cfg.Port = 7000
			began := time.Now()
			found, err := New(test.cfg, w.sources(), slog.New(slog.DiscardHandler)).Find(t.Context())
			if got := text(found.Announced); err != nil || got != test.want {
				t.Errorf("%s: %s, %v, want %s", test.name, got, err, test.want)
			}
			if took := time.Since(began); took > askWithin {
				t.Errorf("%s: took %v", test.name, took)
			}
		})
	}
}

func TestFindFails(t *testing.T) {
	broken := errors.New("no interfaces")
	for _, test := range []struct {
		name string
		w    *world
		err  error // nil: any
	}{
		{"nothing there", &world{}, nil},
		{"cannot be listed", &world{failing: broken}, broken},
	} {
		test.w.t = t
		_, err := New(Config{Port: 7000}, test.w.sources(), slog.New(slog.DiscardHandler)).Find(t.Context())
		if err == nil || test.err != nil && !errors.Is(err, test.err) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := &world{t: t, own: own(t, "eth0 10.0.0.5"), names: map[string][]netip.Addr{"a": {netip.MustParseAddr("10.0.0.1")}}}
	_, err := New(Config{Port: 7000, STUN: "a:1"}, w.sources(), slog.New(slog.DiscardHandler)).Find(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// Close does not wait for a server that does not answer, and works without Start.
func TestCloseWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, own: own(t, "eth0 10.0.0.5"),
			names: map[string][]netip.Addr{"a": {netip.MustParseAddr("10.0.0.1")}},
		}
		watcher := w.watch(Config{Port: 7000, STUN: "a:1"}, "10.0.0.5:7000")
		time.Sleep(askEvery)
		synctest.Wait()
		began := time.Now()
		watcher.Close()
		if took := time.Since(began); took > 0 {
			t.Errorf("took %v", took)
		}
		New(Config{}, w.sources(), slog.New(slog.DiscardHandler)).Close()
	})
}

// The real resolver and the real interfaces.
func TestDefaults(t *testing.T) {
	server := at("127.0.0.1:3478")
	watcher := New(Config{Port: 7000, STUN: "127.0.0.1:3478", Loopback: true}, Sources{
		Ask: func(_ context.Context, asked netip.AddrPort) (netip.AddrPort, error) {
			if asked != server {
				return netip.AddrPort{}, fmt.Errorf("asked %v", asked)
			}
			return at("203.0.113.9:9"), nil
		},
	}, slog.New(slog.DiscardHandler))
	found, err := watcher.Find(t.Context())
	if err != nil || found.Announced[0] != at("203.0.113.9:9") ||
		!slices.Contains(found.Announced, at("127.0.0.1:7000")) ||
		!slices.Contains(found.Machine, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("%+v, %v", found, err)
	}
}
