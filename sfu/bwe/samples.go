package bwe

import "time"

// Samples that are kept: of a probe, or of what the capacity is measured by, but neither fewer nor more than these
// powers of two.
const (
	leastSampled = 64
	mostSampled  = 2048
	sampleFor    = 600 * time.Millisecond
)

// sample is a packet that arrived.
type sample struct {
	at    time.Duration // by the receiver's clock
	delay time.Duration
	size  int32
	gone  int32 // bytes lost just before it, behind the bottleneck
	tag   uint8 // of its probe
}

// samples are the packets that arrived last, in the order in which we heard of them.
type samples struct {
	ring []sample // the length is a power of two
	next uint64
}

func (s *samples) add(x sample) {
	n := uint64(len(s.ring))
	if n == 0 || n < mostSampled && s.next >= n && x.at-s.ring[s.next%n].at < sampleFor {
		ring := make([]sample, max(2*n, leastSampled))
		for i := range s.len() {
			ring[(s.next-1-i)%uint64(len(ring))] = *s.back(i)
		}
		s.ring = ring
	}
	s.ring[s.next%uint64(len(s.ring))] = x
	s.next++
}

func (s *samples) back(i uint64) *sample { return &s.ring[(s.next-1-i)%uint64(len(s.ring))] }

func (s *samples) len() uint64 { return min(s.next, uint64(len(s.ring))) }

// busy is the rate, in bit/s, at which packets came out of the bottleneck while its queue was never shorter than that:
// its capacity, or our share of it, what is lost behind it included. It looks back from the newest, at most that long.
// It reports false if that was too short, or too few packets, to tell.
func (s *samples) busy(delay, longest, shortest time.Duration) (float64, bool) {
	var bytes, count int
	var newest, oldest time.Duration
	var first int32 // the size of the oldest: it came out when the time began
	for i := range s.len() {
		x := s.back(i)
		if i == 0 {
			newest, oldest = x.at, x.at
		}
		if x.delay < delay || newest-x.at > longest {
			break
		}
		if x.at <= oldest {
			oldest, first = x.at, x.size+x.gone
		}
		newest = max(newest, x.at)
		bytes += int(x.size + x.gone)
		count++
	}
	span := newest - oldest
	if count < 5 || span < shortest {
		return 0, false
	}
	return float64(bytes-int(first)) * 8 / span.Seconds(), true
}
