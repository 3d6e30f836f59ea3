package bwe

import "time"

const (
	lossWindow = 500 * time.Millisecond
	full       = 25 * time.Millisecond // a loss next to a packet with this delay is one of a full queue
)

// losses tells loss by congestion from that of the path itself (a radio link), which no lower rate cures. A packet that
// is lost while its neighbour waited in a queue about as long as any fell off the end of that queue. Other loss is
// learned as inherent, unless it comes suddenly and is large: that may be a policer, which has no queue. Then the rate
// is cut once, and what does not mind is inherent too.
type losses struct {
	received, lost, dropped int // of the window that runs; dropped: lost at a full queue
	open, openBytes         int // lost, and no later packet has told of the queue yet
	began                   time.Duration
	deepest                 time.Duration // queue of the last time, which fades

	overflow time.Duration // when a queue last dropped packets; 0: none did
	share    float64       // of the last window
	inherent float64
	ignored  int // windows since a cut in which the loss did not mind
	cut      bool
}

// arrived notes a packet and the queue that it found. It returns how many of the packets lost before it are known now
// to have been dropped by that queue, or how many bytes were lost behind it.
func (l *losses) arrived(queue time.Duration) (dropped, gone int) {
	l.received++
	l.deepest = max(l.deepest, queue)
	if queue > full && queue > l.deepest*3/5 {
		dropped = l.open
	} else {
		gone = l.openBytes
	}
	l.dropped += dropped
	l.open, l.openBytes = 0, 0
	return dropped, gone
}

// missed notes a packet that did not arrive.
func (l *losses) missed(size int) {
	l.lost++
	l.open++
	l.openBytes += size
}

// late takes back a loss.
func (l *losses) late() {
	l.lost = max(0, l.lost-1)
	l.dropped = min(l.dropped, l.lost)
}

// window ends the window if it is over, and reports whether its loss is by congestion.
func (l *losses) window(now time.Duration) bool {
	count := l.received + l.lost
	if now-l.began < lossWindow || count < 10 && now-l.began < 4*lossWindow {
		return false
	}
	l.deepest -= l.deepest / 50
	of := 1 / float64(max(1, count))
	share, dropped := float64(l.lost)*of, float64(l.dropped)*of
	if l.dropped > 0 {
		l.overflow = now
	}
	l.share, l.began, l.received, l.lost, l.dropped = share, now, 0, 0, 0

	excess := share - l.inherent
	switch {
	case dropped > 0.08 && excess > 0.08:
		return true
	case excess < 0.2 || l.ignored >= 3:
		if l.ignored >= 3 {
			l.inherent = share
		}
		l.inherent += 0.25 * (share - dropped - l.inherent)
		l.ignored, l.cut = 0, false
		return false
	case l.cut:
		l.ignored++
		return false
	}
	l.cut = true
	return true
}
