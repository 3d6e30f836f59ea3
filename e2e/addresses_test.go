package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"parley/signaling/client"
)

// nat is a STUN server that tells of an address as a NAT may have made it.
type nat struct {
	conn *net.UDPConn

	mu   sync.Mutex
	says netip.AddrPort
	from map[netip.AddrPort]int // who has asked, how often
}

func newNAT(t *testing.T, says string) *nat {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	n := &nat{conn: conn, says: netip.MustParseAddrPort(says), from: make(map[netip.AddrPort]int)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return n
}

func (n *nat) serve() {
	for b := make([]byte, 1500); ; {
		size, from, err := n.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		request := new(stun.Message)
		if _, err := request.Write(b[:size]); err != nil {
			continue
		}
		n.mu.Lock()
		n.from[from]++
		mapped := &stun.XORMappedAddress{IP: n.says.Addr().AsSlice(), Port: int(n.says.Port())}
		n.mu.Unlock()
		_, _ = n.conn.WriteToUDPAddrPort(stun.MustBuild(request, stun.BindingSuccess, mapped).Raw, from)
	}
}

func (n *nat) say(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.says = netip.MustParseAddrPort(address)
}

// told is what a client is told by the server, as it came.
type told struct {
	mu     sync.Mutex
	frames strings.Builder
}

func (o *told) note(event client.Event) {
	if frame, ok := event.(client.Frame); ok && frame.Key == "rtc" {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.frames.Write(frame.Value)
	}
}

func (o *told) of(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Contains(o.frames.String(), what)
}

// The public address that STUN tells is announced, with the port that a NAT gives to the media port; when it changes,
// those who come are told the new one, and calls go on.
func TestPublicAddressChanges(t *testing.T) {
	nat, port, turnPort := newNAT(t, "203.0.113.5:17000"), freePort(t), freePort(t)
	s := launch(t, "--media-port", fmt.Sprint(port), "--turn-port", fmt.Sprint(turnPort),
		"--stun-discover", nat.conn.LocalAddr().String())
	var clients []*client.Client
	enter := func(name, public string, former string) {
		t.Helper()
		var seen told
		options := everything()
		options.OnEvent = seen.note
		c := s.guest(name, options)
		join(t, c, "lobby")
		clients = append(clients, c)
		allFlow(t, clients, "audio", "video")
		address := netip.MustParseAddrPort(public)
		for _, part := range []string{
			fmt.Sprintf("%v %d typ host", address.Addr(), address.Port()),
			fmt.Sprintf("%v %d typ host", address.Addr(), port),
			fmt.Sprintf("turn:%v:%d?transport=udp", address.Addr(), turnPort),
		} {
			if !seen.of(part) {
				t.Errorf("%s is not told of %q", name, part)
			}
		}
		if former != "" && seen.of(former) {
			t.Errorf("%s is told of %s", name, former)
		}
	}
	enter("early", "203.0.113.5:17000", "")
	nat.say("203.0.113.6:17001")
	for deadline := time.Now().Add(patience); !strings.Contains(s.out.String(), "addresses changed"); {
		if time.Now().After(deadline) {
			t.Fatal("a change goes unnoticed")
		}
		time.Sleep(100 * time.Millisecond)
	}
	enter("late", "203.0.113.6:17001", "203.0.113.5")

	nat.mu.Lock()
	defer nat.mu.Unlock()
	for from, n := range nat.from {
		if int(from.Port()) != port {
			t.Errorf("asked %d times from %v, which is not the media port %d", n, from, port)
		}
	}
}
