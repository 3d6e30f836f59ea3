package egress

import (
	"net/netip"
	"sync"
	"time"
)

// Receiver takes the media (RTP and RTCP, still encrypted) that comes from one address.
type Receiver interface {
	// Receive takes one packet, which came at arrived. It may change it in place. The bytes stay valid until the batch
	// has ended (Ender.EndBatch included). What it sends with b leaves when the batch ends. It must not block. It is
	// called by one goroutine at a time, and never before what came earlier from that address has been received.
	Receive(packet []byte, arrived time.Time, b *Batch)
}

// route is an entry of its own for each call of Route, so that a release knows whether it is still the one.
type route struct{ to Receiver }

// Route gives the media from an address to r until release is called. A later Route of the same address replaces it,
// and an earlier release then changes nothing. r may be given a packet that was being read when release was called.
func (c *Conn) Route(from netip.AddrPort, r Receiver) (release func()) {
	from = plain(from)
	mine := &route{r}
	_ = c.routes.change(func(routes map[netip.AddrPort]*route) error {
		routes[from] = mine
		return nil
	})
	return sync.OnceFunc(func() {
		_ = c.routes.change(func(routes map[netip.AddrPort]*route) error {
			if routes[from] == mine {
				delete(routes, from)
			}
			return nil
		})
	})
}
