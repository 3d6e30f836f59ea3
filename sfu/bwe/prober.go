package bwe

import "time"

// Bounds of a probe.
const (
	shortest = 80 * time.Millisecond
	longest  = 300 * time.Millisecond
	brief    = 60 * time.Millisecond // with next to no media, where padding is nearly all that is sent
	fewest   = 8 * 300 * 8.0         // bits of a brief one: less than five packets tell nothing

	// How long the estimate takes for what a probe sends on top of the media: one that explores, and one that looks
	// whether there is more than was measured.
	harm      = 65 * time.Millisecond
	lightHarm = 45 * time.Millisecond

	step       = 5 * time.Millisecond   // between two calls of Padding
	again      = 100 * time.Millisecond // after a success
	firstPause = 3 * time.Second        // after a failure
	longPause  = 8 * time.Second
	shortPause = time.Second            // likewise, when others have more
	patience   = 500 * time.Millisecond // for the feedback on a probe, on top of the round trip
)

// Prober raises the rate for a moment to see whether the path takes it: media counts, padding fills up. A probe lasts
// 80 to 300 ms, and what it adds to the media is what the path carries in 80 ms, as far as known.
type Prober struct {
	tag    uint8 // of this probe, or the last
	state  progress
	target float64 // bit/s
	began  time.Time
	ends   time.Time
	sent   int // bytes

	rate float64 // capacity that the last failure found, in bit/s
	same int     // failures in sequence that found it

	next  time.Time // no probe before
	pause time.Duration
}

type progress uint8

const (
	resting progress = iota
	sending
	awaiting // the feedback
)

// Aim returns the rate, at most target, at which a probe may be sent while used is sent anyway, and for how long, such
// that its harm is bounded.
func Aim(target, used, estimate int, light bool) (int, time.Duration) {
	allowed := float64(estimate) * harm.Seconds()
	if light {
		allowed = float64(estimate) * lightHarm.Seconds()
	}
	extra := max(1, float64(target-used))
	least := min(extra, float64(estimate+estimate/4-used))
	if used < estimate/2 && least > allowed/shortest.Seconds() {
		// Next to nothing is sent, as while all pictures are paused: to show anything a probe must exceed the estimate.
		rate := used + int(least)
		enough := time.Duration(fewest / float64(max(rate, 1)) * float64(time.Second))
		return rate, min(max(brief, enough), longest)
	}
	extra = min(extra, allowed/shortest.Seconds())
	length := min(time.Duration(allowed/extra*float64(time.Second)), longest)
	return used + int(extra), length
}

// Due reports whether a probe may begin.
func (p *Prober) Due(now time.Time) bool { return p.state == resting && !now.Before(p.next) }

// Active reports whether a probe is being sent, or its feedback awaited.
func (p *Prober) Active() bool { return p.state != resting }

// Start begins a probe.
func (p *Prober) Start(now time.Time, target int, length time.Duration) {
	p.tag++
	if p.tag == 0 {
		p.tag = 1
	}
	p.state, p.target, p.began, p.ends = sending, float64(target), now, now.Add(length)
	p.sent = 0
}

// Target is the rate of this probe, or the last, in bit/s.
func (p *Prober) Target() int { return int(p.target) }

// Tag is what marks the packets of the probe that is being sent; 0: none is.
func (p *Prober) Tag() uint8 {
	if p.state != sending {
		return 0
	}
	return p.tag
}

// Sent notes a packet that was sent.
func (p *Prober) Sent(size int) { p.sent += size }

// Padding returns how many bytes of padding are to be sent now.
func (p *Prober) Padding(now time.Time) int {
	if p.state != sending {
		return 0
	}
	if !now.Before(p.ends) {
		p.state = awaiting
		return 0
	}
	due := int(p.target/8*(now.Sub(p.began)+step).Seconds()) - p.sent
	if due < 100 {
		return 0 // not worth a packet
	}
	return due
}

// Stop gives the probe up.
func (p *Prober) Stop(now time.Time, pause time.Duration) {
	p.state = resting
	p.Wait(now, pause)
}

// Wait has no probe begin for a time.
func (p *Prober) Wait(now time.Time, pause time.Duration) {
	if next := now.Add(pause); next.After(p.next) {
		p.next = next
	}
}

// Outcome is what a probe showed.
type Outcome uint8

// The outcomes.
const (
	Pending   Outcome = iota
	Carried           // the path carries the rate
	Confirmed         // the path carries about what it did when it was last full, if not more
	Saturated         // the path was full; its capacity is known
	Void              // nothing can be said
)

// Judge looks at the feedback for the outcome of the probe, of which it tells once, and the rate that it showed, in
// bit/s. The estimator has taken it in.
func (p *Prober) Judge(now time.Time, e *Estimator, rtt time.Duration) (Outcome, int) {
	if p.state == sending && now.After(p.ends.Add(shortest)) {
		p.state = awaiting // nobody asks for padding
	}
	if p.state != awaiting {
		return Pending, 0
	}
	late := now.After(p.ends.Add(rtt + patience))
	if e.epoch.Add(e.latestAt).Before(p.ends) && !late {
		return Pending, 0
	}
	outcome, rate := e.probed(p.tag)
	switch outcome {
	case Carried:
		p.pause = 0
		p.Stop(now, again)
	case Saturated:
		p.pause = min(max(p.pause*3/2, firstPause), longPause)
		p.compare(rate)
		if e.Underdog() && !p.Steady() {
			p.pause = shortPause
		}
		p.Stop(now, p.pause)
	case Void, Confirmed:
		p.Stop(now, max(p.pause, patience))
	}
	return outcome, int(rate)
}

// compare counts in how many sequential failures the capacity was the same.
func (p *Prober) compare(rate float64) {
	if rate < 0.97*p.rate || rate > 1.03*p.rate {
		p.same = 0
	}
	p.rate = rate
	p.same++
}

// Steady reports whether probes find the same capacity again and again. Where others share the link it would change.
func (p *Prober) Steady() bool { return p.same > 3 }

// Eager lets the next probe begin at most that long after the last: there are signs that it will succeed, or much
// depends on it.
func (p *Prober) Eager(pause time.Duration) {
	if soon := p.ends.Add(pause); soon.Before(p.next) {
		p.next = soon
	}
}
