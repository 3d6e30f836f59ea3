package feedback

import (
	"slices"
	"time"

	"github.com/pion/rtcp"
)

const (
	// maxGap is the most packets of one gap, and at all, that are asked for: beyond that a keyframe is cheaper.
	maxGap = 500

	maxPairs = 128 // at once, 512 bytes

	reorder   = 10 * time.Millisecond // what a network may mix up
	leastWait = 20 * time.Millisecond // between two asks for the same
	maxAsks   = 8
	maxAge    = time.Second // later it is of no use
	maxDouble = 3           // how often the wait doubles
)

// missing are the numbers to ask for, in order.
type missing struct {
	list     []hole
	advances uint32 // packets that were newer than all before
}

type hole struct {
	number  int64
	since   time.Duration
	next    time.Duration // when to ask again
	asked   uint8
	advance uint32 // of the packet that showed it
}

// advanced notes that a packet with number to came where from was due.
func (m *missing) advanced(from, to int64, at time.Duration) {
	m.advances++
	count := int(to - from)
	if count == 0 || count > maxGap {
		return
	}
	if over := len(m.list) + count - maxGap; over > 0 {
		m.list = slices.Delete(m.list, 0, over)
	}
	for number := from; number < to; number++ {
		m.list = append(m.list, hole{number: number, since: at, advance: m.advances})
	}
}

func (m *missing) remove(number int64) {
	if i, ok := m.find(number); ok {
		m.list = slices.Delete(m.list, i, i+1)
	}
}

// forget drops the numbers below before.
func (m *missing) forget(before int64) {
	if len(m.list) == 0 || m.list[0].number >= before {
		return
	}
	i, _ := m.find(before)
	m.list = slices.Delete(m.list, 0, i)
}

func (m *missing) find(number int64) (int, bool) {
	return slices.BinarySearchFunc(m.list, number, func(h hole, number int64) int { return int(h.number - number) })
}

// Nacks appends to into what is to be asked for now (RFC 4585, 6.2.1): a packet is when two newer ones have come, or
// one and 10 ms have passed; then again after the round-trip time, at least 20 ms, which doubles three times. After
// eight asks or a second it is given up. Gaps of more than 500 packets are not asked for. At most 128 pairs are
// appended, the rest the next time.
func (s *Source) Nacks(now time.Time, rtt time.Duration, into []rtcp.NackPair) []rtcp.NackPair {
	at := s.clock(now)
	if len(s.missing.list) == 0 {
		return into
	}
	rtt = min(max(rtt, leastWait), maxAge)
	before := len(into)
	kept := s.missing.list[:0]
	for _, h := range s.missing.list {
		if at-h.since > maxAge {
			continue
		}
		if h.due(at, s.missing.advances) && len(into)-before < maxPairs {
			into = appendNack(into, before, uint16(h.number))
			h.next = at + rtt<<min(h.asked, maxDouble)
			h.asked++
		}
		if h.asked < maxAsks {
			kept = append(kept, h)
		}
	}
	s.missing.list = kept
	return into
}

func (h *hole) due(at time.Duration, advances uint32) bool {
	if h.asked > 0 {
		return at >= h.next
	}
	return advances != h.advance || at-h.since >= reorder
}

// appendNack adds a number to the last of the pairs from index from on, or a pair.
func appendNack(pairs []rtcp.NackPair, from int, sequence uint16) []rtcp.NackPair {
	if len(pairs) > from {
		last := &pairs[len(pairs)-1]
		if after := sequence - last.PacketID; after >= 1 && after <= 16 {
			last.LostPackets |= 1 << (after - 1)
			return pairs
		}
	}
	return append(pairs, rtcp.NackPair{PacketID: sequence})
}
