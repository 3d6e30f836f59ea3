package turn

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// Credentials that live for two seconds, and a call of an hour.
func TestCallOutlivesCredentials(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := start(t, nil)
			name := w.user("anna", 2*time.Second)
			c := dial(t, w, network, name)
			relayed := c.allocate()
			want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
			w.call("anna", true)
			for minute := range 60 {
				w.advance(time.Minute)
				want(t, "refresh", c.do(stun.MethodRefresh, lifetime(600)), 0)
				want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
				want(t, "channel", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 0)
				c.write(channelData(0x4000, "up"))
				if got := w.media.next(t); got.relay != relayed || got.data != "up" {
					t.Fatal(got)
				}
				w.media.send(relayed, "down")
				if b, err := c.read(patience); err != nil || string(b[:8]) != string(channelData(0x4000, "down")) {
					t.Fatalf("minute %d: %q %v", minute, b, err)
				}
			}
			// What the name has is all that it gets.
			want(t, "another allocation", dial(t, w, network, name).do(stun.MethodAllocate, udpRelay), 401)
			want(t, "its allocation again", c.do(stun.MethodAllocate, udpRelay), 437)
			// The call is over.
			w.call("anna", false)
			want(t, "refresh", c.do(stun.MethodRefresh, lifetime(600)), 401)
			want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 401)
			want(t, "channel", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 401)
			if n := w.Stats().Refused["expired"]; n != 4 {
				t.Errorf("%d refused as expired", n)
			}
		})
	}
}

func TestExpiredNameEndsWithItsAllocation(t *testing.T) {
	w := start(t, nil)
	w.call("anna", true)
	c := dial(t, w, "udp", w.user("anna", 2*time.Second))
	c.allocate()
	w.advance(2 * time.Second) // not valid at the very second
	want(t, "refresh", c.do(stun.MethodRefresh, lifetime(600)), 0)
	want(t, "delete", c.do(stun.MethodRefresh, lifetime(0)), 0)
	eventually(t, "the allocation ends", func() bool { return w.Stats().Allocations == 0 })
	want(t, "refresh", c.do(stun.MethodRefresh, lifetime(600)), 437)
	want(t, "allocate", c.do(stun.MethodAllocate, udpRelay), 401)
	// A renewed name is as good as the first.
	c.as(w.user("anna", time.Minute)).allocate()
}

// An allocation that nobody refreshes ends, by pion's own clock.
func TestAllocationEnds(t *testing.T) {
	w := start(t, nil)
	c := dial(t, w, "udp", w.user("anna", time.Hour))
	want(t, "allocate", c.do(stun.MethodAllocate, udpRelay, lifetime(4)), 0)
	want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
	// Pion dies of a permission that comes while the allocation's timer fires.
	eventually(t, "near the end a permission is refused", func() bool {
		return code(c.do(stun.MethodCreatePermission, peerAddr(media))) == 437
	})
	if w.Stats().Allocations != 1 {
		t.Fatal("the end came without warning")
	}
	want(t, "channel near the end", c.do(stun.MethodChannelBind, channel(0x4000), peerAddr(media)), 437)
	want(t, "refresh near the end", c.do(stun.MethodRefresh, lifetime(4)), 0)
	want(t, "permission after a refresh", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
	want(t, "refresh for a second", c.do(stun.MethodRefresh, lifetime(1)), 0)
	eventually(t, "the allocation ends", func() bool { return w.Stats().Allocations == 0 })
	want(t, "refresh", c.do(stun.MethodRefresh, lifetime(600)), 437)
	c.allocate()
}
