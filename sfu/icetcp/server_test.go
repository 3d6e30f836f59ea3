package icetcp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const patience = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// media is the SFU's socket: it keeps what is injected, and sends what the test has it send.
type media struct {
	injected chan []byte

	mu       sync.Mutex
	attached map[netip.AddrPort]func([]byte)
	changed  chan struct{}
}

func newMedia() *media {
	return &media{
		injected: make(chan []byte, 100), attached: make(map[netip.AddrPort]func([]byte)), changed: make(chan struct{}, 100),
	}
}

func (m *media) Attach(at netip.AddrPort, deliver func([]byte)) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.attached[at] != nil {
		return nil, errors.New("taken")
	}
	m.attached[at] = deliver
	return func() {
		m.mu.Lock()
		delete(m.attached, at)
		m.mu.Unlock()
		m.changed <- struct{}{}
	}, nil
}

func (m *media) Inject(_ netip.AddrPort, packet []byte) { m.injected <- bytes.Clone(packet) }

// send sends to the one client.
func (m *media) send(t *testing.T, packet []byte) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.attached) != 1 {
		t.Fatalf("%d clients", len(m.attached))
	}
	for _, deliver := range m.attached {
		deliver(packet)
	}
}

// start starts a server at a port of loopback.
func start(t *testing.T, limits Limits) (*Server, *media, string) {
	t.Helper()
	m := newMedia()
	s := New(m, limits, slog.New(slog.DiscardHandler))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Accept(l)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.attached) != 0 {
			t.Errorf("%d addresses are still attached", len(m.attached))
		}
	})
	return s, m, l.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// binding is what ICE begins with.
func binding() []byte {
	b := make([]byte, 20)
	b[1] = 1
	binary.BigEndian.PutUint32(b[4:], 0x2112A442)
	return b
}

func frame(packet []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
}

func write(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func (m *media) next(t *testing.T) []byte {
	t.Helper()
	select {
	case packet := <-m.injected:
		return packet
	case <-time.After(patience):
		t.Fatal("nothing arrived")
		return nil
	}
}

// ended waits until the server has closed the connection.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the connection is still open")
		}
	}
}

func TestPacketsPassBothWays(t *testing.T) {
	s, m, addr := start(t, Limits{})
	c := dial(t, addr)
	long := bytes.Repeat([]byte{200}, 1400)
	// In pieces that are no packets, with one that no datagram can be.
	all := append(frame(binding()), append(frame(make([]byte, longest+1)), append(frame(long), frame(nil)...)...)...)
	write(t, c, all[:7])
	write(t, c, all[7:])
	for i, want := range [][]byte{binding(), long, nil} {
		if got := m.next(t); !bytes.Equal(got, want) {
			t.Errorf("packet %d has %d bytes, not %d", i, len(got), len(want))
		}
	}
	in := bufio.NewReader(c)
	for i := range 300 {
		packet := append([]byte{byte(i)}, long...)
		m.send(t, packet)
		got := make([]byte, 2*len(packet))
		n, err := readFrame(in, got)
		if err != nil || !bytes.Equal(got[:n], packet) {
			t.Fatalf("packet %d: %d bytes, %v", i, n, err)
		}
	}
	if got := s.Stats(); got != (Stats{Connections: 1, Accepted: 1}) {
		t.Errorf("%+v", got)
	}
	_ = c.Close()
	<-m.changed // forgotten
}

func TestWhatIsNoICEIsClosed(t *testing.T) {
	s, _, addr := start(t, Limits{})
	for name, sent := range map[string][]byte{
		"HTTP": []byte("GET / HTTP/1.1\r\nHost: call.example.org\r\n\r\n" + string(make([]byte, 20<<10))),
		"RTP":  frame(append([]byte{0x80}, make([]byte, 50)...)), "short": frame([]byte{0, 1}), "empty": frame(nil),
	} {
		t.Run(name, func(t *testing.T) {
			before := s.Stats().Garbage
			c := dial(t, addr)
			_, _ = c.Write(sent)
			ended(t, c)
			if now := s.Stats().Garbage; name != "HTTP" && now != before+1 {
				t.Errorf("%d counted", now-before)
			}
		})
	}
}

func TestPendingConnectionsHaveLittleTimeAndRoom(t *testing.T) {
	s, m, addr := start(t, Limits{Pending: 2, PendingFor: time.Second})
	used := dial(t, addr)
	write(t, used, frame(binding()))
	m.next(t)
	m.send(t, binding()) // the SFU answers: this one stays
	conns := []net.Conn{dial(t, addr), dial(t, addr), dial(t, addr)}
	for _, c := range conns { // the first by the third, the others by time
		ended(t, c)
	}
	write(t, used, frame(binding()))
	m.next(t)
	if stats := s.Stats(); stats.Crowded != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestSilentClientIsCut(t *testing.T) {
	_, m, addr := start(t, Limits{Silent: 200 * time.Millisecond})
	c := dial(t, addr)
	write(t, c, frame(binding()))
	m.next(t)
	m.send(t, binding())
	ended(t, c)
}

// A client that does not read costs its own packets, no more than its queue, and nobody's time.
func TestStalledClient(t *testing.T) {
	s, m, addr := start(t, Limits{Write: 300 * time.Millisecond, Queue: 64})
	c := dial(t, addr)
	write(t, c, frame(binding()))
	m.next(t)
	begun, packet := time.Now(), make([]byte, 1200)
	for sent := 0; s.Stats().Stalled == 0; sent++ {
		m.mu.Lock()
		for _, deliver := range m.attached {
			deliver(packet)
		}
		m.mu.Unlock()
		if time.Since(begun) > patience {
			t.Fatal("still there")
		}
	}
	if s.Stats().Dropped == 0 {
		t.Error("nothing was dropped")
	}
	<-m.changed
}

func TestFullServerRefuses(t *testing.T) {
	s, m, addr := start(t, Limits{Connections: 1})
	c := dial(t, addr)
	write(t, c, frame(binding()))
	m.next(t)
	ended(t, dial(t, addr))
	if stats := s.Stats(); stats.Connections != 1 || stats.Crowded != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestAddressesAreNobodys(t *testing.T) {
	s := New(newMedia(), Limits{}, slog.New(slog.DiscardHandler))
	v4 := s.address(&net.TCPAddr{IP: net.IPv4(198, 51, 100, 2), Port: 5000})
	v6 := s.address(&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 5000})
	if !netip.MustParsePrefix("240.0.0.0/4").Contains(v4.Addr()) || v4.Addr() == netip.MustParseAddr("255.255.255.255") {
		t.Errorf("%v for IPv4", v4)
	}
	if !netip.MustParsePrefix("100::/64").Contains(v6.Addr()) {
		t.Errorf("%v for IPv6", v6)
	}
	if !MadeUp(v4) || !MadeUp(v6) {
		t.Errorf("not made up: %v, %v", v4, v6)
	}
	for _, real := range []string{"198.51.100.2:9", "[2001:db8::1]:9", "[::ffff:198.51.100.2]:9", "[100:0:0:1::1]:9"} {
		if MadeUp(netip.MustParseAddrPort(real)) {
			t.Errorf("%s is made up", real)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(frame(binding()))
	f.Add(append(frame(make([]byte, longest+5)), frame([]byte{1})...))
	f.Add([]byte{0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, sent []byte) {
		in, packet := bufio.NewReader(bytes.NewReader(sent)), make([]byte, longest)
		for rest := sent; ; {
			want, whole := []byte(nil), false
			for !whole && len(rest) >= 2 {
				n := int(binary.BigEndian.Uint16(rest))
				if len(rest) < 2+n {
					break
				}
				want, rest, whole = rest[2:2+n], rest[2+n:], n <= longest
			}
			n, err := readFrame(in, packet)
			if whole != (err == nil) {
				t.Fatalf("whole is %v: %v", whole, err)
			}
			if err != nil {
				return
			}
			if !bytes.Equal(packet[:n], want) {
				t.Fatalf("%x, not %x", packet[:n], want)
			}
		}
	})
}
