// Package rate tells whether something happens too often. It is pure: time is handed in.
package rate

import "time"

// Limit tells whether something has happened too often within a span of time, exactly: it remembers when it did.
type Limit struct {
	most  int // at least 1
	span  time.Duration
	times []time.Time // of the last ones, at most so many: a ring
	next  int         // the oldest of them, once there are so many
}

// New makes a limit of so many within a span.
func New(most int, span time.Duration) *Limit { return &Limit{most: most, span: span} }

// Full reports whether one more would be one too many.
func (l *Limit) Full(now time.Time) bool {
	return len(l.times) == l.most && now.Sub(l.times[l.next]) < l.span
}

// Add counts one.
func (l *Limit) Add(now time.Time) {
	if len(l.times) < l.most {
		l.times = append(l.times, now)
		return
	}
	l.times[l.next] = now
	l.next = (l.next + 1) % l.most
}

// Hit counts one, too many or not, and reports whether it is.
func (l *Limit) Hit(now time.Time) bool {
	full := l.Full(now)
	l.Add(now)
	return full
}

// Idle reports whether what has happened no longer matters.
func (l *Limit) Idle(now time.Time) bool {
	if len(l.times) == 0 {
		return true
	}
	latest := (l.next + len(l.times) - 1) % len(l.times)
	return now.Sub(l.times[latest]) >= l.span
}
