package egress

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync"
)

// queue is how many injected packets may wait for the reader: of one relay or of all, about what a socket's receive
// buffer holds.
const queue = 1024

// ErrRelay is returned for an address at which no relay can be attached.
var ErrRelay = errors.New("no address for a relay")

type packet struct {
	from netip.AddrPort
	data []byte
}

// Attach puts a relay at an address: what is written to that address goes to deliver instead of the network, on the
// goroutine of the writer, in the order of the writes. deliver must not block, and must copy what it keeps. It may see
// a packet that was being written when detach was called. The address must be one that nobody outside can send from.
func (c *Conn) Attach(relay netip.AddrPort, deliver func(packet []byte)) (detach func(), err error) {
	relay = plain(relay)
	if !relay.IsValid() || relay.Port() == 0 || relay.Addr().IsUnspecified() {
		return nil, fmt.Errorf("attach %v: %w", relay, ErrRelay)
	}
	c.attaching.Lock()
	defer c.attaching.Unlock()
	if c.closed.Load() {
		return nil, fmt.Errorf("attach %v: %w", relay, net.ErrClosed)
	}
	relays := c.copyRelays()
	if relays[relay] != nil {
		return nil, fmt.Errorf("attach %v: %w: taken", relay, ErrRelay)
	}
	relays[relay] = deliver
	c.relays.Store(&relays)
	return sync.OnceFunc(func() { c.detach(relay) }), nil
}

func (c *Conn) detach(relay netip.AddrPort) {
	c.attaching.Lock()
	defer c.attaching.Unlock()
	relays := c.copyRelays()
	delete(relays, relay)
	if len(relays) == 0 {
		c.relays.Store(nil)
		return
	}
	c.relays.Store(&relays)
}

// copyRelays returns a copy to be changed. The caller holds attaching.
func (c *Conn) copyRelays() map[netip.AddrPort]func(packet []byte) {
	if relays := c.relays.Load(); relays != nil {
		return maps.Clone(*relays)
	}
	return make(map[netip.AddrPort]func(packet []byte))
}

// relay returns what delivers to the relay at that address, nil if there is none.
func (c *Conn) relay(at netip.AddrPort) func(packet []byte) {
	relays := c.relays.Load()
	if relays == nil {
		return nil
	}
	return (*relays)[at]
}

// Inject makes the reader see the packet as if it had come from the relay's address. It copies the packet, never
// blocks, keeps the order of a relay's packets, and drops when too many wait.
func (c *Conn) Inject(relay netip.AddrPort, data []byte) {
	p := c.packets.Get().(*packet)
	p.from = plain(relay)
	p.data = append(p.data[:0], data...)
	select {
	case c.injected <- p:
		c.wake()
	default:
		c.packets.Put(p)
		c.counters.injectDrops.Add(1)
	}
}
