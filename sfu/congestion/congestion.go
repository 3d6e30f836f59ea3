// Package congestion decides how much, what and when is sent to one subscriber.
package congestion

import (
	"time"

	"parley/sfu/alloc"
	"parley/sfu/feedback"
	"parley/sfu/pace"
)

// Options of a [Controller], in bit/s.
type Options struct {
	Start int // the first estimate; 0: 500 kbit/s
	Max   int // the highest estimate; 0: 50 Mbit/s
}

// State is what a [Controller] believes, for statistics.
type State struct {
	Estimate int           // bit/s that may be sent
	Capacity int           // bit/s that the path carried when it was last full; 0: it never was
	Acked    int           // bit/s that arrive
	Queue    time.Duration // least delay over that of the empty path
	Loss     float64       // share of packets
	Limited  bool          // the application sends less than it might
	Probing  bool
	Relaxed  bool // everything wanted is sent, at once
}

// Controller is the congestion control towards one subscriber.
type Controller[T any] struct {
	pacer  pace.Pacer[T]
	alloc  alloc.Allocator
	number uint16
	start  int
}

// New returns a Controller.
func New[T any](o Options, _ time.Time) *Controller[T] {
	if o.Start == 0 {
		o.Start = 500_000
	}
	return &Controller[T]{start: o.Start}
}

// May reports whether a packet may be sent at once.
func (c *Controller[T]) May(now time.Time, class pace.Class, _ int) bool { return c.pacer.May(now, class) }

// Queue has a packet wait for [Controller.Next].
func (c *Controller[T]) Queue(now time.Time, class pace.Class, track uint32, size int, item T) {
	c.pacer.Queue(now, class, track, size, item)
}

// Next returns the packet that leaves now, if there is one. The caller reports it as Sent.
func (c *Controller[T]) Next(now time.Time) (item T, class pace.Class, ok bool) { return c.pacer.Next(now) }

// Flush drops the waiting video of a track, the newest first.
func (c *Controller[T]) Flush(track uint32, drop func(item T)) { c.pacer.Flush(track, drop) }

// Padding returns how many bytes of padding are to be sent now.
func (c *Controller[T]) Padding(time.Time) int { return 0 }

// Sent notes a packet that is sent and returns its transport-wide number.
func (c *Controller[T]) Sent(time.Time, pace.Class, int) uint16 {
	c.number++
	return c.number - 1
}

// MayResend reports whether a packet may be sent again.
func (c *Controller[T]) MayResend(time.Time, int) bool { return true }

// Busy reports whether Next and Padding are to be called every 5 ms.
func (c *Controller[T]) Busy() bool { return c.pacer.Waiting() > 0 }

// Feedback takes what transport-wide feedback says.
func (c *Controller[T]) Feedback(time.Time, []feedback.Arrival) {}

// REMB takes the receiver's own estimate, in bit/s.
func (c *Controller[T]) REMB(time.Time, int) {}

// Report takes what a receiver report says.
func (c *Controller[T]) Report(time.Time, float64, time.Duration) {}

// RTT tells the round trip time.
func (c *Controller[T]) RTT(time.Duration) {}

// Tick lets time pass.
func (c *Controller[T]) Tick(time.Time) {}

// Allocate decides what each track gets; it appends to into[:0].
func (c *Controller[T]) Allocate(now time.Time, tracks []alloc.Track, into []alloc.Decision) []alloc.Decision {
	return c.alloc.Allocate(now, c.start, 100_000, tracks, into)
}

// State returns what the controller believes.
func (c *Controller[T]) State() State { return State{Estimate: c.start} }
