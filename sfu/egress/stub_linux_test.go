package egress

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stub is a kernel that refuses what a test tells it to. What it takes goes to the real one, if it may.
type stub struct {
	many  func(messages []message) (int, syscall.Errno) // nil: takes all
	one   func(m *message) syscall.Errno                // nil: takes it
	send  bool
	sent  []sentMessage // that it took
	calls int
}

type sentMessage struct {
	sizes string // of the packets
	port  uint16
}

func (k *stub) sendmmsg(fd uintptr, messages []message) (int, syscall.Errno) {
	k.calls++
	n, errno := len(messages), syscall.Errno(0)
	if k.many != nil {
		n, errno = k.many(messages)
	}
	for i := range messages[:n] {
		k.take(fd, &messages[i])
	}
	return n, errno
}

func (k *stub) sendmsg(fd uintptr, m *message) syscall.Errno {
	if k.one != nil {
		if errno := k.one(m); errno != 0 {
			return errno
		}
	}
	k.take(fd, m)
	return 0
}

func (k *stub) take(fd uintptr, m *message) {
	total, segment := size(m), segmentOf(m)
	var sizes []string
	for at := 0; at < total; at += segment {
		sizes = append(sizes, fmt.Sprint(min(segment, total-at)))
	}
	k.sent = append(k.sent, sentMessage{strings.Join(sizes, " "), portOf(m)})
	if k.send {
		(linux{}).sendmsg(fd, m)
	}
}

func size(m *message) (total int) {
	for _, iovec := range unsafe.Slice(m.Iov, int(m.Iovlen)) {
		total += int(iovec.Len)
	}
	return total
}

// segmentOf returns the size of a message's packets.
func segmentOf(m *message) int {
	if m.Control == nil {
		return max(size(m), 1)
	}
	return int((*control)(unsafe.Pointer(m.Control)).size)
}

func portOf(m *message) uint16 { return port(&(*unix.RawSockaddrInet4)(unsafe.Pointer(m.Name)).Port) }

// withStub opens a port that sends through a stub.
func withStub(t *testing.T, k *stub) (*Conn, *bytes.Buffer) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	c := newConn([]net.PacketConn{conn}, Options{}, slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { _ = c.Close() })
	c.sockets[0].(*batchSocket).kernel = k
	return c, &logged
}

// sendSizes sends packets of these sizes to each destination, in one batch.
func sendSizes(c *Conn, sizes []int, to ...*Destination) {
	b := c.Batch()
	for _, d := range to {
		for _, n := range sizes {
			send(b, d, make([]byte, n))
		}
	}
	b.Done()
}

func destination(port uint16) *Destination {
	return NewDestination(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
}

func (k *stub) messages(port uint16) (sizes []string) {
	for _, m := range k.sent {
		if m.port == port {
			sizes = append(sizes, m.sizes)
		}
	}
	return sizes
}

// times repeats a size.
func times(n, size int) []int { return slices.Repeat([]int{size}, n) }

func text(sizes []int) string { return strings.Trim(fmt.Sprint(sizes), "[]") }

func warnedOnce(logged *bytes.Buffer, text string) bool {
	return strings.Count(logged.String(), "level=WARN") == 1 && strings.Contains(logged.String(), text)
}
