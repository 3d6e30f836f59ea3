package turn

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	realm    = "parley.example"
	patience = 10 * time.Second // for anything that ought to happen
)

// media is announced and is no address of this machine: whatever reaches it has not gone over a network.
var media = netip.MustParseAddrPort("203.0.113.7:7000")

var media6 = netip.MustParseAddrPort("[2001:db8::7]:7001")

// fakeMedia stands for the SFU's media socket: it hands out what relays inject.
type fakeMedia struct {
	injected chan injected

	mu     sync.Mutex
	relays map[netip.AddrPort]func([]byte)
}

type injected struct {
	relay netip.AddrPort
	data  string
}

func newFakeMedia() *fakeMedia {
	return &fakeMedia{injected: make(chan injected, 1000), relays: make(map[netip.AddrPort]func([]byte))}
}

func (f *fakeMedia) Attach(relay netip.AddrPort, deliver func([]byte)) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.relays[relay] != nil {
		return nil, errors.New("taken")
	}
	f.relays[relay] = deliver
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.relays, relay)
	}, nil
}

func (f *fakeMedia) Inject(relay netip.AddrPort, packet []byte) {
	select {
	case f.injected <- injected{relay, string(packet)}:
	default:
	}
}

// send is the SFU writing to a relay.
func (f *fakeMedia) send(relay netip.AddrPort, data string) bool {
	f.mu.Lock()
	deliver := f.relays[relay]
	f.mu.Unlock()
	if deliver == nil {
		return false
	}
	deliver([]byte(data))
	return true
}

// next is what the SFU reads.
func (f *fakeMedia) next(t testing.TB) injected {
	t.Helper()
	select {
	case got := <-f.injected:
		return got
	case <-time.After(patience):
		t.Fatal("nothing reached the media socket")
		return injected{}
	}
}

// world is a server with everything that it asks, under the test's control.
type world struct {
	*Server
	media *fakeMedia
	addr  netip.AddrPort // of the server, UDP and TCP

	mu     sync.Mutex
	now    time.Time
	inCall map[string]bool
}

// start runs a server on 127.0.0.1 that announces media and media6, with changes to its configuration.
func start(t testing.TB, change func(*Config)) *world {
	t.Helper()
	conns, listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		media: newFakeMedia(), addr: addrPort(conns[0].LocalAddr()), now: time.Now(), inCall: make(map[string]bool),
	}
	cfg := Config{
		PacketConns: conns,
		Listeners:   []net.Listener{listener},
		Realm:       realm,
		Announced:   []netip.AddrPort{media, media6},
		Media:       w.media,
		Verify:      verify,
		InCall:      w.isInCall,
		Now:         w.clock,
	}
	if change != nil {
		change(&cfg)
	}
	if w.Server, err = New(cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.stop(t) })
	return w
}

func (w *world) stop(t testing.TB) {
	done := make(chan error, 1)
	go func() { done <- w.Close() }()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error("close:", err)
		}
	case <-time.After(patience):
		t.Error("close does not return")
	}
	w.media.mu.Lock()
	defer w.media.mu.Unlock()
	if n := len(w.media.relays); n > 0 {
		t.Errorf("%d relays stay attached", n)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) isInCall(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inCall[id]
}

func (w *world) call(id string, in bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inCall[id] = in
}

// user returns credentials' name for id, valid for a life.
func (w *world) user(id string, life time.Duration) string {
	return strconv.FormatInt(w.clock().Add(life).Unix(), 10) + ":" + id
}

func verify(username string) (id, password string, expires time.Time, err error) {
	digits, id, ok := strings.Cut(username, ":")
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return "", "", time.Time{}, errors.New("no credentials")
	}
	return id, passwordOf(username), time.Unix(seconds, 0), nil
}

func passwordOf(username string) string { return "secret of " + username }

// eventually waits for what nothing announces.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within time: ", what)
		}
	}
}
