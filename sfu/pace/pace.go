// Package pace decides when the packets towards a subscriber leave.
//
// A [Pacer] keeps a model of the bottleneck on the path: a queue that drains at a known rate. All that is sent goes
// into it, feedback corrects it, and a packet may leave while less than a limit waits there. What may not leave yet
// waits here instead, where it does no harm: audio passes it, retransmissions pass video, and the frames of a layer
// that is given up can still be dropped. With a generous rate and limit (nothing is known against the path) whole
// frames leave at once; with the rate of a congested path they trickle out as it takes them.
//
// It is pure: one owner, time handed in, no allocation once the queues have grown to their size.
package pace

import "time"

// Class is what kind of packet it is; lower ones go first.
type Class uint8

// The classes.
const (
	Audio Class = iota
	Retransmission
	Video
	Padding
)

// Pacer holds the packets of one subscriber. The zero value lets everything through at once.
type Pacer[T any] struct {
	queues  [Padding]queue[T]
	waiting int // bytes in the queues

	rate    float64 // bytes per second that the bottleneck takes; 0: everything at once
	limit   float64 // bytes that may wait there before we stop
	backlog float64 // bytes that wait there, we believe
	at      time.Time
}

// Shape sets how fast the bottleneck drains, in bit/s, and how much of a queue it may have. A rate of 0 lets everything
// through at once.
func (p *Pacer[T]) Shape(now time.Time, rate int, limit time.Duration) {
	p.drain(now)
	p.rate = float64(rate) / 8
	p.limit = p.rate * limit.Seconds()
	if rate == 0 {
		p.backlog = 0
	}
}

// Correct replaces what the model believes of the bottleneck's queue, in bytes, by what was measured.
func (p *Pacer[T]) Correct(now time.Time, backlog float64) {
	p.at = now
	p.backlog = max(0, backlog)
}

// Backlog is the believed queue at the bottleneck in bytes.
func (p *Pacer[T]) Backlog(now time.Time) float64 {
	p.drain(now)
	return p.backlog
}

func (p *Pacer[T]) drain(now time.Time) {
	if elapsed := now.Sub(p.at); elapsed > 0 {
		p.backlog = max(0, p.backlog-elapsed.Seconds()*p.rate)
		p.at = now
	}
}

// May reports whether a packet may leave at once: none of its class or of one before it waits, and the bottleneck has
// room. Audio is small, comes first, and finds room always.
func (p *Pacer[T]) May(now time.Time, class Class) bool {
	if p.waiting > 0 {
		for c := Audio; c <= min(class, Video); c++ {
			if p.queues[c].len() > 0 {
				return false
			}
		}
	}
	return class == Audio || p.room(now)
}

func (p *Pacer[T]) room(now time.Time) bool {
	if p.rate == 0 {
		return true
	}
	p.drain(now)
	return p.backlog <= p.limit
}

// Sent puts what was sent into the model.
func (p *Pacer[T]) Sent(now time.Time, size int) {
	if p.rate == 0 {
		return
	}
	p.drain(now)
	p.backlog += float64(size)
}

// Queue has a packet wait. There is no waiting padding.
func (p *Pacer[T]) Queue(now time.Time, class Class, track uint32, size int, item T) {
	p.queues[min(class, Video)].push(entry[T]{item: item, track: track, size: size, since: now})
	p.waiting += size
}

// Next returns the packet that leaves now, if there is one. The caller reports it as Sent.
func (p *Pacer[T]) Next(now time.Time) (item T, class Class, ok bool) {
	if p.waiting == 0 {
		return item, 0, false
	}
	for class := range p.queues {
		q := &p.queues[class]
		if q.len() == 0 {
			continue
		}
		if Class(class) != Audio && !p.room(now) {
			break
		}
		e := q.pop()
		p.waiting -= e.size
		return e.item, Class(class), true
	}
	return item, 0, false
}

// Flush drops the waiting video of a track, the newest first.
func (p *Pacer[T]) Flush(track uint32, drop func(item T)) {
	p.waiting -= p.queues[Video].remove(track, drop)
}

// Packets is how many packets of video wait.
func (p *Pacer[T]) Packets() int { return p.queues[Video].len() }

// Waiting is how many bytes wait.
func (p *Pacer[T]) Waiting() int { return p.waiting }

// Delay is how long the first waiting packet of video has been waiting.
func (p *Pacer[T]) Delay(now time.Time) time.Duration {
	q := &p.queues[Video]
	if q.len() == 0 {
		return 0
	}
	return now.Sub(q.first().since)
}
