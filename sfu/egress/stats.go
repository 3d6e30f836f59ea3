package egress

import (
	"sync/atomic"
	"time"
)

type counters struct {
	packetsIn, bytesIn, receives                          atomic.Uint64
	unrouted, spoofed, oversized, queueDrops, injectDrops atomic.Uint64
	readFaults, stale                                     atomic.Uint64
	packetsOut, bytesOut, messages, sends, segments       atomic.Uint64
	writeDrops, writeFaults, gsoRefusals                  atomic.Uint64
}

// tally is what a Batch counts by itself, so as not to touch the common counters for each packet.
type tally struct {
	packets, bytes, messages, sends, segments, full, failed, refused uint64
}

func (t *tally) addTo(c *counters) {
	for _, x := range []struct {
		n  uint64
		to *atomic.Uint64
	}{
		{t.packets, &c.packetsOut}, {t.bytes, &c.bytesOut}, {t.messages, &c.messages}, {t.sends, &c.sends},
		{t.segments, &c.segments}, {t.full, &c.writeDrops}, {t.failed, &c.writeFaults}, {t.refused, &c.gsoRefusals},
	} {
		if x.n > 0 {
			x.to.Add(x.n)
		}
	}
	*t = tally{}
}

// Stats counts since the start. Relays' packets are among those that came in, and not among those that went out.
type Stats struct {
	Method string // of sending in batches: "gso", "sendmmsg" or "sendto"

	PacketsIn, BytesIn uint64
	Receives           uint64 // reads that brought some of them

	PacketsOut, BytesOut uint64
	Messages             uint64 // that the kernel was given: packets, or several segments together
	Sends                uint64 // system calls that did it
	Segments             uint64 // packets that went in messages of several (GSO)

	Unrouted    uint64 // packets of media from an address without a route, dropped
	Spoofed     uint64 // packets from the network that claimed to come from a relay, dropped
	Oversized   uint64 // packets from the network that were longer than we read, dropped
	Stale       uint64 // packets of media that had waited too long to be read, dropped
	QueueDrops  uint64 // packets from the network dropped because pion did not keep up
	InjectDrops uint64 // packets of relays dropped because pion did not keep up
	ReadFaults  uint64 // failed reads

	WriteDrops  uint64 // packets dropped because the socket's send buffer was full
	WriteFaults uint64 // packets of batches that the kernel refused to send
	GSORefusals uint64 // messages of several packets that it refused, sent again one by one
}

// Stats returns the counts.
func (c *Conn) Stats() Stats {
	n := &c.counters
	return Stats{
		Method:    c.path.method().String(),
		PacketsIn: n.packetsIn.Load(), BytesIn: n.bytesIn.Load(), Receives: n.receives.Load(),
		PacketsOut: n.packetsOut.Load(), BytesOut: n.bytesOut.Load(),
		Messages: n.messages.Load(), Sends: n.sends.Load(), Segments: n.segments.Load(),
		Unrouted: n.unrouted.Load(), Spoofed: n.spoofed.Load(), Oversized: n.oversized.Load(), Stale: n.stale.Load(),
		QueueDrops: n.queueDrops.Load(), InjectDrops: n.injectDrops.Load(), ReadFaults: n.readFaults.Load(),
		WriteDrops: n.writeDrops.Load(), WriteFaults: n.writeFaults.Load(), GSORefusals: n.gsoRefusals.Load(),
	}
}

// Busy is for how long the reader of each socket was at work so far. One that has no time left is where a server ends,
// whatever its other cores do.
func (c *Conn) Busy() []time.Duration {
	busy := make([]time.Duration, len(c.busy))
	for i := range c.busy {
		busy[i] = time.Duration(c.busy[i].Load())
	}
	return busy
}
