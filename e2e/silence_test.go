package e2e

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/webrtc/v4"

	"parley/signaling/client"
)

// network is what a client's packets and bytes go through; it can be lost, without a word to anybody.
type network struct {
	mu     sync.Mutex
	socket chan struct{} // guarded by mu: nil, or closed when the websocket's bytes may go on
	media  bool          // guarded by mu: datagrams vanish
}

func (n *network) loseMedia(lost bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.media = lost
}

func (n *network) mediaLost() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.media
}

func (n *network) loseSocket(lost bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if lost && n.socket == nil {
		n.socket = make(chan struct{})
	} else if !lost && n.socket != nil {
		close(n.socket)
		n.socket = nil
	}
}

// pass waits until the websocket's bytes may go, or the connection is closed.
func (n *network) pass(closed <-chan struct{}) {
	n.mu.Lock()
	socket := n.socket
	n.mu.Unlock()
	if socket != nil {
		select {
		case <-socket:
		case <-closed:
		}
	}
}

func (n *network) options() client.Options {
	options := everything()
	options.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &lossyConn{Conn: conn, network: n, closed: make(chan struct{})}, err
	}
	options.Settings = func(settings *webrtc.SettingEngine) {
		std, err := stdnet.NewNet()
		if err == nil {
			settings.SetNet(&lossyNet{std, n})
		}
	}
	return options
}

// lossyConn is the websocket's connection.
type lossyConn struct {
	net.Conn
	network *network
	once    sync.Once
	closed  chan struct{}
}

func (c *lossyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.network.pass(c.closed)
	return n, err
}

func (c *lossyConn) Write(p []byte) (int, error) {
	c.network.pass(c.closed)
	return c.Conn.Write(p)
}

// Close tells the server, unless the network is lost: then it learns of it when that is back.
func (c *lossyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// lossyNet makes the media's sockets.
type lossyNet struct {
	*stdnet.Net
	network *network
}

func (n *lossyNet) ListenUDP(network string, addr *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := n.Net.ListenUDP(network, addr)
	return &lossyUDP{conn, n.network}, err
}

type lossyUDP struct {
	transport.UDPConn
	network *network
}

func (c *lossyUDP) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.UDPConn.ReadFrom(p)
		if err != nil || !c.network.mediaLost() {
			return n, addr, err
		}
	}
}

func (c *lossyUDP) WriteTo(p []byte, addr net.Addr) (int, error) {
	if c.network.mediaLost() {
		return len(p), nil
	}
	return c.UDPConn.WriteTo(p, addr)
}

func (c *lossyUDP) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, addr, err := c.ReadFrom(p)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	return n, addr.(*net.UDPAddr).AddrPort(), nil
}

func (c *lossyUDP) WriteToAddrPort(p []byte, addr netip.AddrPort) (int, error) {
	return c.WriteTo(p, net.UDPAddrFromAddrPort(addr))
}

// watcher notes when somebody is shown as away and as back, and when they vanish.
type watcher struct {
	changes chan string
}

func (w *watcher) options() client.Options {
	options := everything()
	options.OnEvent = func(e client.Event) {
		frame, ok := e.(client.Frame)
		if !ok {
			return
		}
		value := string(frame.Value)
		switch {
		case frame.Key == "html" && !strings.Contains(value, "-div") && strings.Contains(value, "-state"):
			if strings.Contains(value, "reconnecting") {
				w.changes <- "away"
			} else {
				w.changes <- "back"
			}
		case frame.Key == "rtc" && strings.Contains(value, `"disconnected"`):
			w.changes <- "gone"
		}
	}
	return options
}

// expect waits for the next change and checks when it comes.
func (w *watcher) expect(t *testing.T, since time.Time, what string, earliest, latest time.Duration) {
	t.Helper()
	select {
	case got := <-w.changes:
		if took := time.Since(since); got != what || took < earliest || took > latest {
			t.Fatalf("%s after %v, want %s after %v to %v", got, took, what, earliest, latest)
		}
	case <-time.After(patience):
		t.Fatalf("never %s", what)
	}
}

// none checks that nothing changes for a while.
func (w *watcher) none(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case got := <-w.changes:
		t.Fatalf("%s, out of nothing", got)
	case <-time.After(d):
	}
}

// TestSilence loses a network without a word, as a laptop does that is carried out of reach.
func TestSilence(t *testing.T) {
	t.Parallel() // it waits, as the other that is
	s := start(t)
	w := &watcher{changes: make(chan string, 100)}
	n := &network{}
	ann, bob := s.guest("ann", w.options()), s.guest("bob", n.options())
	t.Cleanup(func() { // before bob is closed, which has to get through
		n.loseMedia(false)
		n.loseSocket(false)
	})
	both := []*client.Client{ann, bob}
	each(both, func(_ int, c *client.Client) { join(t, c, "red") })
	allFlow(t, both, "audio", "video")

	// The socket alone stalls: media says that bob is there.
	n.loseSocket(true)
	w.none(t, 6*time.Second)
	n.loseSocket(false)
	w.none(t, time.Second)

	// Media alone stalls: the socket says so.
	n.loseMedia(true)
	w.none(t, 6*time.Second)
	n.loseMedia(false)
	allFlow(t, both, "audio", "video")

	// Both: away, and back.
	n.loseSocket(true)
	n.loseMedia(true)
	lost := time.Now()
	w.expect(t, lost, "away", 2*time.Second, 7*time.Second)
	n.loseMedia(false)
	n.loseSocket(false)
	w.expect(t, lost, "back", 2*time.Second, 12*time.Second)
	allFlow(t, both, "audio", "video")

	// Both, for good.
	n.loseSocket(true)
	n.loseMedia(true)
	lost = time.Now()
	w.expect(t, lost, "away", 2*time.Second, 7*time.Second)
	w.expect(t, lost, "gone", 14*time.Second, 20*time.Second)
}
