package congestion

import "time"

const (
	darkPause = 4 * time.Second  // between two probes while all pictures are paused
	darkFor   = 12 * time.Second // of that, and the first one is tried; then for twice as long,
	darkMost  = 3                // but not more often than that
	darkTrial = 2 * time.Second
)

// dark watches for all pictures being paused for long though nothing is congested. Whatever the reason, to be frozen
// for good is worse than a moment of delay, so that the first picture is then tried without proof that it fits.
type dark struct {
	since time.Time // zero: something is shown, or better not
	until time.Time // of the trial
	rate  int       // what it takes, in bit/s
	tries int       // in sequence
}

// note takes whether all pictures are paused, and whether there is trouble that explains it.
func (d *dark) note(now time.Time, paused, trouble bool) {
	switch {
	case trouble:
		d.since, d.until = time.Time{}, time.Time{}
	case !paused:
		d.since = time.Time{}
		if now.After(d.until) {
			d.tries = 0
		}
	case d.since.IsZero():
		d.since = now
	}
}

// dares is what may be sent, in bit/s, whatever the estimate is; need is what the next picture takes.
func (d *dark) dares(now time.Time, need int) int {
	if !d.since.IsZero() && now.Sub(d.since) >= darkFor<<d.tries && need > 0 {
		d.since, d.until, d.rate = now, now.Add(darkTrial), need
		d.tries = min(d.tries+1, darkMost)
	}
	if now.Before(d.until) {
		return d.rate
	}
	return 0
}
