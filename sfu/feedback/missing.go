package feedback

import (
	"math"
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

	always time.Duration = math.MinInt64
)

// missing are the numbers to ask for, in order.
type missing struct {
	list     []hole
	advances uint32        // packets that were newer than all before
	unasked  bool          // whether there may be one that was never asked for, for which another packet matters
	idle     time.Duration // until then nothing is due, so there is no need to look
}

type hole struct {
	number  int64
	since   time.Duration
	next    time.Duration // when to ask, or to ask again
	asked   uint8
	advance uint32 // of the packet that showed it
}

// advanced notes that a packet with number to came where from was due.
func (m *missing) advanced(from, to int64, at time.Duration) {
	m.advances++
	if m.unasked {
		m.idle = always
	}
	count := int(to - from)
	if count == 0 || count > maxGap {
		return
	}
	if over := len(m.list) + count - maxGap; over > 0 {
		m.list = slices.Delete(m.list, 0, over)
	}
	for number := from; number < to; number++ {
		m.list = append(m.list, hole{number: number, since: at, next: at + reorder, advance: m.advances})
	}
	m.unasked, m.idle = true, always
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

// Forgive has nothing asked for that is missing up to now.
func (s *Source) Forgive() { s.missing.list = s.missing.list[:0] }

func (m *missing) find(number int64) (int, bool) {
	return slices.BinarySearchFunc(m.list, number, func(h hole, number int64) int { return int(h.number - number) })
}

// Nacks appends to into what is to be asked for now (RFC 4585, 6.2.1): a packet is when two newer ones have come, or
// one and 10 ms have passed; then again after the round-trip time, at least 20 ms, which doubles three times. After
// eight asks or a second it is given up. Gaps of more than 500 packets are not asked for. At most 128 pairs are
// appended, the rest the next time.
func (s *Source) Nacks(now time.Time, rtt time.Duration, into []rtcp.NackPair) []rtcp.NackPair {
	return s.missing.ask(s.clock(now), min(max(rtt, leastWait), maxAge), into)
}

func (m *missing) ask(at, rtt time.Duration, into []rtcp.NackPair) []rtcp.NackPair {
	if len(m.list) == 0 || at < m.idle {
		return into
	}
	m.unasked, m.idle = false, math.MaxInt64
	before := len(into)
	kept := m.list[:0]
	for _, h := range m.list {
		if at-h.since > maxAge {
			continue
		}
		switch due := h.due(at, m.advances); {
		case due && len(into)-before == maxPairs:
			m.idle = always
		case due:
			into = appendNack(into, before, uint16(h.number))
			h.next = at + rtt<<min(h.asked, maxDouble)
			h.asked++
		}
		if h.asked < maxAsks {
			kept = append(kept, h)
			m.unasked = m.unasked || h.asked == 0
			m.idle = min(m.idle, h.next, h.since+maxAge+1)
		}
	}
	m.list = kept
	return into
}

func (h *hole) due(at time.Duration, advances uint32) bool {
	return at >= h.next || h.asked == 0 && advances != h.advance
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
