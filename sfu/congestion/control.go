package congestion

import (
	"time"

	"parley/sfu/bwe"
)

const (
	resendQueue = 100 * time.Millisecond // no retransmissions while the queue is longer
	untold      = 60 * time.Millisecond  // of feedback, on top of the round trip, that a resend is waited for
	maxDelay    = 250 * time.Millisecond // of video in the pacer

	staleAfter = 350 * time.Millisecond // in the pacer, and video begins anew
	flood      = 1024                   // packets in the pacer, likewise: more than a keyframe of every picture
	deepDrain  = 400 * time.Millisecond // a queue that takes longer to drain makes what waits for it too old
	resumeAt   = 130 * time.Millisecond // of it are left when keyframes are asked for, which takes about as long

	reluctance = 1500 * time.Millisecond // of the allocator, to take what is there

	tolerance = 300 * time.Millisecond // of a queue after a probe

	standing = 20 * time.Millisecond // a queue with which no probe begins
	crowded  = 0.97                  // of the capacity in use, likewise

	lossy = 0.03 // of packets: maybe the path has next to no queue

	ampleShare = 0.7 // of the capacity in use, if it is known, and the path need not be spared

	ease = 3 * time.Second // without a sign of congestion, and the pacer lets everything through
)

// follow draws the conclusions from what the estimator has seen.
func (c *Controller[T]) follow(now time.Time) {
	congested := c.estimator.Congested()
	switch {
	case congested && !c.congested:
		c.prober.Stop(now, time.Second)
		c.drops = 1
		c.alloc.Congested(now)
	case !congested && c.congested:
		c.prober.Wait(now, time.Second)
	}
	if congested {
		c.calm = now
	}
	c.congested = congested
	c.deep = congested && (c.deep || c.draining(now) > deepDrain)

	switch outcome, rate := c.prober.Judge(now, c.estimator, c.rtt); outcome {
	case bwe.Carried:
		c.alloc.Probed(rate)
		if rate*10 >= c.estimator.Interrupted()*9 {
			c.estimator.Restored()
		}
	case bwe.Confirmed:
		c.alloc.Probed(rate)
		c.estimator.Restored()
	case bwe.Saturated:
		c.calm = now
		c.alloc.Probed(c.estimator.Estimate())
		c.estimator.Restored()
		if c.drops > 0 {
			c.prober.Wait(now, time.Second<<c.drops)
			if c.drops++; c.drops > 3 {
				c.drops = 0
			}
		}
	}
	if c.estimator.Outgrown() || c.estimator.Underdog() && !c.prober.Steady() {
		c.prober.Eager(time.Second)
	}
	if !c.dark.since.IsZero() {
		c.prober.Eager(darkPause)
	}
	c.shape(now)
}

// probe begins a probe if more is wanted than is known to be there.
func (c *Controller[T]) probe(now time.Time) {
	if !c.prober.Due(now) || c.congested || c.estimator.Holds() || c.pacer.Waiting() > 0 ||
		c.estimator.Deaf() || c.full() {
		return
	}
	target, ok := c.aim(now)
	if !ok {
		return
	}
	estimate := c.estimator.Estimate()
	used := min(c.estimator.Acked(), estimate)
	if used == 0 {
		used = min(c.alloc.Used(), estimate) // nothing is known yet
	}
	// The estimate is of what arrives, a probe of what is sent.
	sent := func(rate int) int { return int(float64(rate) / c.estimator.Arriving()) }
	capacity := c.estimator.Capacity()
	rate, length := bwe.Aim(sent(target), sent(used), estimate, capacity > 0)
	if rate < sent(min(estimate, c.alloc.Need())) {
		return // it would show nothing new
	}
	c.prober.Start(now, rate, length)
	c.estimator.Tolerate(now, length+c.rtt+tolerance)
	c.shape(now)
}

// aim is the rate that is worth a probe.
func (c *Controller[T]) aim(now time.Time) (target int, ok bool) {
	estimate, need, wanted := c.estimator.Estimate(), c.alloc.Need(), c.alloc.Wanted()
	capacity := c.estimator.Capacity()
	step := min(need+need/12, estimate*3/2)
	switch {
	case c.estimator.Interrupted() > estimate:
		return c.estimator.Interrupted(), true
	case capacity == 0 && wanted+wanted/20 > estimate: // it has never been full: find out quickly
		return min(2*estimate, wanted+wanted/8), true
	case need > estimate && c.estimator.Outgrown():
		return min(estimate*3/2, wanted+wanted/8), true
	case need > estimate:
		return step, true
	case need > 0 && now.Sub(c.changed) > reluctance:
		// The allocator does not dare to take what is there, because it failed lately: let it be proven.
		c.changed = now.Add(reluctance)
		return step, true
	}
	return 0, false
}

// full reports whether the path is known to be full, so that a probe would only add to its queue.
func (c *Controller[T]) full() bool {
	capacity, used := c.estimator.Capacity(), c.alloc.Used()
	queue, _ := c.estimator.Queue()
	if used*10 > capacity*7 {
		queue = c.estimator.Delay()
	}
	if queue > standing {
		return true
	}
	if capacity == 0 || c.estimator.Proven() {
		return false
	}
	return float64(used) > crowded*float64(max(capacity, c.estimator.Estimate())) &&
		!c.estimator.Outgrown() && !c.estimator.Underdog()
}

// shape tells the pacer what the path takes.
func (c *Controller[T]) shape(now time.Time) {
	estimate := c.estimator.Estimate()
	capacity := c.estimator.Capacity()
	ample := capacity == 0 || float64(c.alloc.Used()) < ampleShare*float64(capacity)
	c.relaxed = ample && c.alloc.Wanted() > 0 && c.alloc.Need() == 0 && !c.prober.Active() && now.Sub(c.calm) > ease
	known := capacity > 0 && (c.congested || estimate <= capacity)
	switch {
	case c.relaxed:
		c.pacer.Shape(now, 0, 0)
	case known:
		rate := c.estimator.Drains()
		if !c.congested {
			rate += rate / 10
		}
		if c.prober.Tag() != 0 {
			rate = max(rate, c.prober.Target()*11/10)
		}
		limit := 22 * time.Millisecond
		switch _, inherent := c.estimator.Loss(); {
		case inherent > lossy:
			limit = 4 * time.Millisecond
		case c.estimator.Overflows(now):
			limit = 12 * time.Millisecond
		}
		c.pacer.Shape(now, rate, limit)
		c.pacer.Correct(now, c.estimator.Backlog(now))
	default:
		limit := 40 * time.Millisecond
		if _, inherent := c.estimator.Loss(); inherent > lossy {
			limit = 4 * time.Millisecond
		}
		c.pacer.Shape(now, max(2*estimate, c.prober.Target()*11/10), limit)
	}
}

// draining is how long it takes until the queue at the bottleneck is gone if only audio is sent.
func (c *Controller[T]) draining(now time.Time) time.Duration {
	capacity := c.estimator.Capacity()
	drains := max(capacity-c.audio.rate(), capacity/8, 1)
	return time.Duration(c.estimator.Backlog(now) * 8 / float64(drains) * float64(time.Second))
}

// pausing reports whether video waits for a long queue to drain. It would get too old in the pacer, and keyframes that
// arrive when the queue is gone are sooner seen than all that was held back. To pause flushes what waits in the pacer.
func (c *Controller[T]) pausing(now time.Time) bool {
	return c.deep && c.draining(now) > resumeAt || c.pacer.Delay(now) > staleAfter || c.Flooded()
}
