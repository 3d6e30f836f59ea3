// Package congestion decides how much, what and when is sent to one subscriber: a [Controller] is the estimator and the
// prober (sfu/bwe), the pacer (sfu/pace) and the allocator (sfu/alloc) as one machine. It has one owner, who hands in
// the time and asks of each packet whether it [Controller.May] be sent at once; if not, it is queued and comes back
// from [Controller.Next]. All that is sent is numbered by [Controller.Sent]; feedback on it goes to
// [Controller.Feedback], and [Controller.Allocate] says what to send of each track.
//
// How they work together:
//
//   - The allocator gets the estimate, and tells what more is wanted. The prober aims for the next step of that; while
//     the path was never full it looks for all that is wanted, at most twice the estimate each time. Somebody who wants
//     little is not probed for more.
//   - The pacer shapes what is sent to the measured capacity, with a queue of at most 22 ms at the bottleneck. In
//     congestion it drains the bottleneck's queue: it knows from the latest feedback, what was sent since and the
//     capacity how long that is. Audio passes. As long as no capacity is known it paces at twice the estimate.
//   - If a queue takes longer than 400 ms to drain, video pauses, and keyframes are asked for when it is nearly gone:
//     that is sooner seen than frames that waited, which would be too late. For the same reason what has waited in the
//     pacer for 350 ms makes video begin anew.
//   - If all pictures are paused for 12 s though nothing is congested, the first one is tried without proof that it
//     fits: none may be frozen for good.
//   - When everything wanted is sent and nothing was wrong for 3 s, the state is relaxed: all packets leave at once,
//     nothing is shaped or probed, and the 5 ms clock rests ([Controller.Busy]).
package congestion

import (
	"time"

	"parley/sfu/alloc"
	"parley/sfu/bwe"
	"parley/sfu/feedback"
	"parley/sfu/pace"
)

// Options of a [Controller], in bit/s.
type Options struct {
	Start int // the first estimate; 0: 500 kbit/s
	Max   int // the highest estimate; 0: 50 Mbit/s
}

// Controller is the congestion control towards one subscriber: it has one owner, who hands in the time.
type Controller[T any] struct {
	options   Options
	estimator *bwe.Estimator
	prober    bwe.Prober
	pacer     pace.Pacer[T]
	alloc     alloc.Allocator
	audio     audio
	resends   resends
	dark      dark

	rtt       time.Duration
	congested bool      // when last looked at
	deep      bool      // the queue is so long that video pauses until it is gone
	drops     int       // probes since the last congestion that look for the capacity before it
	rungs     int       // stands for all that was decided last
	changed   time.Time // when that was
	relaxed   bool
	calm      time.Time // since when there is no sign of congestion
}

// unknownRTT stands for the round trip time until it is known.
const unknownRTT = 100 * time.Millisecond

// New returns a Controller.
func New[T any](o Options, now time.Time) *Controller[T] {
	if o.Start <= 0 {
		o.Start = bwe.Start
	}
	if o.Max <= 0 {
		o.Max = bwe.DefaultMax
	}
	c := &Controller[T]{options: o, estimator: bwe.New(o.Start, o.Max, now), rtt: unknownRTT}
	c.audio.began, c.calm, c.resends.began = now, now, now
	c.shape(now)
	return c
}

// Moved tells that packets take another path from now on: what was learnt of the former one is forgotten. What waits
// still leaves, by and by.
func (c *Controller[T]) Moved(now time.Time) {
	c.estimator.Moved(c.options.Start, now)
	c.prober, c.dark, c.rtt, c.drops = bwe.Prober{}, dark{}, unknownRTT, 0
	c.congested, c.deep, c.relaxed, c.calm = false, false, false, now
	c.shape(now)
}

// May reports whether a packet may be sent at once.
func (c *Controller[T]) May(now time.Time, class pace.Class) bool {
	return c.pacer.May(now, class)
}

// Queue has a packet wait for [Controller.Next].
func (c *Controller[T]) Queue(now time.Time, class pace.Class, track uint32, size int, item T) {
	c.pacer.Queue(now, class, track, size, item)
}

// Next returns the packet that leaves now, if there is one. The caller reports it as Sent.
func (c *Controller[T]) Next(now time.Time) (item T, class pace.Class, ok bool) {
	return c.pacer.Next(now)
}

// Flush drops the waiting video of a track, which is switched down or paused, the newest first.
func (c *Controller[T]) Flush(track uint32, drop func(item T)) { c.pacer.Flush(track, drop) }

// Packets is how many packets of video wait.
func (c *Controller[T]) Packets() int { return c.pacer.Packets() }

// Flooded reports whether more video waits than the pacer should ever hold: to Allocate pauses it, so that it is
// flushed.
func (c *Controller[T]) Flooded() bool { return c.pacer.Packets() > flood }

// Padding returns how many bytes of padding are to be sent now. They belong to a probe.
func (c *Controller[T]) Padding(now time.Time) int { return c.prober.Padding(now) }

// Sent notes a packet that is sent, and returns its transport-wide number.
func (c *Controller[T]) Sent(now time.Time, class pace.Class, size int) uint16 {
	if class == pace.Audio {
		c.audio.bytes += size
	}
	tag := c.prober.Tag()
	if tag != 0 {
		c.prober.Sent(size)
	}
	c.pacer.Sent(now, size)
	return c.estimator.Sent(now, size, tag)
}

// Useless reports whether nothing is to be won by sending a packet once more that was sent with that transport-wide
// number, since ago, the first time or again: it has arrived, or may have, and feedback will soon tell. There are
// receivers that go on asking for what came as a retransmission.
func (c *Controller[T]) Useless(number uint16, since time.Duration, again bool) bool {
	known, came := c.estimator.Known(number)
	return came || again && !known && since < c.rtt+untold
}

// MayResend reports whether a packet may be sent again; if so, it is counted.
func (c *Controller[T]) MayResend(now time.Time, size int) bool {
	queue, _ := c.estimator.Queue()
	return queue <= resendQueue && c.resends.take(now, size, c.estimator.Estimate())
}

// Busy reports whether something waits or a probe runs, so that Next and Padding are to be called every 5 ms.
func (c *Controller[T]) Busy() bool { return c.pacer.Waiting() > 0 || c.prober.Tag() != 0 }

// Feedback takes what transport-wide feedback says.
func (c *Controller[T]) Feedback(now time.Time, arrivals []feedback.Arrival) {
	c.estimator.Feedback(now, arrivals)
	c.follow(now)
}

// REMB takes the receiver's own estimate, in bit/s, which counts when transport-wide feedback has never come.
func (c *Controller[T]) REMB(now time.Time, bitrate int) { c.estimator.REMB(now, bitrate) }

// Report takes the share of lost packets of all tracks and the round trip that receiver reports say, of about the last
// second ([Reception]). They steer when transport-wide feedback has never come.
func (c *Controller[T]) Report(now time.Time, lost float64, rtt time.Duration) {
	c.RTT(rtt)
	c.estimator.Report(now, lost, rtt, c.alloc.Need())
	c.alloc.Unproven(c.estimator.Deaf())
}

// RTT tells the round trip time.
func (c *Controller[T]) RTT(rtt time.Duration) {
	if rtt > 0 {
		c.rtt = min(rtt, 3*time.Second)
	}
}

// Tick lets time pass.
func (c *Controller[T]) Tick(now time.Time) {
	c.estimator.Tick(now)
	c.audio.tick(now)
	c.follow(now)
}

// Squeeze says how much the server takes from all its subscribers from now on.
func (c *Controller[T]) Squeeze(level alloc.Squeeze) { c.alloc.Squeeze(level) }

// Allocate decides what each track gets; it appends to into[:0].
func (c *Controller[T]) Allocate(now time.Time, tracks []alloc.Track, into []alloc.Decision) []alloc.Decision {
	into = c.alloc.Allocate(now, c.available(now), c.audio.rate(), tracks, into)
	rungs, paused := 0, c.alloc.Need() > 0
	for i := range into {
		rungs = 31*rungs + into[i].Rung
		paused = paused && into[i].Rung < 0
	}
	c.dark.note(now, paused, c.congested || c.estimator.Holds())
	if rungs != c.rungs {
		c.rungs, c.changed = rungs, now
	}
	c.probe(now)
	return into
}

// available is what may be sent, in bit/s.
func (c *Controller[T]) available(now time.Time) int {
	if c.estimator.Blind() || c.pausing(now) {
		return 0
	}
	estimate := c.estimator.Estimate()
	if capacity := c.estimator.Capacity(); !c.congested && estimate <= capacity && !c.estimator.Shared() {
		estimate += estimate * 35 / 1000
	}
	if !c.congested && c.pacer.Delay(now) > maxDelay {
		// What waits is to be gone soon.
		return max(estimate/2, estimate-c.pacer.Waiting()*8)
	}
	return max(estimate, c.dark.dares(now, c.alloc.Need()))
}

// State returns what the controller believes.
func (c *Controller[T]) State() State {
	s := State{
		Estimate: c.estimator.Estimate(), Acked: c.estimator.Acked(),
		Probing: c.prober.Active(), Relaxed: c.relaxed, Congested: c.congested,
	}
	s.Capacity = c.estimator.Capacity()
	s.Queue, _ = c.estimator.Queue()
	s.Loss, s.Inherent = c.estimator.Loss()
	s.Limited = float64(s.Acked) < 0.85*float64(s.Estimate)
	return s
}

// State is what a [Controller] believes, for statistics.
type State struct {
	Estimate  int           // bit/s that may be sent
	Capacity  int           // bit/s that the path carried when it was last full; 0: it never was
	Acked     int           // bit/s that arrive
	Queue     time.Duration // least delay over that of the empty path
	Loss      float64       // share of packets
	Inherent  float64       // share of packets that the path loses whatever is sent
	Congested bool
	Limited   bool // the application sends less than it might
	Probing   bool
	Relaxed   bool // everything wanted is sent, at once
}
