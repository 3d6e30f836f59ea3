package sfu

import "time"

const (
	flowWindow = time.Second    // what a flow averages over
	flowEnds   = 5 * flowWindow // without a packet nothing flows any more
)

// flow measures how much goes by. It has one owner.
type flow struct {
	since time.Time // the present window began
	bytes int       // in it
	rate  float64   // bit/s in the window before
}

// add counts a packet.
func (f *flow) add(now time.Time, bytes int) {
	if passed := now.Sub(f.since); passed >= flowWindow {
		f.rate = float64(f.bytes) * 8 / passed.Seconds()
		f.since, f.bytes = now, 0
	}
	f.bytes += bytes
}

// bitrate is in bit/s, over about the last second, or since something last came if that is longer ago.
func (f *flow) bitrate(now time.Time) int {
	switch passed := now.Sub(f.since); {
	case passed < flowWindow:
		return int(f.rate)
	case passed < flowEnds:
		return int(float64(f.bytes) * 8 / passed.Seconds())
	}
	return 0
}
