package sim

import (
	"time"

	"parley/sfu/feedback"
)

const (
	nackEvery   = 10 * time.Millisecond // how often the receiver looks
	nackTries   = 10
	frozenAfter = 500 * time.Millisecond // without a picture while packets come: it asks for a keyframe
	reportEvery = time.Second
)

// picture is a frame as the receiver puts it together.
type picture struct {
	captured time.Duration
	bits     int
	key      bool
	needs    *picture // what must be decoded before, nil for a keyframe
	first    int      // sequence number of the first packet
	packets  int
	got      int
	decoded  bool
	dead     bool // never sent to the end
}

// receiver is a browser: it decodes what it can, asks for what is missing, and says what arrived when.
type receiver struct {
	clock   *clock
	link    *link
	sender  *subscriber
	tally   *tally
	blocked func(at time.Duration) bool // whether nothing gets back
	deaf    bool                        // only reports do
	streams []*stream

	arrivals []arrival // since the last feedback
	next     int64     // what the next feedback begins with
	number   uint16    // of the newest packet
	started  time.Duration
	waited   time.Duration // in the queue, when the sender last reported
}

type arrival struct {
	count int64
	at    time.Duration
}

// stream is what the receiver knows of one video.
type stream struct {
	track     *videoTrack
	highest   int // sequence number, -1: nothing yet
	missing   []missing
	pending   []*picture
	newest    time.Duration // capture time of the newest decoded picture
	decodedAt time.Duration
	arrivedAt time.Duration
	askedAt   time.Duration
}

type missing struct {
	sequence    int
	since, last time.Duration
	tries       int
}

func (r *receiver) start(feedbackEvery time.Duration) {
	now := r.clock.now
	r.started = now
	for _, s := range r.streams {
		s.decodedAt = now
	}
	if !r.deaf {
		r.clock.every(now+feedbackEvery, feedbackEvery, r.feedback)
	}
	r.clock.every(now+nackEvery, nackEvery, r.look)
	r.clock.every(now+reportEvery, reportEvery, r.report)
}

// back lets something reach the sender, unless nothing does.
func (r *receiver) back(do func()) {
	if !r.blocked(r.clock.now) {
		r.clock.after(r.link.delay, do)
	}
}

// note remembers a packet's arrival, whatever it is.
func (r *receiver) note(count int64, number uint16) {
	r.arrivals = append(r.arrivals, arrival{count, r.clock.now})
	r.number = number - uint16(count)
}

// feedback tells of all packets up to the newest.
func (r *receiver) feedback() {
	if len(r.arrivals) == 0 {
		return
	}
	var told []feedback.Arrival
	for _, a := range r.arrivals {
		for ; r.next < a.count; r.next++ {
			told = append(told, feedback.Arrival{Number: r.number + uint16(r.next)})
		}
		at := (a.at + 3*time.Hour).Truncate(250 * time.Microsecond)
		told = append(told, feedback.Arrival{Number: r.number + uint16(r.next), Received: true, At: at})
		r.next++
	}
	r.arrivals = r.arrivals[:0]
	r.back(func() {
		r.sender.controller.Feedback(r.sender.now(), told)
		r.sender.allocate()
	})
}

// report is a receiver report, which tells the round-trip time, and to who hears nothing else how much was lost. Then
// it is of a sender report as long ago.
func (r *receiver) report() {
	waits := max(0, r.link.real.free-r.clock.now)
	if !r.deaf {
		rtt := 2*r.link.delay + waits
		r.back(func() { r.sender.controller.RTT(rtt) })
		return
	}
	rtt, lost := 2*r.link.delay+r.waited, 0.0
	r.waited = waits
	if n := len(r.arrivals); n > 0 {
		newest := r.arrivals[n-1].count
		lost = 1 - float64(n)/float64(newest+1-r.next)
		r.next, r.arrivals = newest+1, r.arrivals[:0]
	}
	r.back(func() {
		r.sender.controller.Report(r.sender.now(), lost, rtt)
		r.sender.allocate()
	})
}

// take gets a packet of media.
func (r *receiver) take(p *packet) {
	if p.track == nil {
		r.tally.heard(p)
		return
	}
	s := r.streams[p.track.id]
	s.arrivedAt = r.clock.now
	if p.sequence > s.highest {
		for lost := s.highest + 1; lost < p.sequence; lost++ {
			s.missing = append(s.missing, missing{sequence: lost, since: r.clock.now})
		}
		s.highest = p.sequence
	} else if !s.found(p.sequence) {
		return // it came before
	}
	picture := p.picture
	if picture.got == 0 && !picture.decoded {
		s.pending = append(s.pending, picture)
	}
	if picture.got++; picture.got == picture.packets {
		r.decode(s)
	}
}

// found strikes a packet off the missing ones.
func (s *stream) found(sequence int) bool {
	for i := range s.missing {
		if s.missing[i].sequence == sequence {
			s.missing = append(s.missing[:i], s.missing[i+1:]...)
			return true
		}
	}
	return false
}

// decode takes all pictures that can be decoded, in their order. One that is older than the newest of them is of use as
// long as it would be shown in time: the receiver's playout waits for it.
func (r *receiver) decode(s *stream) {
	for {
		var next *picture
		for _, p := range s.pending {
			ready := p.got == p.packets && (p.needs == nil || p.needs.decoded)
			if ready && (next == nil || p.captured < next.captured) {
				next = p
			}
		}
		if next == nil {
			return
		}
		next.decoded = true
		s.newest, s.decodedAt = max(s.newest, next.captured), r.clock.now
		r.tally.shown(s.track, next)
		kept := s.pending[:0]
		for _, p := range s.pending {
			if !p.decoded && (p.captured > s.newest || r.clock.now-p.captured <= inTime) {
				kept = append(kept, p)
			}
		}
		s.pending = kept
		if next.key {
			for len(s.missing) > 0 && s.missing[0].sequence < next.first {
				s.missing = s.missing[1:]
			}
		}
	}
}

// look asks for what is missing, again and again, and for a keyframe when that does not help.
func (r *receiver) look() {
	now := r.clock.now
	again := max(2*r.link.delay+30*time.Millisecond, 100*time.Millisecond)
	for _, s := range r.streams {
		kept := s.missing[:0]
		for _, m := range s.missing {
			if m.tries == nackTries {
				continue
			}
			if m.tries == 0 || now-m.last >= again {
				m.last = now
				m.tries++
				track, sequence := s.track, m.sequence
				r.back(func() {
					if p := track.history[sequence]; p != nil {
						track.subscriber.resend(p)
					}
				})
			}
			kept = append(kept, m)
		}
		s.missing = kept
		if now-s.decodedAt > frozenAfter && now-s.arrivedAt < frozenAfter && now-s.askedAt > frozenAfter &&
			s.highest >= 0 {
			s.askedAt = now
			r.back(s.track.lost)
		}
	}
}
