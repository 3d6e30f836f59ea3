package egress

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// maxPause bounds the pause after a read that failed.
	maxPause = 100 * time.Millisecond
	// gather is how long packets keep being taken in before what they caused is sent. A frame's packets come while its
	// first ones are being sealed; those that leave together cost a fraction.
	gather = 500 * time.Microsecond
	// stale is how long media may have waited to be read: a hiccup is better made up for, but what is older nobody can
	// use. From then on all is dropped, which costs next to nothing, until what waits is fresh again.
	stale = 800 * time.Millisecond
	fresh = 100 * time.Millisecond
)

// isMedia tells RTP and RTCP from the rest (RFC 7983, section 7).
func isMedia(data []byte) bool { return len(data) > 0 && data[0] >= 128 && data[0] <= 191 }

// incoming is a packet as it was read.
type incoming struct {
	data   []byte
	from   netip.AddrPort // plain
	waited time.Duration  // in the kernel's queue, 0 where it does not tell
}

// shedder decides what is too old to be worth taking in. It has one owner.
type shedder struct{ shedding bool }

// drops reports whether a packet of media that has waited so long is to be dropped.
func (s *shedder) drops(waited time.Duration) bool {
	switch {
	case waited > stale:
		s.shedding = true
	case waited < fresh:
		s.shedding = false
	}
	return s.shedding
}

// read takes in what comes to one socket, until it is closed.
func (c *Conn) read(s socket, busy *atomic.Int64) {
	var shed shedder
	in, b := s.reader(func() { c.counters.oversized.Add(1) }), newBatch(c, s)
	for faults := 0; ; {
		packets, err := in.read()
		if err == nil {
			faults = 0
			busy.Add(int64(c.gather(packets, in, b, &shed)))
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

// gather hands out what was read, and what comes meanwhile, before it sends what they caused. It returns how long that
// took.
func (c *Conn) gather(packets []incoming, in reader, b *Batch, shed *shedder) time.Duration {
	busy, begun := false, time.Now()
	for len(packets) > 0 {
		now := time.Now()
		c.take(packets, now, b, shed)
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
	return time.Since(begun)
}

// take hands out what was read at once.
func (c *Conn) take(packets []incoming, arrived time.Time, b *Batch, shed *shedder) {
	bytes := 0
	for _, p := range packets {
		bytes += len(p.data)
		if _, ok := c.relays.get(p.from); ok {
			c.counters.spoofed.Add(1) // relays are in this process, so nobody sends from there
			continue
		}
		if !isMedia(p.data) {
			if !c.questions.answered(p.from, p.data) && !c.inbox.put(p.from, p.data) {
				c.counters.queueDrops.Add(1)
			}
			continue
		}
		shedding := shed.shedding
		if shed.drops(p.waited) {
			if !shedding {
				b.sheds++
			}
			c.counters.stale.Add(1)
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
