package bwe

import "time"

const (
	noiseFor  = 1500 * time.Millisecond // the least of that time, and of the one before, is noise
	noiseMost = 15 * time.Millisecond

	bunched = 0.1 // of the packets
)

// noise is by how much packets come later than the base even though nothing waits: on a radio link single ones come
// as fast as no others do. A queue that stays looks the same, but lets nothing come faster than the bottleneck is.
type noise struct {
	since    time.Duration
	old, now time.Duration

	at      time.Duration // when the newest packet came
	bunches float64       // share of packets that came sooner after the one before than the bottleneck lets them
}

// arrived notes a packet that takes the bottleneck that long.
func (n *noise) arrived(at, takes time.Duration) {
	if takes >= time.Millisecond {
		n.bunches -= n.bunches / 64
		if at-n.at < takes/2 {
			n.bunches += 1.0 / 64
		}
	}
	n.at = at
}

// take notes a queue that was measured, and returns what of it is noise: the least of the last 1.5 to 3 s.
func (n *noise) take(at, queue time.Duration) time.Duration {
	if passed := at - n.since; passed > noiseFor || passed < 0 {
		n.since, n.old, n.now = at, n.now, queue
	}
	n.now = min(n.now, queue)
	if n.bunches < bunched {
		return 0
	}
	return min(n.now, n.old, noiseMost)
}
