package sfu

import (
	"sync"
	"time"
)

// keyframeInterval is the least time between two requests for one layer: an encoder that is asked more often spends its
// bits on keyframes alone.
const keyframeInterval = 500 * time.Millisecond

// keyframeRequests asks the publisher of one layer for keyframes: at once for the first who waits, then at most once
// per keyframeInterval, until one comes. However many wait, one request serves them.
type keyframeRequests struct {
	send func() // static; sends a PLI (RFC 4585, 6.3.1)

	mu     sync.Mutex
	wanted bool      // guarded by mu; someone has waited since the last keyframe
	asked  time.Time // guarded by mu
}

// request is called when a receiver needs a keyframe.
func (k *keyframeRequests) request(now time.Time) {
	k.mu.Lock()
	k.wanted = true
	due := k.due(now)
	k.mu.Unlock()
	if due {
		k.send()
	}
}

// packet is called for each packet of the layer: the clock by which requests are repeated. A layer that sends nothing
// has nothing to make a keyframe of.
func (k *keyframeRequests) packet(now time.Time, keyframe bool) {
	k.mu.Lock()
	if keyframe {
		k.wanted = false
	}
	due := k.due(now)
	k.mu.Unlock()
	if due {
		k.send()
	}
}

// due must be called with mu held.
func (k *keyframeRequests) due(now time.Time) bool {
	if !k.wanted || now.Sub(k.asked) < keyframeInterval {
		return false
	}
	k.asked = now
	return true
}
