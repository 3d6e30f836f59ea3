package bwe

import "time"

const (
	actEvery = time.Second     // by reports
	lagging  = 3 * time.Second // the round trip may be of a packet sent that long ago

	someQueue = 40 * time.Millisecond  // of the round trip, with which nothing grows
	guessed   = 120 * time.Millisecond // where only loss tells of it
	longQueue = 80 * time.Millisecond  // with which less is sent

	draining   = 0.7              // of the queue is left after a second: soon it is gone
	tripWindow = 30 * time.Second // the least round trip is of this one and the one before
	futile     = 6                // cuts in sequence: what they do not cure is no queue of ours

	growth     = 1.04 // in a second
	fastGrowth = 1.08 // without any queue
	slowGrowth = 1.02 // near what was too much
	limitFor   = 12 * time.Second
)

// reports are the fallback for receivers that send no transport-wide feedback: their own estimate (REMB,
// draft-alvestrand-rmcat-remb), and loss and round trip in receiver reports (RFC 3550, 6.4.1).
type reports struct {
	bytes int // sent since the tick
	began time.Duration
	rate  float64 // sent, bit/s

	ever  bool          // there were any
	remb  time.Duration // the last; 0: none
	acted time.Duration // when a report last counted

	waited time.Duration // the queue then
	slope  float64       // of the queue, in the time between the last two
	drains bool          // and it was by much

	least, former time.Duration // round trips of this window and of the one before; 0: none
	rotated       time.Duration

	limit float64 // what was too much, bit/s
	cut   time.Duration
	cuts  int // in sequence
}

func (r *reports) tick(t time.Duration) {
	if elapsed := t - r.began; elapsed >= time.Second {
		r.rate = float64(r.bytes) * 8 / elapsed.Seconds()
		r.bytes, r.began = 0, t
	}
}

// queue is by how much the round trip exceeds the least one.
func (r *reports) queue(t, rtt time.Duration) time.Duration {
	if rtt <= 0 {
		return 0
	}
	if r.least == 0 || t-r.rotated > tripWindow {
		r.former, r.least, r.rotated = r.least, rtt, t
	}
	r.least = min(r.least, rtt)
	if r.former == 0 {
		return rtt - r.least
	}
	return max(0, rtt-min(r.least, r.former))
}

// grow is how much faster a second later may be.
func (r *reports) grow(t time.Duration, estimate float64, queue time.Duration) float64 {
	near := r.limit > 0 && t-r.cut < limitFor && estimate > 0.8*r.limit && estimate < 1.2*r.limit
	switch {
	case near:
		return slowGrowth
	case queue < idle:
		return fastGrowth
	}
	return growth
}

// Deaf reports whether the receiver talks, but not by transport-wide feedback: probes would show nothing.
func (e *Estimator) Deaf() bool { return e.reports.ever && !e.silence.ever }

// REMB takes the receiver's estimate, in bit/s.
func (e *Estimator) REMB(now time.Time, bitrate int) {
	if e.silence.ever || bitrate < 0 {
		return
	}
	e.reports.ever = true
	e.reports.remb = max(now.Sub(e.epoch), 1)
	e.set(float64(bitrate))
}

// Report takes the share of packets that receiver reports say were lost in about the last second, of all tracks
// together, and the round trip (0: not known). Without REMB it steers as the loss-based controller of
// draft-ietf-rmcat-gcc-02, 6, does, but gives way to a queue too, and grows only while what is sent needs it.
func (e *Estimator) Report(now time.Time, lost float64, rtt time.Duration, need int) {
	t, r := now.Sub(e.epoch), &e.reports
	if e.silence.ever || !(lost >= 0 && lost <= 1) {
		return
	}
	r.ever = true
	e.losses.share = lost
	queue := r.queue(t, rtt)
	if rtt <= 0 && lost > scarce {
		queue = guessed
	}
	e.queue, e.recent = queue, queue
	if r.remb > 0 && t-r.remb < 5*time.Second {
		return
	}
	if r.acted > 0 && t-r.acted < actEvery {
		return
	}
	if r.acted > 0 {
		r.drains = float64(queue) < draining*float64(r.waited)
		r.slope = min(max((queue-r.waited).Seconds()/(t-r.acted).Seconds(), -0.5), 1)
	}
	r.acted, r.waited = max(t, 1), queue
	switch {
	case queue > longQueue:
		e.giveWay(t, lost, rtt, queue)
	case lost > 0.1:
		r.limit, r.cut = e.estimate, t
		e.set(e.estimate * (1 - lost/2))
	case lost < 0.02 && queue < someQueue:
		r.cuts = 0
		e.set(max(e.estimate, min(e.estimate*r.grow(t, e.estimate, queue), float64(need+need/32))))
	}
}

// giveWay answers a long round trip: so much less than what arrived is sent that the queue is gone in a few seconds.
func (e *Estimator) giveWay(t time.Duration, lost float64, rtt, queue time.Duration) {
	r := &e.reports
	if rtt > 0 && r.cut > 0 && (t-r.cut < lagging || r.drains) {
		if lost > scarce { // of that we hear sooner
			e.set(e.estimate * (1 - lost/2))
		}
		return
	}
	if r.cuts++; r.cuts > futile && lost < scarce && rtt > 0 {
		r.cuts, r.least, r.former, r.rotated = 0, rtt, 0, t
		return
	}
	came := e.estimate
	if r.rate > 0 {
		came = min(came, r.rate*(1-lost)/(1+r.slope))
	}
	r.limit, r.cut = came, t
	less := min(came*min(0.85, 1-queue.Seconds()/1.5), e.estimate*(1-lost/2))
	e.set(max(less, e.estimate/2))
}
