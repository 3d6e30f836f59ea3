package signaling

import "time"

// Limits of the contract on what a client may send.
const (
	framesAllowed    = 200 // more within framesSpan is a flood
	framesSpan       = time.Second
	malformedAllowed = 49 // one more within malformedSpan is a flood
	malformedSpan    = 10 * time.Second
)

// window tells whether more than a number of events happened within a span of time, exactly: it remembers as many.
type window struct {
	span    time.Duration
	allowed int
	times   []time.Time // of the last allowed events: a ring, once there were so many
	next    int
}

func newWindow(allowed int, span time.Duration) *window {
	return &window{span: span, allowed: allowed}
}

// hit counts an event and reports whether it is one too many.
func (w *window) hit(now time.Time) bool {
	if len(w.times) < w.allowed {
		w.times = append(w.times, now)
		return false
	}
	oldest := w.times[w.next]
	w.times[w.next] = now
	w.next = (w.next + 1) % len(w.times)
	return now.Sub(oldest) < w.span
}
