package sfu

import (
	"sync"
	"time"
)

// switchOffAfter is how long nobody must have wanted a layer before its publisher is told that it need not send it.
const switchOffAfter = 5 * time.Second

// layerDemand is who wants a layer, and whether its publisher was told to leave it out.
type layerDemand struct {
	mu       sync.Mutex
	wanted   int       // guarded by mu; receivers whose target it is
	released time.Time // guarded by mu; when the last of them let go
	off      bool      // guarded by mu; the publisher was told so
	woken    time.Time // guarded by mu; when that was taken back
}

// add notes a receiver more. It reports whether the publisher has to be told at once.
func (d *layerDemand) add() (wake bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted++
	return d.off
}

// remove notes a receiver less.
func (d *layerDemand) remove(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wanted--; d.wanted == 0 {
		d.released = now
	}
}

// any reports whether anybody wants the layer.
func (d *layerDemand) any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted > 0
}

// switchedOff reports whether the publisher was told to leave the layer out.
func (d *layerDemand) switchedOff() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

// expected reports whether a layer that does not flow would, if it were wanted.
func (d *layerDemand) expected(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off || now.Sub(d.woken) < absentAfter
}

// missed reports whether a layer is wanted, and its publisher has had the time to send it.
func (d *layerDemand) missed(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted > 0 && !d.off && now.Sub(d.woken) >= absentAfter
}

// decide says whether the publisher should send the layer, and takes for granted that it is told. A layer that is
// absent though it may be sent is not switched off: it would be taken for one that can be had again, or, of a camera
// that went off before anybody knew its layers, never be wanted by anybody.
func (d *layerDemand) decide(now time.Time, absent bool) (active bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.released.IsZero() || absent && !d.off {
		d.released = now // the layer is new, or will be when it comes: nobody can have wanted it before
	}
	active = d.wanted > 0 || now.Sub(d.released) < switchOffAfter
	if active && d.off {
		d.woken = now
	}
	d.off = !active
	return active
}
