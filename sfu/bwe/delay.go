package bwe

import "time"

const (
	slotTime = 20 * time.Millisecond
	slots    = 64 // a power of two

	baseWindow = 15 * time.Second // the base is the least of this one and the one before
	clockTurn  = (1 << 24) * 64 * time.Millisecond

	// A delay that differs from the base by more, up or down, is of another clock.
	jumpUp, jumpDown = 10 * time.Second, -500 * time.Millisecond
	jumpAhead        = 500 * time.Millisecond
)

// slot is what arrived within 20 ms by the receiver's clock.
type slot struct {
	index int64         // time / slotTime; 0: never used
	least time.Duration // delay
	bytes int
}

// delays follows the one-way delays, each with the unknown offset of the two clocks, and what arrives when. Everything
// is by the receiver's clock.
type delays struct {
	ring   [slots]slot
	newest time.Duration
	index  int64 // slot of the newest

	ahead time.Duration // most that the receiver's clock was before ours when we heard of an arrival

	begun          bool
	base, previous time.Duration // least delays of this window and of the one before
	rotated        time.Duration
}

// unwrap turns the receiver's clock into one that goes on, and has it begin far from 0.
func (d *delays) unwrap(at time.Duration) time.Duration {
	at %= clockTurn
	if !d.begun {
		return clockTurn + at
	}
	off := (at - d.newest) % clockTurn
	switch {
	case off < -clockTurn/2:
		off += clockTurn
	case off > clockTurn/2:
		off -= clockTurn // an old one, from before the turn
	}
	return d.newest + off
}

// add notes a packet that arrived at that time with that delay, of which we hear now. Where the clock jumps, everything
// begins anew, and it returns false.
func (d *delays) add(at, now, delay time.Duration, size int) bool {
	same := true
	if d.begun {
		// Nothing is heard of before it happens: a clock that is further ahead than ever has jumped.
		off := delay - d.least()
		same = off <= jumpUp && off >= jumpDown && at-now <= d.ahead+jumpAhead
	}
	if !same {
		*d = delays{}
	}
	d.ahead = max(d.ahead, at-now)
	if !d.begun {
		d.ahead = at - now
		d.begun, d.newest, d.index = true, at, int64(at/slotTime)
		d.base, d.previous, d.rotated = delay, delay, at
	}
	if at > d.newest {
		d.newest, d.index = at, int64(at/slotTime)
	}
	if at-d.rotated > baseWindow {
		d.previous, d.base, d.rotated = d.base, delay, at
	}
	d.base = min(d.base, delay)

	index := int64(at / slotTime)
	if s := &d.ring[uint64(index)%slots]; s.index == index {
		s.least = min(s.least, delay)
		s.bytes += size
	} else if s.index < index {
		*s = slot{index: index, least: delay, bytes: size}
	}
	return same
}

// least is the delay of the empty path, as far as known.
func (d *delays) least() time.Duration { return min(d.base, d.previous) }

// hold keeps the base from aging: what arrives now has waited in a queue.
func (d *delays) hold() { d.rotated = d.newest }

// rebase takes the least delay of the latest time as that of the empty path: the path, or the clock, is another.
func (d *delays) rebase(latest time.Duration) {
	if q, ok := d.queue(0, latest); ok {
		d.base = d.least() + q
		d.previous, d.rotated = d.base, d.newest
	}
}

// raise has the empty path take that much longer.
func (d *delays) raise(by time.Duration) {
	d.base = d.least() + by
	d.previous, d.rotated = d.base, d.newest
}

// queue is the least queueing delay of what arrived between from and to before the newest; false: nothing did.
func (d *delays) queue(from, to time.Duration) (least time.Duration, ok bool) {
	for i := d.index - int64(from/slotTime); i > d.index-int64(to/slotTime); i-- {
		if s := &d.ring[uint64(i)%slots]; s.index == i && i > 0 && (!ok || s.least < least) {
			least, ok = s.least, true
		}
	}
	return max(0, least-d.least()), ok
}

// acked is the rate, in bit/s, at which packets arrived in the latest time.
func (d *delays) acked(latest time.Duration) float64 {
	bytes := 0
	for i := d.index; i > d.index-int64(latest/slotTime); i-- {
		if s := &d.ring[uint64(i)%slots]; s.index == i {
			bytes += s.bytes
		}
	}
	// Of the newest slot only a part is over.
	span := latest - slotTime + d.newest%slotTime
	return float64(bytes) * 8 / max(span, slotTime).Seconds()
}
