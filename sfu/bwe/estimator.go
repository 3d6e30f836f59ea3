package bwe

import (
	"time"

	"parley/sfu/feedback"
)

// Bounds of every estimate, in bit/s.
const (
	Min        = 30_000
	DefaultMax = 50_000_000
	Start      = 500_000
)

const (
	idle    = 15 * time.Millisecond // a queue that counts as none
	short   = 60 * time.Millisecond
	window  = 160 * time.Millisecond
	suspect = 20 * time.Millisecond // a queue that may be rising
	certain = 40 * time.Millisecond // a queue that must not stay

	share = 0.985 // of the capacity that is used
)

// Estimator is the machine of one subscriber. It has one owner.
type Estimator struct {
	epoch time.Time
	max   float64

	history history
	delays  delays
	samples samples
	losses  losses
	expects forecast
	noise   noise
	link    link
	silence silence
	reports reports

	estimate float64
	proven   bool    // the capacity is only what a probe showed that it carries: it may be more
	capacity float64 // measured when the path was last full; 0: it never was
	before   float64 // the estimate before the capacity fell

	raw      time.Duration // delay over the base: least of the latest 160 ms
	recently time.Duration // and of the latest 60 ms
	queue    time.Duration // that without noise
	recent   time.Duration // least of the latest 60 ms
	high     time.Duration // since when the queue is long; 0: it is not
	rising   int           // feedbacks in sequence
	congests bool          // the queue is to be drained
	began    time.Duration // of the congestion
	worst    time.Duration // queue since then
	first    float64       // capacity when it began
	ended    time.Duration // of the last congestion
	period   time.Duration // of the congestion that runs, its beginning
	low      time.Duration // least queue of that
	lastLow  time.Duration // and of the period before; 0: there was none
	tolerate time.Duration // until then a longer queue is allowed: a probe, or a keyframe, fills it

	tag     uint8 // of the latest probe of which packets arrived
	dropped int   // of its packets

	latest   uint64        // number of the newest packet that arrived
	latestAt time.Duration // when it was sent
}

// New returns an Estimator that begins with that estimate, in bit/s, and never exceeds highest.
func New(start, highest int, now time.Time) *Estimator {
	e := &Estimator{epoch: now, max: float64(max(Min, highest))}
	e.history.begin(1 << 16) // so that what is before the first has numbers too
	e.set(float64(start))
	return e
}

// Moved begins anew, with that estimate: packets take another path from now on, of which the former one tells nothing.
// Their numbers go on, and what is still told of those before does not count.
func (e *Estimator) Moved(start int, now time.Time) {
	next := e.history.next
	*e = Estimator{epoch: now, max: e.max}
	e.history.begin(next)
	e.set(float64(start))
}

func (e *Estimator) set(estimate float64) { e.estimate = min(max(estimate, Min), e.max) }

// Sent notes a packet of that size on the wire, belonging to that probe (0: none), and returns its transport-wide
// number.
func (e *Estimator) Sent(now time.Time, size int, probe uint8) uint16 {
	t := now.Sub(e.epoch)
	e.silence.sent(t)
	e.reports.bytes += size
	return e.history.add(t, size, probe, e.expects.sent(t, size, e.drains()))
}

// Feedback takes what a transport-wide feedback says.
func (e *Estimator) Feedback(now time.Time, arrivals []feedback.Arrival) {
	t := now.Sub(e.epoch)
	heard := false
	for i := range arrivals {
		heard = e.arrival(t, &arrivals[i]) || heard
	}
	if !heard {
		return
	}
	if e.silence.heard() {
		// What the time without feedback hid has to be found out by a probe.
		e.set(max(e.estimate, e.silence.estimate/2))
	}
	e.judge(t)
}

// arrival takes what became of one packet. It reports whether that is news of one that arrived.
func (e *Estimator) arrival(t time.Duration, a *feedback.Arrival) bool {
	p, number := e.history.find(a.Number)
	if p == nil || p.fate == arrived {
		return false
	}
	if !a.Received {
		if p.fate == flying {
			p.fate = lost
			e.losses.missed(int(p.size))
		}
		return false
	}
	if p.fate == lost {
		e.losses.late()
	}
	p.fate = arrived
	sent := e.history.sent(p, t)
	at := e.delays.unwrap(a.At)
	delay := at - sent
	if !e.delays.add(at, t, delay, int(p.size)) {
		e.forget()
	}
	queue := delay - e.delays.least()
	e.link.arrived(number, sent, at, int(p.size))
	if e.capacity > 0 {
		e.noise.arrived(at, time.Duration(float64(p.size)*8e9/e.drains()))
	}
	dropped, gone := e.losses.arrived(queue)
	e.samples.add(sample{at: at, delay: delay, size: int32(p.size), gone: int32(gone), tag: p.tag})
	if p.tag != 0 && p.tag != e.tag {
		e.tag, e.dropped = p.tag, 0
	}
	if p.tag != 0 {
		e.dropped += dropped
	}
	e.expects.arrived(time.Duration(p.predicted)*unit, queue)
	if number >= e.latest {
		e.latest, e.latestAt = number, sent
	}
	return true
}

// Known reports whether it is known what became of the packet with that transport-wide number, and whether it arrived.
func (e *Estimator) Known(number uint16) (known, came bool) {
	p, _ := e.history.find(number)
	return p != nil && p.fate != flying, p != nil && p.fate == arrived
}

// forget drops what was concluded from the receiver's former clock.
func (e *Estimator) forget() {
	e.samples.next = 0
	e.high, e.rising, e.congests = 0, 0, false
	e.expects.reset()
}

// judge decides what the feedback means.
func (e *Estimator) judge(t time.Duration) {
	e.measure()
	dropped := e.losses.window(t)
	switch {
	case e.congests:
		e.drain(t)
	case e.overused(t):
		e.congest(t)
	case dropped && e.queue < full:
		e.police(t)
	case dropped:
		e.congest(t)
	case t-e.ended > 2*time.Second:
		// What arrived proves that it can, unless it is what was measured, but for jitter.
		if acked := e.delays.acked(time.Second); e.capacity == 0 || acked > notable*e.capacity {
			e.set(max(e.estimate, acked))
		}
	}
}

// measure reads the queue.
func (e *Estimator) measure() {
	if q, ok := e.delays.queue(0, window); ok {
		e.raw = q
	}
	e.recently = e.raw
	if q, ok := e.delays.queue(0, short); ok {
		e.recently = q
	}
	noise := e.noise.take(e.delays.newest, e.raw)
	if e.Shared() || e.delays.newest-e.delays.ahead < e.tolerate {
		noise = 0
	}
	e.queue = max(0, e.raw-noise)
	e.recent = max(0, e.recently-noise)
}

// overused reports whether more is sent than the path takes: the queue grows, or stays long.
func (e *Estimator) overused(t time.Duration) bool {
	limit := certain
	if e.Shared() {
		limit = certain * 3 / 4
	}
	if t < e.tolerate {
		limit = 100 * time.Millisecond
	}
	former, ok := e.delays.queue(window, 2*window)
	if ok && e.queue > suspect && e.queue > former+5*time.Millisecond && t >= e.tolerate {
		e.rising++
	} else {
		e.rising = 0
	}
	if e.queue <= limit {
		e.high = 0
	} else if e.high == 0 {
		e.high = t
	}
	long, deep := 150*time.Millisecond, 2*limit
	if e.high > 0 && t > e.tolerate+blame && e.Underdog() {
		// It was not us: others have more and may give way first.
		e.rising, long, deep = 0, 400*time.Millisecond, 3*limit
	}
	return e.rising >= 2 || e.high > 0 && t-e.high >= long || e.recent > deep
}

// congest begins a congestion.
func (e *Estimator) congest(t time.Duration) {
	e.congests, e.began, e.worst = true, t, e.queue
	e.high, e.rising = 0, 0
	e.period, e.low, e.lastLow = t, e.queue, 0
	e.before, e.first = e.estimate, e.fill()
	e.set(min(e.estimate, e.first*e.relief(t)))
}

// police answers loss without a queue: what arrives is all that there is.
func (e *Estimator) police(t time.Duration) {
	rate := e.delays.acked(500 * time.Millisecond)
	e.fits(rate)
	e.ended = t
	e.losses.overflow = t
	e.set(min(e.estimate, share*rate))
}

// fill measures the capacity while the path is full.
func (e *Estimator) fill() float64 {
	edge := e.delays.least() + 10*time.Millisecond
	rate, ok := e.samples.busy(edge, 500*time.Millisecond, 80*time.Millisecond)
	rate *= e.Arriving()
	switch {
	case ok:
	case e.capacity > 0:
		rate = 0.97 * e.capacity // too short to measure
	default:
		rate = e.delays.acked(300 * time.Millisecond)
	}
	e.fits(rate)
	return rate
}

// fits notes what the path carried while it was full.
func (e *Estimator) fits(rate float64) {
	e.capacity, e.proven = rate, false
	e.expects.reset()
}

// Outgrown reports whether queues are so much shorter than the capacity would have them that it must be higher by now.
func (e *Estimator) Outgrown() bool {
	return e.capacity > 0 && !e.congests && e.expects.outgrown() &&
		(e.portion(e.capacity) < 0.55 || e.expects.empty())
}

// Proven reports whether the capacity is only known to be at least that much.
func (e *Estimator) Proven() bool { return e.proven }

// relief is the share of the capacity that is used while the queue drains. The pacer drains it; if that takes long, it
// needs more room.
func (e *Estimator) relief(t time.Duration) float64 {
	long := max(0, t-e.began-time.Second).Seconds()
	return share * max(1-0.03*long, 0.85) * e.yield()
}

// drain follows a congestion to its end.
func (e *Estimator) drain(t time.Duration) {
	if e.recent < idle {
		e.congests, e.ended = false, t
		e.set(min(e.before, share*e.capacity))
		return
	}
	e.delays.hold()
	rate := e.fill()
	e.worst = max(e.worst, e.queue)
	if t-e.began > 1500*time.Millisecond && rate < 0.6*e.first && e.queue > e.worst*17/20 {
		// Much less is sent, and what was taken for a queue does not mind: the path, or the clock, is another.
		e.delays.rebase(window)
		e.congests, e.ended, e.capacity = false, t, 0
		e.set(min(e.before, 0.85*e.first))
		return
	}
	if e.stuck(t) {
		e.delays.raise(e.lastLow)
		e.congests, e.ended, e.capacity = false, t, 0
		e.set(min(e.before, 0.85*e.first))
		return
	}
	if e.Underdog() {
		// While others fill the queue, what arrives is what is sent, not what could be.
		rate = max(rate, e.first*(0.95-0.1*max(0, t-e.began-time.Second).Seconds()))
	}
	e.set(min(e.before, rate*e.relief(t)))
}

// stuckAfter is how long a queue may stay as it is while it should drain.
const stuckAfter = 3 * time.Second

// stuck reports whether the queue does not drain, whatever little is sent: it is not ours, or the path is another.
func (e *Estimator) stuck(t time.Duration) bool {
	e.low = min(e.low, e.queue)
	if t-e.period < stuckAfter {
		return false
	}
	stuck := e.lastLow > 0 && e.low > e.lastLow*6/10
	e.period, e.lastLow, e.low = t, e.low, e.queue
	return stuck
}

// Arriving is the share of packets that are not lost behind the bottleneck, whatever is sent.
func (e *Estimator) Arriving() float64 { return 1 - min(e.losses.inherent, 0.5) }

// drains is the rate at which the bottleneck's queue drains, loss behind it included.
func (e *Estimator) drains() float64 { return e.capacity / e.Arriving() }

// Tick lets time pass.
func (e *Estimator) Tick(now time.Time) {
	t := now.Sub(e.epoch)
	if cut, ok := e.silence.tick(t, e.estimate); ok {
		e.set(cut)
	}
	e.reports.tick(t)
}

// Estimate is what may be sent, in bit/s.
func (e *Estimator) Estimate() int { return int(e.estimate) }

// Capacity is what the path carried when it was last full, in bit/s; 0: it never was, or that was long ago.
func (e *Estimator) Capacity() int { return int(e.capacity) }

// Queue is the least queueing delay of the latest 160 and 60 ms.
func (e *Estimator) Queue() (least, recent time.Duration) { return e.queue, e.recent }

// Delay is the least delay over the base of the latest 160 ms: the queue and what the path itself varies by.
func (e *Estimator) Delay() time.Duration { return e.raw }

// Congested reports whether a queue is being drained.
func (e *Estimator) Congested() bool { return e.congests }

// Acked is the rate of what arrives, in bit/s.
func (e *Estimator) Acked() int { return int(e.delays.acked(500 * time.Millisecond)) }

// Loss is the share of packets that got lost lately, and the share that the path always loses.
func (e *Estimator) Loss() (latest, inherent float64) { return e.losses.share, e.losses.inherent }

// Overflows reports whether the bottleneck's queue is so short that it dropped packets lately.
func (e *Estimator) Overflows(now time.Time) bool {
	return e.losses.overflow > 0 && now.Sub(e.epoch)-e.losses.overflow < 10*time.Second
}

// Tolerate allows a longer queue for a while: a probe or a keyframe is sent.
func (e *Estimator) Tolerate(now time.Time, d time.Duration) {
	e.tolerate = max(e.tolerate, now.Sub(e.epoch)+d)
}

// Backlog is how many bytes wait at the bottleneck now: what the newest packet that is known to have arrived found
// there, and what was sent since, less what drained.
func (e *Estimator) Backlog(now time.Time) float64 {
	passed := (now.Sub(e.epoch) - e.latestAt).Seconds() - e.recent.Seconds()
	return max(0, float64(e.history.since(e.latest))-passed*e.drains()/8)
}

// Drains is the rate, in bit/s, at which the bottleneck's queue drains, as far as known; 0: not at all.
func (e *Estimator) Drains() int { return int(e.drains()) }
