package alloc

import "math"

// Squeeze is how much less all subscribers get than their bandwidth and their tiles allow, because the server carries
// no more: from 0, nothing less, to [MostSqueeze]. Each level takes more away, by the same rule for everybody. Audio is
// never taken.
type Squeeze int

// The levels. From fewer on each subscriber keeps less pictures, those first that are looked at most.
const (
	topless Squeeze = 1 + iota // each picture loses its highest spatial layer, if it has another
	lowest                     // all but the lowest spatial layer
	slowest                    // and of that all but the lowest frame rate
	fewer
)

// MostSqueeze leaves no picture.
const MostSqueeze = fewer + 5

// pictures is how many of them a subscriber keeps.
func (s Squeeze) pictures() int {
	if s < fewer {
		return math.MaxInt
	}
	return [...]int{9, 6, 4, 2, 1, 0}[min(s, MostSqueeze)-fewer]
}

// offered is how many rungs, counted from the lowest, may be had.
func (s Squeeze) offered(rungs []Rung) int {
	n := len(rungs)
	switch {
	case s <= 0 || n <= 1:
	case s == topless:
		for top := rungs[n-1].Spatial; n > 0 && rungs[n-1].Spatial == top; {
			n--
		}
		if n == 0 {
			n = len(rungs) // it is the only one
		}
	case s == lowest:
		for n = 1; n < len(rungs) && rungs[n].Spatial == rungs[0].Spatial; {
			n++
		}
	default:
		n = 1
	}
	return n
}

// ration takes the pictures that the squeeze leaves no room for, from the end of the order.
func (a *Allocator) ration() {
	left := a.squeeze.pictures()
	for _, i := range a.order {
		switch t := &a.tracks[i]; {
		case len(t.steps) == 0:
		case left > 0:
			left--
		default:
			t.steps, t.at, t.withheld = t.steps[:0], 0, true
		}
	}
}
