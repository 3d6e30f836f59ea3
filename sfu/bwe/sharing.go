package bwe

import "time"

const (
	blame = time.Second // after a probe: congestion may be its consequence
	alone = 0.9         // of the link, and nobody else uses it
)

// portion is our share of a link that others use too; 0: nobody does, or it is not known.
func (e *Estimator) portion(rate float64) float64 {
	rate /= e.Arriving()
	if link := e.link.rate(); link > 0 && rate < alone*link {
		return rate / link
	}
	return 0
}

// yield is what is left of our share for the sake of fairness: who has more than half gives way, so that shares become
// equal. Somebody who has nearly all of it may well be alone.
func (e *Estimator) yield() float64 {
	switch portion := e.portion(e.capacity); {
	case portion > 0.7:
		return 1 - (alone - portion)
	case portion > 0.52:
		return 1.5 - portion
	}
	return 1
}

// Shared reports whether others use the link too.
func (e *Estimator) Shared() bool { return e.portion(e.capacity) > 0 }

// Underdog reports whether others use the link too, and we have much less than half of it.
func (e *Estimator) Underdog() bool {
	portion := e.portion(e.delays.acked(500 * time.Millisecond))
	return portion > 0 && portion < 0.47
}
