package sim

import (
	"math/rand/v2"
	"time"

	"parley/sfu/pace"
)

// link is the bottleneck: a first-in-first-out queue that drops at its tail, then a way that takes time, loses at
// random and never reorders. When a packet leaves the queue is known as it enters, so the queue needs no events.
type link struct {
	clock   *clock
	rate    []Step
	room    int // bytes
	delay   time.Duration
	jitter  time.Duration
	noise   func(r *rand.Rand) time.Duration
	noises  *rand.Rand
	loss    float64
	random  *rand.Rand
	voices  *rand.Rand // chance for audio is its own, so that what happens to video does not change what is heard
	real    fifo
	shadow  fifo // what the queue would be without padding
	arrived time.Duration
}

// fifo is what waits or is being sent.
type fifo struct {
	waiting []leaving
	bytes   int
	free    time.Duration // when the last of it has left
}

type leaving struct {
	at   time.Duration
	size int
}

// enter puts a packet in and says when it will have left; not ok: there was no room.
func (f *fifo) enter(now time.Duration, size, room int, rate []Step) (at time.Duration, ok bool) {
	gone := 0
	for gone < len(f.waiting) && f.waiting[gone].at <= now {
		f.bytes -= f.waiting[gone].size
		gone++
	}
	f.waiting = f.waiting[gone:]
	if f.bytes+size > room {
		return 0, false
	}
	f.free = leave(max(now, f.free), size, rate)
	f.bytes += size
	f.waiting = append(f.waiting, leaving{f.free, size})
	return f.free, true
}

// leave is when a packet that starts at the given moment is through, while the rate may change.
func leave(start time.Duration, size int, rate []Step) time.Duration {
	bits := float64(size) * 8
	for i, step := range rate {
		if i+1 < len(rate) && rate[i+1].At <= start {
			continue
		}
		takes := time.Duration(bits / float64(step.Rate) * float64(time.Second))
		if i+1 == len(rate) || start+takes <= rate[i+1].At {
			return start + takes
		}
		bits -= float64(step.Rate) * (rate[i+1].At - start).Seconds()
		start = rate[i+1].At
	}
	return start
}

// passage is what became of a packet at the link.
type passage struct {
	queued   time.Duration // how long it was in the queue, its own sending included
	added    time.Duration // how much of that is owed to padding
	overflow bool
}

// send lets a packet enter now. arrive is called when and if it comes out at the other end.
func (l *link) send(size int, class pace.Class, arrive func()) passage {
	now, random := l.clock.now, l.random
	if class == pace.Audio {
		random = l.voices
	}
	var ideal time.Duration
	if class != pace.Padding {
		if at, ok := l.shadow.enter(now, size, l.room, l.rate); ok {
			ideal = at - now
		}
	}
	at, ok := l.real.enter(now, size, l.room, l.rate)
	if !ok {
		return passage{overflow: true}
	}
	p := passage{queued: at - now}
	if ideal > 0 {
		p.added = p.queued - ideal
	}
	// Both are drawn in any case, so that a packet's fate does not change what others' will be.
	lost, late := random.Float64() < l.loss, time.Duration(random.Float64()*float64(l.jitter))
	if l.noise != nil {
		late += l.noise(l.noises)
	}
	if lost || arrive == nil {
		return p
	}
	l.arrived = max(l.arrived, at+l.delay+late)
	l.clock.at(l.arrived, arrive)
	return p
}
