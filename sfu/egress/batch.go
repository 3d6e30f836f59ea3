package egress

import (
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
)

// MaxPacket is the longest packet that a Batch takes, in bytes: what an Ethernet frame carries.
const MaxPacket = 1500

const (
	chunkSize = 64 << 10 // bytes of the arena that are allocated at once
	maxChunks = 16       // of an arena: when all are full, the batch is flushed
	maxQueued = 8192     // packets, likewise
)

// Destination is where packets go: an address, of the network or of an attached relay, with what was learnt about it.
// It may be used with any number of batches at once.
type Destination struct {
	addr   netip.AddrPort // plain; static
	native native         // the same as the kernel wants it; static
	noGSO  atomic.Bool    // the kernel refused to cut messages for it
}

// NewDestination returns a destination that nothing is known about.
func NewDestination(to netip.AddrPort) *Destination {
	d := &Destination{addr: plain(to)}
	d.native = newNative(d.addr)
	return d
}

// Addr returns the address, an IPv4 one never wrapped in IPv6.
func (d *Destination) Addr() netip.AddrPort { return d.addr }

// Ender wants to know when a batch ends, usually to send what it has collected.
type Ender interface {
	// EndBatch is called when all packets of the batch have been received. It must not wait for anything slower than
	// sealing and sending.
	EndBatch(b *Batch)
}

// Batch collects packets for many destinations, and sends them together. Packets to one destination keep their order.
// It is used by one goroutine at a time.
type Batch struct {
	// Static after construction.
	conn *Conn
	out  sender

	chunks [][]byte // the arena, grown as needed
	chunk  int      // of chunks, the one in use
	used   int      // bytes of it
	room   []byte   // what Room returned last

	queued []queued
	groups []group
	index  map[*Destination]int32 // of groups
	last   *group                 // of the last Send

	enders []Ender // still to be served
	sheds  uint32  // how often media was dropped for having waited too long
	tally  tally

	flushes atomic.Uint32 // so far; for anybody to read
}

// queued is one packet.
type queued struct {
	data []byte
	next int32 // of Batch.queued, the next one to the same destination; -1: none
}

// group is the packets to one destination, in order.
type group struct {
	to          *Destination
	first, last int32 // of Batch.queued
}

func newBatch(c *Conn, s socket) *Batch {
	return &Batch{conn: c, out: s.sender(), index: make(map[*Destination]int32)}
}

// Batch returns an empty batch, for those who send outside a read batch. It must be ended with Done.
func (c *Conn) Batch() *Batch { return c.batches.Get().(*Batch) }

// Done ends the batch: it calls the Enders and sends everything. The batch must not be used any more. The batch that a
// Receiver is given is not its own to be done with.
func (b *Batch) Done() {
	b.end()
	b.conn.batches.Put(b)
}

// Room returns n bytes (len n, cap n) for one packet, valid until the next Room or Send. n is at most MaxPacket.
func (b *Batch) Room(n int) []byte {
	if n > MaxPacket {
		panic("egress: a packet larger than MaxPacket")
	}
	if b.chunk < len(b.chunks) && b.used+n > chunkSize {
		b.chunk, b.used = b.chunk+1, 0
	}
	if b.chunk == maxChunks || len(b.queued) >= maxQueued {
		b.flush()
	}
	if b.chunk == len(b.chunks) {
		b.chunks = append(b.chunks, make([]byte, chunkSize))
	}
	b.room = b.chunks[b.chunk][b.used : b.used+n : b.used+n]
	return b.room
}

// Send queues the first n bytes of the last Room, which it uses up.
func (b *Batch) Send(to *Destination, n int) {
	data := b.room[:n:n]
	b.room, b.used = nil, b.used+n
	i := int32(len(b.queued))
	b.queued = append(b.queued, queued{data: data, next: -1})
	if b.last != nil && b.last.to == to {
		b.queued[b.last.last].next, b.last.last = i, i
		return
	}
	at, ok := b.index[to]
	if ok {
		b.last = &b.groups[at]
		b.queued[b.last.last].next, b.last.last = i, i
		return
	}
	b.index[to] = int32(len(b.groups))
	b.groups = append(b.groups, group{to: to, first: i, last: i})
	b.last = &b.groups[len(b.groups)-1]
}

// AtEnd makes the batch call e.EndBatch once, when everything that was read with it has been received, before the
// last packets are sent. EndBatch may call AtEnd again, for itself too.
func (b *Batch) AtEnd(e Ender) {
	for i := range slices.Backward(b.enders) {
		if b.enders[i] == e {
			return
		}
	}
	b.enders = append(b.enders, e)
}

// end calls the Enders and sends everything.
func (b *Batch) end() {
	b.settle()
	b.flush()
}

// settle calls the Enders.
func (b *Batch) settle() {
	for i := 0; i < len(b.enders); i++ {
		e := b.enders[i]
		b.enders[i] = nil // no longer waiting, so it may come again
		e.EndBatch(b)
	}
	b.enders = b.enders[:0]
}

// Sheds is how often the goroutine that reads with this batch has begun to drop what had waited too long. What was
// dropped is not worth asking for.
func (b *Batch) Sheds() uint32 { return b.sheds }

// Flushes is how often what was collected has been sent. Anybody may ask: when it is more than it was, what was queued
// then is on its way.
func (b *Batch) Flushes() uint32 { return b.flushes.Load() }

// flush sends everything, and forgets it.
func (b *Batch) flush() {
	if len(b.queued) > 0 {
		for i := range b.groups {
			g := &b.groups[i]
			if deliver, ok := b.conn.relays.get(g.to.addr); ok {
				for at := g.first; at >= 0; at = b.queued[at].next {
					deliver(b.queued[at].data)
				}
				continue
			}
			b.out.add(b, g)
		}
		b.out.flush(b)
		b.tally.addTo(&b.conn.counters)
		clear(b.groups)
		clear(b.index)
		b.queued, b.groups, b.last = b.queued[:0], b.groups[:0], nil
	}
	b.chunk, b.used, b.room = 0, 0, nil
	b.flushes.Add(1)
}

// each calls f with the packets of a group, in order.
func (b *Batch) each(g *group, f func(data []byte)) {
	for at := g.first; at >= 0; at = b.queued[at].next {
		f(b.queued[at].data)
	}
}

// judge counts how the sending of one packet by itself went.
func (b *Batch) judge(data []byte, err error) {
	b.tally.sends++
	switch {
	case err == nil:
		b.tally.messages++
		b.tally.packets++
		b.tally.bytes += uint64(len(data))
	case errors.Is(err, errFull):
		b.tally.full++
	default:
		b.tally.failed++
	}
}
