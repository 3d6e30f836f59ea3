package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ErrRelay is returned for an address at which no relay can be attached.
var ErrRelay = errors.New("no address for a relay")

// Attach puts a relay at an address: what is sent to that address goes to deliver instead of the network, on the
// goroutine of the sender, in the order of sending. deliver must not block, and must copy what it keeps. It may see a
// packet that was being sent when detach was called. The address must be one that nobody outside can send from.
func (c *Conn) Attach(relay netip.AddrPort, deliver func(packet []byte)) (detach func(), err error) {
	relay = plain(relay)
	if !relay.IsValid() || relay.Port() == 0 || relay.Addr().IsUnspecified() {
		return nil, fmt.Errorf("attach %v: %w", relay, ErrRelay)
	}
	err = c.relays.change(func(relays map[netip.AddrPort]func([]byte)) error {
		if c.isClosed() {
			return fmt.Errorf("attach %v: %w", relay, net.ErrClosed)
		}
		if relays[relay] != nil {
			return fmt.Errorf("attach %v: %w: taken", relay, ErrRelay)
		}
		relays[relay] = deliver
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() {
		_ = c.relays.change(func(relays map[netip.AddrPort]func([]byte)) error {
			delete(relays, relay)
			return nil
		})
	}), nil
}

// Attached reports whether a relay is at that address.
func (c *Conn) Attached(at netip.AddrPort) bool {
	_, ok := c.relays.get(plain(at))
	return ok
}

// Inject takes a packet in as if it had come from the relay's address over the network. It copies the packet and never
// blocks. Media goes to the address' Receiver on the calling goroutine, which has sent everything that follows from it
// when Inject returns; other packets wait for pion, and are dropped when too many do. The packets of one relay must be
// injected one at a time.
func (c *Conn) Inject(relay netip.AddrPort, data []byte) {
	relay = plain(relay)
	if c.isClosed() {
		return
	}
	c.counters.packetsIn.Add(1)
	c.counters.bytesIn.Add(uint64(len(data)))
	if !isMedia(data) {
		if !c.inbox.put(relay, data) {
			c.counters.injectDrops.Add(1)
		}
		return
	}
	route, ok := c.routes.get(relay)
	if !ok {
		c.counters.unrouted.Add(1)
		return
	}
	p, b := c.inbox.copy(relay, data), c.Batch()
	route.to.Receive(p.data, time.Now(), b)
	b.Done()
	c.inbox.free.Put(p)
}

func (c *Conn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}
