package bwe

import "time"

const (
	// Packets whose fate can still be told: of the last second, but neither fewer nor more than these powers of two.
	leastKept = 256
	mostKept  = 8192
	keepFor   = time.Second

	unit = 100 * time.Microsecond // of the times of sending: 32 bits of it are 119 hours
)

type fate uint8

const (
	flying fate = iota
	arrived
	lost
)

// packet is one that was sent.
type packet struct {
	at   uint32 // units
	size uint16
	fate fate
	tag  uint8 // of the probe that it belongs to; 0: none

	predicted uint16 // the queue that it should find, in units
}

// history knows the latest packets by their transport-wide number.
type history struct {
	ring  []packet // the length is a power of two
	next  uint64   // the number of the next packet, not wrapped
	first uint64   // that of the first one
}

// begin makes number that of the first packet.
func (h *history) begin(number uint64) { h.first, h.next = number, number }

func (h *history) add(at time.Duration, size int, tag uint8, predicted time.Duration) uint16 {
	if h.ring == nil {
		h.ring = make([]packet, leastKept)
	}
	oldest := &h.ring[h.next%uint64(len(h.ring))]
	if oldest.size > 0 && uint32(at/unit)-oldest.at < uint32(keepFor/unit) && len(h.ring) < mostKept {
		h.grow()
	}
	number := h.next
	h.next++
	h.ring[number%uint64(len(h.ring))] = packet{
		at: uint32(at / unit), size: uint16(min(size, 1<<16-1)), tag: tag,
		predicted: uint16(min(predicted/unit, 1<<16-1)),
	}
	return uint16(number)
}

func (h *history) grow() {
	n := uint64(len(h.ring))
	ring := make([]packet, 2*n)
	for number := h.next - min(n, h.next); number < h.next; number++ {
		ring[number%(2*n)] = h.ring[number%n]
	}
	h.ring = ring
}

// find returns the packet with that number, nil if it is not known (any more), and its number unwrapped.
func (h *history) find(number uint16) (*packet, uint64) {
	back := uint64(uint16(h.next) - number) // 1: the latest
	n := uint64(len(h.ring))
	if back == 0 || back > n || back > h.next-h.first {
		return nil, 0
	}
	return &h.ring[(h.next-back)%n], h.next - back
}

// sent returns when a packet was sent.
func (h *history) sent(p *packet, now time.Duration) time.Duration {
	return now - time.Duration(uint32(now/unit)-p.at)*unit - now%unit
}

// since sums up what was sent after the packet with that number.
func (h *history) since(number uint64) (bytes int) {
	n := uint64(len(h.ring))
	for i := max(number+1, h.next-min(h.next, n)); i < h.next; i++ {
		bytes += int(h.ring[i%n].size)
	}
	return bytes
}
