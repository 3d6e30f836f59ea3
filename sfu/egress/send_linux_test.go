package egress

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPacking(t *testing.T) {
	fits := maxMessage / MaxPacket // packets of the largest size
	if fits >= 2*maxSegments || fits <= 1 {
		t.Fatal("the cases below assume other limits")
	}
	for _, test := range []struct {
		name  string
		sizes []int
		want  []string
	}{
		{"one", times(1, 1200), []string{"1200"}},
		{"equal", times(5, 1200), []string{text(times(5, 1200))}},
		{"the last shorter", append(times(4, 1200), 300), []string{"1200 1200 1200 1200 300"}},
		{"a shorter one ends", []int{1200, 1200, 300, 1200, 300, 300}, []string{"1200 1200 300", "1200 300", "300"}},
		{"a longer one begins", []int{300, 1200, 1201}, []string{"300", "1200", "1201"}},
		{"falling", []int{5, 4, 3, 2, 1}, []string{"5 4", "3 2", "1"}},
		{"more than the limit", times(2*maxSegments+1, 100),
			[]string{text(times(maxSegments, 100)), text(times(maxSegments, 100)), "100"}},
		{"none shorter after the limit", append(times(maxSegments, 100), 50, 50),
			[]string{text(times(maxSegments, 100)), "50 50"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := &stub{}
			c, _ := withStub(t, k)
			sendSizes(c, test.sizes, destination(1), destination(2))
			for port := range uint16(2) {
				if got := k.messages(port + 1); !slices.Equal(got, test.want) {
					t.Errorf("%q, want %q", got, test.want)
				}
			}
			segments := 0
			for _, m := range test.want {
				if n := len(strings.Fields(m)); n > 1 {
					segments += 2 * n
				}
			}
			if s := c.Stats(); s.PacketsOut != uint64(2*len(test.sizes)) || s.Messages != uint64(2*len(test.want)) ||
				s.Segments != uint64(segments) || s.Sends != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A message is never longer than an IP packet holds, however many packets a message may have.
func TestPackingKeepsToTheLimitOfIP(t *testing.T) {
	k := &stub{}
	c, _ := withStub(t, k)
	sendSizes(c, times(500, MaxPacket), destination(1))
	packets := 0
	for _, m := range k.messages(1) {
		n := len(strings.Fields(m))
		packets += n
		if n*MaxPacket > maxMessage || n > maxSegments {
			t.Errorf("%d packets in a message", n)
		}
	}
	if packets != 500 {
		t.Errorf("%d packets", packets)
	}
}

// Packets that lie one after the other take one iovec, others one each.
func TestIovecsAreShared(t *testing.T) {
	var iovecs []int
	k := &stub{many: func(messages []message) (int, syscall.Errno) {
		for i := range messages {
			iovecs = append(iovecs, int(messages[i].Iovlen))
		}
		return len(messages), 0
	}}
	c, _ := withStub(t, k)
	sendSizes(c, times(8, 1000), destination(1), destination(2))
	b := c.Batch()
	for range 3 {
		send(b, destination(1), make([]byte, 10)) // every time another, though the address is the same
	}
	one, two := destination(1), destination(2)
	for range 4 {
		send(b, one, make([]byte, 10))
		send(b, two, make([]byte, 10))
	}
	b.Done()
	if want := []int{1, 1, 1, 1, 1, 4, 4}; !slices.Equal(iovecs, want) {
		t.Errorf("%v iovecs, want %v", iovecs, want)
	}
}

// Some paths take no segments: a tunnel, an MTU below the packets' size. Others are not concerned.
func TestGSORefusedForOne(t *testing.T) {
	for _, errno := range []syscall.Errno{unix.EINVAL, unix.EMSGSIZE} {
		k := &stub{}
		k.many = func(messages []message) (int, syscall.Errno) {
			for i := range messages {
				if portOf(&messages[i]) == 1 && messages[i].Control != nil {
					if i == 0 {
						return 0, errno
					}
					return i, 0
				}
			}
			return len(messages), 0
		}
		c, logged := withStub(t, k)
		bad, good := destination(1), destination(2)
		sendSizes(c, []int{100, 100, 50}, good, bad, good)
		sendSizes(c, []int{100, 100, 50}, good, bad)
		if got, want := k.messages(1), strings.Fields("100 100 50 100 100 50"); !slices.Equal(got, want) {
			t.Errorf("%v: the bad got %q", errno, got)
		}
		if got, want := k.messages(2), []string{"100 100 50", "100 100 50", "100 100 50"}; !slices.Equal(got, want) {
			t.Errorf("%v: the good got %q", errno, got)
		}
		s := c.Stats()
		if s.GSORefusals != 1 || s.PacketsOut != 15 || s.WriteFaults != 0 || s.Method != "gso" || logged.Len() > 0 {
			t.Errorf("%v: %+v, logged %s", errno, s, logged)
		}
	}
}

// Some network cards make no checksums, and then no message at all may have segments.
func TestGSORefusedForAll(t *testing.T) {
	k := &stub{}
	k.many = func(messages []message) (int, syscall.Errno) {
		for i := range messages {
			if messages[i].Control != nil {
				if i == 0 {
					return 0, unix.EIO
				}
				return i, 0
			}
		}
		return len(messages), 0
	}
	c, logged := withStub(t, k)
	for range 2 {
		sendSizes(c, []int{100, 100, 50}, destination(1), destination(2), destination(3))
	}
	for port := range uint16(3) {
		if got, want := k.messages(port+1), strings.Fields("100 100 50 100 100 50"); !slices.Equal(got, want) {
			t.Errorf("%d got %q", port, got)
		}
	}
	s := c.Stats()
	if s.GSORefusals != 3 || s.PacketsOut != 18 || s.WriteFaults != 0 || s.Method != "sendmmsg" {
		t.Errorf("%+v", s)
	}
	if !warnedOnce(logged, "refused=gso taken=sendmmsg") {
		t.Errorf("logged %s", logged)
	}
}

// A kernel or a sandbox without sendmmsg.
func TestSendmmsgRefused(t *testing.T) {
	for _, errno := range []syscall.Errno{unix.ENOSYS, unix.EPERM} {
		k := &stub{many: func([]message) (int, syscall.Errno) { return 0, errno }}
		c, logged := withStub(t, k)
		peer := client(t, "udp4", "127.0.0.1:0")
		k.send = true
		to := NewDestination(localAddr(peer))
		for range 3 {
			sendSizes(c, []int{100, 100, 50}, to)
		}
		for i := range 9 {
			_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, err := peer.Read(make([]byte, 200))
			if want := []int{100, 100, 50}[i%3]; n != want || err != nil {
				t.Fatalf("%v: %d bytes, want %d: %v", errno, n, want, err)
			}
		}
		if s := c.Stats(); s.PacketsOut != 9 || s.WriteFaults != 0 || s.Method != "sendto" || k.calls != 1 {
			t.Errorf("%v: %+v, %d calls", errno, s, k.calls)
		}
		if !warnedOnce(logged, "refused=gso taken=sendto") {
			t.Errorf("%v: logged %s", errno, logged)
		}
	}
}

// A firewall that forbids one destination says EPERM too.
func TestForbiddenDestination(t *testing.T) {
	k := &stub{one: func(m *message) syscall.Errno {
		if portOf(m) == 1 {
			return unix.EPERM
		}
		return 0
	}}
	k.many = func(messages []message) (int, syscall.Errno) {
		for i := range messages {
			if portOf(&messages[i]) == 1 {
				if i == 0 {
					return 0, unix.EPERM
				}
				return i, 0
			}
		}
		return len(messages), 0
	}
	c, _ := withStub(t, k)
	sendSizes(c, []int{100, 100}, destination(2), destination(1), destination(3))
	s := c.Stats()
	if s.PacketsOut != 4 || s.WriteFaults != 2 || s.Method != "gso" || len(k.messages(2)) != 1 || len(k.messages(3)) != 1 {
		t.Errorf("%+v, %v", s, k.sent)
	}
}

// The kernel takes as many messages as it likes; the rest is tried again, and what it refuses is left out.
func TestPartialSend(t *testing.T) {
	k := &stub{}
	k.many = func(messages []message) (int, syscall.Errno) {
		if portOf(&messages[0]) == 5 {
			return 0, unix.ENETUNREACH
		}
		n := min(3, len(messages))
		for i := range n {
			if portOf(&messages[i]) == 5 {
				n = i
			}
		}
		return n, 0
	}
	c, _ := withStub(t, k)
	var to []*Destination
	for port := range uint16(200) {
		to = append(to, destination(port))
	}
	sendSizes(c, []int{100, 100}, to...)
	for port := range uint16(200) {
		if got := len(k.messages(port)); port != 5 && got != 1 || port == 5 && got != 0 {
			t.Errorf("%d messages to port %d", got, port)
		}
	}
	if s := c.Stats(); s.PacketsOut != 398 || s.WriteFaults != 2 || s.Messages != 199 {
		t.Errorf("%+v", s)
	}
}

// When the buffer is full, a few messages are tried and the rest of the batch is dropped; the next batch is tried anew.
func TestFullBufferDropsTheRest(t *testing.T) {
	full := true
	k := &stub{}
	k.many = func(messages []message) (int, syscall.Errno) {
		if full {
			return 0, unix.EAGAIN
		}
		return len(messages), 0
	}
	c, _ := withStub(t, k)
	var to []*Destination
	for port := range uint16(200) { // more than one call takes
		to = append(to, destination(port))
	}
	sendSizes(c, []int{100, 100}, to...)
	if s := c.Stats(); s.WriteDrops != 400 || s.PacketsOut != 0 || k.calls != maxFull {
		t.Errorf("%+v, %d calls", s, k.calls)
	}
	full = false
	sendSizes(c, []int{100, 100}, to...)
	if s := c.Stats(); s.WriteDrops != 400 || s.PacketsOut != 400 || s.WriteFaults != 0 {
		t.Errorf("%+v", s)
	}
}

// What this socket cannot reach is counted, and the others get theirs.
func TestUnreachableFamily(t *testing.T) {
	k := &stub{}
	c, _ := withStub(t, k)
	six := NewDestination(netip.MustParseAddrPort("[2001:db8::1]:9"))
	sendSizes(c, []int{100, 100}, destination(1), six, NewDestination(netip.AddrPort{}), destination(2))
	if s := c.Stats(); s.WriteFaults != 4 || s.PacketsOut != 4 || len(k.sent) != 2 {
		t.Errorf("%+v, %v", s, k.sent)
	}
}

func TestNativeAddresses(t *testing.T) {
	four := newNative(netip.MustParseAddrPort("1.2.3.4:258"))
	if four.v4.Addr != [4]byte{1, 2, 3, 4} || port(&four.v4.Port) != 258 || four.v4.Family != unix.AF_INET {
		t.Errorf("%+v", four.v4)
	}
	mapped := netip.MustParseAddr("::ffff:1.2.3.4").As16()
	if four.v6.Addr != mapped || port(&four.v6.Port) != 258 || four.v6.Family != unix.AF_INET6 {
		t.Errorf("%+v", four.v6)
	}
	if lo, err := net.InterfaceByName("lo"); err == nil {
		named, numbered := netip.MustParseAddrPort("[fe80::1%lo]:9"), netip.MustParseAddrPort("[fe80::1%77]:9")
		if n := newNative(named); n.v6.Scope_id != uint32(lo.Index) {
			t.Errorf("scope %d of lo", n.v6.Scope_id)
		}
		if n := newNative(numbered); n.v6.Scope_id != 77 {
			t.Errorf("scope %d of 77", n.v6.Scope_id)
		}
		r := &batchReader{zones: make(map[uint32]string)}
		for _, a := range []netip.AddrPort{named, numbered} {
			n := newNative(a)
			if got := r.source(&n.v6); got != a {
				t.Errorf("%v, want %v", got, a)
			}
		}
	}
}

// Packets that are longer than we read are dropped, and those around them are not.
func TestOversized(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	peer := client(t, "udp4", "127.0.0.1:0")
	for _, n := range []int{largest, largest + 1, 9000, 1} {
		if _, err := peer.WriteToUDPAddrPort(make([]byte, n), localAddr(c)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{largest, 1} {
		if r := read(t, c); len(r.data) != want {
			t.Errorf("%d bytes, want %d", len(r.data), want)
		}
	}
	if s := c.Stats(); s.Oversized != 2 {
		t.Errorf("%+v", s)
	}
}
