package egress

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var relayAddr = netip.MustParseAddrPort("203.0.113.7:1024")

// open makes a media socket on a loopback address, closed with the test.
func open(t testing.TB, addr string) *Conn {
	t.Helper()
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := NewConn(conn)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// needIPv6 skips a test of IPv6 where it is switched off.
func needIPv6(t *testing.T, addr string) {
	t.Helper()
	if !strings.Contains(addr, ":") || strings.HasPrefix(addr, "127.") {
		return
	}
	conn, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	_ = conn.Close()
}

func localAddr(c net.PacketConn) netip.AddrPort {
	return plain(c.LocalAddr().(*net.UDPAddr).AddrPort())
}

// client makes a plain socket that stands for a client.
func client(t testing.TB, network, addr string) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenPacket(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.UDPConn)
}

type received struct {
	data string
	from netip.AddrPort
	err  error
}

// read reads one packet, or fails after 5 s.
func read(t testing.TB, c *Conn) received {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return received{data: string(b[:n]), from: from}
}

// count reads packets in a goroutine of its own, counting them, until the socket is closed.
func count(t *testing.T, c *Conn) (last *atomic.Pointer[received], n *atomic.Int64) {
	last, n = new(atomic.Pointer[received]), new(atomic.Int64)
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 100)
		for {
			size, from, err := c.ReadFromAddrPort(b)
			if err != nil {
				return
			}
			last.Store(&received{data: string(b[:size]), from: from})
			n.Add(1)
		}
	})
	t.Cleanup(func() {
		_ = c.Close()
		wg.Wait()
	})
	return last, n
}

// await spins until n packets have been read, so as to act on the reader's very next step.
func await(t *testing.T, read *atomic.Int64, n int64) {
	t.Helper()
	for deadline, i := time.Now().Add(10*time.Second), 0; read.Load() < n; i++ {
		runtime.Gosched()
		if i%1000 == 999 && time.Now().After(deadline) {
			t.Fatalf("packet %d was not read", n)
		}
	}
}
