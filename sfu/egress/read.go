package egress

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// maxPause bounds the pause after a read that failed.
	maxPause = 100 * time.Millisecond
	// gather is how long packets keep being taken in before what they caused is sent. A frame's packets come while its
	// first ones are being sealed; those that leave together cost a fraction.
	gather = 500 * time.Microsecond
)

// isMedia tells RTP and RTCP from the rest (RFC 7983, section 7).
func isMedia(data []byte) bool { return len(data) > 0 && data[0] >= 128 && data[0] <= 191 }

// incoming is a packet as it was read.
type incoming struct {
	data []byte
	from netip.AddrPort // plain
}

// read takes in what comes to one socket, until it is closed.
func (c *Conn) read(s socket) {
	in, b := s.reader(func() { c.counters.oversized.Add(1) }), newBatch(c, s)
	for faults := 0; ; {
		packets, err := in.read()
		if err == nil {
			faults = 0
			c.gather(packets, in, b)
			continue
		}
		if c.isClosed() || errors.Is(err, net.ErrClosed) {
			return
		}
		// What UDP sockets report (no buffers, an interface that went away) passes.
		c.counters.readFaults.Add(1)
		faults++
		select {
		case <-c.closed:
			return
		case <-time.After(min(time.Duration(faults)*time.Millisecond, maxPause)):
		}
	}
}

// gather hands out what was read, and what comes meanwhile, before it sends what they caused.
func (c *Conn) gather(packets []incoming, in reader, b *Batch) {
	busy := false
	for begun := time.Now(); len(packets) > 0; {
		now := time.Now()
		c.take(packets, now, b)
		b.settle()
		if busy = now.Sub(begun) > gather; busy || len(b.queued) == 0 {
			break
		}
		packets = in.more()
	}
	b.flush()
	if busy {
		in.breathe()
	}
}

// take hands out what was read at once.
func (c *Conn) take(packets []incoming, arrived time.Time, b *Batch) {
	bytes := 0
	for _, p := range packets {
		bytes += len(p.data)
		if _, ok := c.relays.get(p.from); ok {
			c.counters.spoofed.Add(1) // relays are in this process, so nobody sends from there
			continue
		}
		if !isMedia(p.data) {
			if !c.inbox.put(p.from, p.data) {
				c.counters.queueDrops.Add(1)
			}
			continue
		}
		if route, ok := c.routes.get(p.from); ok {
			route.to.Receive(p.data, arrived, b)
		} else {
			c.counters.unrouted.Add(1)
		}
	}
	c.counters.receives.Add(1)
	c.counters.packetsIn.Add(uint64(len(packets)))
	c.counters.bytesIn.Add(uint64(bytes))
}
