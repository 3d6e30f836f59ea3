package sfu

import (
	"time"

	"github.com/pion/rtcp"

	"parley/sfu/egress"
	"parley/sfu/feedback"
)

// What the client says of what it gets. The client's ingress' mu is held.

// resend answers a NACK (RFC 4585, 6.2.1).
func (s *sender) resend(d *downTrack, nacks []rtcp.NackPair, now time.Time, rtt time.Duration, b *egress.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, path := s.transport.ready()
	if session == nil || !d.open || !d.repairs() {
		return
	}
	left := true // of what may be sent again
	for _, pair := range nacks {
		pair.Range(func(sequence uint16) bool {
			left = d.again(sequence, now, rtt, b, path)
			return left
		})
		if !left {
			return
		}
	}
}

// feedback takes transport-wide feedback, a whole RTCP packet, and sends what may leave now.
func (s *sender) feedback(packet []byte, now time.Time, b *egress.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control == nil || !s.spend(now, feedback.TransportCount(packet)) {
		return
	}
	var err error
	if s.arrivals, err = feedback.ReadTransport(packet, s.arrivals[:0]); err != nil {
		return
	}
	s.control.Feedback(now, s.arrivals)
	s.judge(now, b)
}

// A few bytes of feedback can speak of thousands of packets, again and again. What may be heard grows by
// statusesPerSecond, several times what anybody is sent, up to maxStatuses.
const (
	statusesPerSecond = 50_000
	maxStatuses       = 16_384
)

// spend reports whether feedback on that many packets may be heard; if so, it counts. mu is held.
func (s *sender) spend(now time.Time, statuses int) bool {
	s.statuses = min(s.statuses+now.Sub(s.heard).Seconds()*statusesPerSecond, maxStatuses)
	s.heard = now
	if float64(statuses) > s.statuses {
		return false
	}
	s.statuses -= float64(statuses)
	return true
}

// estimated takes the receiver's own estimate (draft-alvestrand-rmcat-remb-03).
func (s *sender) estimated(bitrate float64, now time.Time, b *egress.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control != nil && bitrate > 0 {
		s.control.REMB(now, int(min(bitrate, maxREMB)))
		s.judge(now, b)
	}
}

// maxREMB is more than anybody gets.
const maxREMB = 1e9

// received takes what reception reports say of all tracks together, about once a second: the share of packets that was
// lost, and the round trip.
func (s *sender) received(lost float64, rtt time.Duration, now time.Time, b *egress.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control != nil {
		s.control.Report(now, lost, rtt)
		s.judge(now, b)
	}
}

// judge acts on what the control has learnt. mu is held.
func (s *sender) judge(now time.Time, b *egress.Batch) {
	if now.Sub(s.judged) >= s.spacing() && (s.limited || s.control.State().Estimate < s.taken()) {
		s.judged = now
		s.review(now)
	}
	if s.control.Busy() {
		s.drain(now, b)
		s.drive()
	}
}

// taken is what the tracks take that were chosen, in bit/s. mu is held.
func (s *sender) taken() int {
	bitrate := 0
	for _, d := range s.tracks {
		if c := &d.choice; c.layer != nil && c.rung < len(c.ladder.rungs) {
			bitrate += c.ladder.rungs[c.rung].Bitrate
		}
	}
	return bitrate
}
