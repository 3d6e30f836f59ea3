package feedback

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	// window is how many numbers back a packet can be told from its duplicate. A power of two.
	window = 4096

	// maxDropout is the largest gap that is taken for loss. Beyond it the source has begun anew (RFC 3550, A.1).
	maxDropout = 3000

	// maxJump is the largest difference of transit times that counts as jitter; beyond it a clock was set.
	maxJump = 5 * time.Second
)

// Source accounts for one incoming RTP stream (RFC 3550: A.1, A.3, A.8). What comes by retransmission, on a stream of
// its own, is Recovered.
type Source struct {
	// Static after construction.
	ssrc, clockRate uint32

	started bool
	numbers
	first int64               // lowest number that is expected, of the current numbering
	seen  [window / 64]uint64 // bit number%window, for the window up to the highest

	expected, received             uint64
	expectedBefore, receivedBefore uint64 // at the last report
	recentlyExpected, recentlyLost uint64 // between the last two reports

	epoch   time.Time // the first clock reading, that all others count from
	now     time.Duration
	timed   bool
	transit uint32 // of the last packet, in units of the RTP clock
	jitter  uint32 // 16 times as much, as in A.8

	missing missing

	senderReport   uint32 // middle 32 bits of its NTP time
	senderReportAt time.Duration
	hasReport      bool
}

// NewSource begins to account for a stream, whose timestamps count clockRate per second.
func NewSource(ssrc uint32, clockRate uint32) *Source {
	return &Source{ssrc: ssrc, clockRate: clockRate}
}

// Receive takes a packet into account. It reports false for one that should go no further: a duplicate, one that was
// recovered before, or one that is too old to tell.
func (s *Source) Receive(sequence uint16, timestamp uint32, now time.Time) (fresh bool) {
	at := s.clock(now)
	if !s.take(sequence, at, true) {
		return false
	}
	s.received++
	s.updateJitter(timestamp, at)
	return true
}

// Recovered takes a packet into account that came by retransmission: nobody has to ask for it any more. For reports it
// stays lost, and it says nothing about jitter. It reports false for what is there already or cannot be judged.
func (s *Source) Recovered(sequence uint16) (fresh bool) {
	return s.take(sequence, s.now, false)
}

// take notes that a number is there. What is sent again cannot be far ahead, nor begin a new numbering.
func (s *Source) take(sequence uint16, at time.Duration, original bool) bool {
	if !s.started {
		s.started = true
		s.first = s.begin(sequence)
		s.expected = 1
		s.mark(s.highest)
		return true
	}
	if !original {
		ahead := int64(int16(sequence - uint16(s.highest)))
		if ahead > maxGap+1 || ahead <= -window {
			return false
		}
	}
	number, ok := s.extend(sequence, window)
	switch {
	case !ok:
		return false
	case number > s.highest:
		s.advance(number, at)
	case s.has(number):
		return false
	default:
		s.missing.remove(number)
		if number < s.first && original { // sent before the first, and late
			s.expected++
		}
	}
	s.mark(number)
	return true
}

// advance makes number the highest.
func (s *Source) advance(number int64, at time.Duration) {
	for i := max(s.highest+1, number-window+1); i < number; i++ {
		s.seen[i%window/64] &^= 1 << (i % 64)
	}
	s.seen[number%window/64] &^= 1 << (number % 64)
	gap := number - s.highest - 1
	if gap > maxDropout {
		s.first = number
		s.expected++
		s.missing.forget(number)
	} else {
		s.expected += uint64(gap) + 1
		s.missing.forget(number - window + 1)
		s.missing.advanced(s.highest+1, number, at)
	}
	s.highest = number
}

func (s *Source) has(number int64) bool {
	return s.seen[uint64(number)%window/64]&(1<<(uint64(number)%64)) != 0
}

func (s *Source) mark(number int64) {
	s.seen[uint64(number)%window/64] |= 1 << (uint64(number) % 64)
}

// clock returns the time since the first.
func (s *Source) clock(now time.Time) time.Duration {
	if s.epoch.IsZero() {
		s.epoch = now
	}
	s.now = now.Sub(s.epoch)
	return s.now
}

// updateJitter follows RFC 3550, A.8.
func (s *Source) updateJitter(timestamp uint32, at time.Duration) {
	transit := uint32(at.Microseconds()*int64(s.clockRate)/1_000_000) - timestamp
	d := int64(int32(transit - s.transit))
	s.transit = transit
	if d < 0 {
		d = -d
	}
	if !s.timed || d > int64(maxJump/time.Second)*int64(s.clockRate) {
		s.timed = true
		return
	}
	s.jitter += uint32(d) - (s.jitter+8)>>4
}

// SenderReport notes the NTP time of a sender report of this stream, which the next reports answer.
func (s *Source) SenderReport(ntp uint64, now time.Time) {
	s.senderReport, s.senderReportAt, s.hasReport = uint32(ntp>>16), s.clock(now), true
}

// Report returns the reception report for the time since the last one (RFC 3550, 6.4.1 and A.3). Unlike there,
// duplicates do not count as received, since many readers take a negative loss for sixteen millions.
func (s *Source) Report(now time.Time) rtcp.ReceptionReport {
	at := s.clock(now)
	report := rtcp.ReceptionReport{SSRC: s.ssrc, Jitter: s.jitter >> 4}
	if s.started {
		report.LastSequenceNumber = uint32(s.highest)
	}
	const maxLost = 1<<23 - 1 // 24 bits with a sign
	if s.expected > s.received {
		report.TotalLost = uint32(min(s.expected-s.received, maxLost))
	}
	expected := int64(s.expected - s.expectedBefore)
	lost := expected - int64(s.received-s.receivedBefore)
	if expected > 0 && lost > 0 {
		report.FractionLost = uint8(min(lost<<8/expected, 255))
	}
	s.recentlyExpected, s.recentlyLost = uint64(max(expected, 0)), uint64(max(lost, 0))
	s.expectedBefore, s.receivedBefore = s.expected, s.received
	if s.hasReport {
		report.LastSenderReport = s.senderReport
		since := min(max(at-s.senderReportAt, 0), 1<<16*time.Second)
		report.Delay = uint32(min(since.Microseconds()*65536/1_000_000, 1<<32-1)) // in 1/65536 s
	}
	return report
}

// Recent tells of how many packets between the last two reports how many got lost.
func (s *Source) Recent() (lost, expected uint64) { return s.recentlyLost, s.recentlyExpected }
