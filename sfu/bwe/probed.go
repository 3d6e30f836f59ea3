package bwe

import (
	"math"
	"time"
)

const (
	scarce   = 0.08 // of a probe is lost beyond what always is, besides chance: it does not fit
	notable  = 1.06 // times what was measured is more
	muchMore = 1.25
	flat     = 8 * time.Millisecond // a queue that rises by less does not rise
)

// cluster sums up what arrived of a probe.
type cluster struct {
	count, bytes     int
	gone             int // bytes of them lost behind the bottleneck, or in a queue too short to be seen
	sentFrom, sentTo time.Duration
	cameFrom, cameTo time.Duration
	head, tail       time.Duration // least delay of the first and the last third of it
	hasHead, hasTail bool
	dropped          int
	first            int // bytes of the first that came
}

// overflowed reports whether the queue lost packets of a probe.
func (c *cluster) overflowed() bool { return c.dropped >= 2 && c.dropped*20 > c.count }

// cluster finds the packets of a probe.
func (e *Estimator) cluster(tag uint8) (c cluster) {
	for i := range e.samples.len() {
		x := e.samples.back(i)
		if x.tag != tag {
			continue
		}
		sent := x.at - x.delay
		if c.count == 0 || x.at <= c.cameFrom {
			c.first = int(x.size + x.gone)
		}
		if c.count == 0 {
			c.sentFrom, c.sentTo, c.cameFrom, c.cameTo = sent, sent, x.at, x.at
		}
		c.sentFrom, c.sentTo = min(c.sentFrom, sent), max(c.sentTo, sent)
		c.cameFrom, c.cameTo = min(c.cameFrom, x.at), max(c.cameTo, x.at)
		c.count++
		c.bytes += int(x.size + x.gone)
		c.gone += int(x.gone)
	}
	if e.tag == tag {
		c.dropped = e.dropped
	}
	third := (c.sentTo - c.sentFrom) / 3
	for i := range e.samples.len() {
		x := e.samples.back(i)
		if x.tag != tag {
			continue
		}
		if sent := x.at - x.delay; sent <= c.sentFrom+third {
			if !c.hasHead || x.delay < c.head {
				c.head, c.hasHead = x.delay, true
			}
		} else if sent >= c.sentTo-third {
			if !c.hasTail || x.delay < c.tail {
				c.tail, c.hasTail = x.delay, true
			}
		}
	}
	return c
}

// probed says what a probe showed, and takes it in.
func (e *Estimator) probed(tag uint8) (Outcome, float64) {
	c := e.cluster(tag)
	if c.count < 5 || !c.hasHead || !c.hasTail || c.sentTo-c.sentFrom < shortest/2 || c.cameTo <= c.cameFrom {
		return Void, 0
	}
	bits := float64(c.bytes-c.first) * 8 * e.Arriving()
	sent, came := bits/(c.sentTo-c.sentFrom).Seconds(), bits/(c.cameTo-c.cameFrom).Seconds()
	if lost := float64(c.gone) / float64(c.bytes); lost-e.losses.inherent > scarce+1/math.Sqrt(float64(c.count)) {
		// More is lost than ever: a queue too short to be seen, or a policer.
		rate := float64(c.bytes-c.gone-c.first) * 8 / (c.cameTo - c.cameFrom).Seconds()
		e.fits(rate)
		e.losses.overflow = max(c.cameTo-e.delays.ahead, 1)
		if !e.congests {
			e.set(min(e.estimate, share*rate))
		}
		return Saturated, rate
	}
	rise := c.tail - c.head
	if rise < flat && c.tail-e.delays.least() < 2*suspect && !c.overflowed() {
		rate := min(sent, came*1.03)
		if e.capacity > 0 && !e.proven && rate > share*e.capacity && rate < notable*e.capacity {
			// It is what was measured, but for jitter.
			if !e.congests {
				e.set(max(e.estimate, share*e.capacity))
			}
			return Confirmed, rate
		}
		switch {
		case e.portion(rate) == 0 && rate > muchMore*e.capacity:
			e.capacity = 0 // that was long ago
		case rate > e.capacity:
			e.fits(rate / share)
			e.proven = true
		}
		if !e.congests {
			e.set(max(e.estimate, rate))
		}
		return Carried, rate
	}
	edge := min(c.head+5*time.Millisecond, c.tail-rise/2)
	rate, ok := e.samples.busy(edge, longest, shortest/2)
	rate *= e.Arriving()
	if !ok {
		if came < 0.9*sent*e.Arriving() && rise < 30*time.Millisecond && e.portion(came) == 0 {
			return Void, 0 // a burst of its own, with gaps
		}
		rate = came
	}
	e.fits(rate)
	if !e.congests {
		e.set(share * rate)
	}
	return Saturated, rate
}
