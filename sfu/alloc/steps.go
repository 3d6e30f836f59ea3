package alloc

import (
	"math"
	"time"
)

const (
	tolerance  = 1.25 // a picture may have that much fewer pixels than its tile
	loyalty    = 1.3  // how much more worth a step is that has been taken
	straighten = 0.9  // a step is skipped if it is less than that of the worth of the one after it
	usualRate  = 30   // frames per second where nothing is known
	smoothRate = 15   // frames per second from which motion looks like motion
)

// step leads to a rung from the one before it, the first from nothing.
type step struct {
	rung              int
	spatial, temporal uint8
	rate              int     // bit/s of the rung
	benefit           float64 // of the rung
	worth             float64 // benefit gained per bit
}

// benefit is what a viewer has of a rung, on a logarithmic scale. A camera's motion counts twice below 15 frames per
// second, a screen's hardly.
func (t *Track) benefit(r *Rung) float64 {
	for i := range t.Rungs {
		if t.Rungs[i].Pixels <= 0 {
			return 1.3 * math.Log2(float64(max(r.Bitrate, 1))) // sizes cannot be compared, and bits are for something
		}
	}
	rate := max(r.FrameRate, 1)
	if r.FrameRate <= 0 {
		rate = usualRate
	}
	pixels, motion := math.Log2(float64(r.Pixels)), math.Log2(rate)
	if t.Detail {
		return 2.5*pixels + 0.5*motion
	}
	if smooth := math.Log2(smoothRate); motion < smooth {
		motion -= smooth - motion
	}
	return 1.25*pixels + motion
}

// prepare finds a track's steps, which are among the offered lowest rungs, and where on them it is.
func (t *track) prepare(track *Track, offered int, passed time.Duration) {
	t.smoothen(track.Rungs, passed)
	was := t.at > 0
	t.steps, t.capped, t.withheld, t.at = t.steps[:0], track.Shown <= 0, false, 0
	if track.Shown <= 0 || len(track.Rungs) == 0 {
		return
	}
	largest := covering(track)
	pixels := 0
	for i := range track.Rungs {
		r := &track.Rungs[i]
		if largest > 0 && r.Pixels > largest {
			t.capped = true
			continue
		}
		if i >= offered {
			t.withheld = true
			break
		}
		pixels = max(pixels, r.Pixels)
		t.add(step{i, r.Spatial, r.Temporal, max(int(t.rates[i].rate), 1), track.benefit(r), 0})
	}
	t.weight = weight(t.priority, min(track.Shown, pixels))
	if was {
		t.find()
	}
}

const (
	smoothOver = 8 * time.Second // measured bit rates are smoothed once more
	smoothMost = 0.2             // unless they are off by such a share: then something has changed
)

// smooth is a rung's bit rate without the jitter.
type smooth struct {
	spatial, temporal uint8
	rate              float64
}

func (t *track) smoothen(rungs []Rung, passed time.Duration) {
	if len(t.rates) != len(rungs) {
		t.rates = make([]smooth, len(rungs))
	}
	weight := min(passed.Seconds()/smoothOver.Seconds(), 1)
	for i := range rungs {
		r, s := &rungs[i], &t.rates[i]
		off := float64(r.Bitrate) - s.rate
		if s.spatial != r.Spatial || s.temporal != r.Temporal || math.Abs(off) > smoothMost*s.rate {
			*s = smooth{r.Spatial, r.Temporal, float64(r.Bitrate)}
			continue
		}
		s.rate += weight * off
	}
}

// covering is the number of pixels of the smallest picture that covers the tile; 0: none is known to.
func covering(track *Track) int {
	least := 0
	for i := range track.Rungs {
		p := track.Rungs[i].Pixels
		if p > 0 && float64(p)*tolerance >= float64(track.Shown) && (least == 0 || p < least) {
			least = p
		}
	}
	return least
}

// add appends a step, and removes those before it that are not worth their bits beside it.
func (t *track) add(s step) {
	for len(t.steps) > 0 {
		last := &t.steps[len(t.steps)-1]
		if s.benefit <= last.benefit {
			if s.rate > last.rate {
				return // it costs more and gives nothing
			}
			t.steps = t.steps[:len(t.steps)-1]
			continue
		}
		s.worth = (s.benefit - last.benefit) / float64(max(s.rate-last.rate, 1))
		if len(t.steps) == 1 || last.worth >= straighten*s.worth {
			break
		}
		t.steps = t.steps[:len(t.steps)-1]
	}
	t.steps = append(t.steps, s)
}

// weight is how much a track's benefit counts: more by priority, and by the side of its tile.
func weight(p Priority, pixels int) float64 {
	w := [...]float64{Other: 1, Speaker: 1.5, Pinned: 3, Screen: 4}[min(p, Screen)]
	if pixels == 0 {
		return w
	}
	return w * math.Sqrt(float64(pixels)/(1280*720))
}

// find sets at to the step that was taken, or if it is gone, to the next lower one.
func (t *track) find() {
	for i := range t.steps {
		s := &t.steps[i]
		if s.spatial < t.spatial || s.spatial == t.spatial && s.temporal <= t.temporal {
			t.at = i + 1
		}
	}
}

// rate is what the track takes where it is.
func (t *track) rate() int {
	if t.at == 0 {
		return 0
	}
	return t.steps[t.at-1].rate
}

// more is what one step more than taken takes.
func (t *track) more(taken int) int {
	if taken == 0 {
		return t.steps[0].rate
	}
	return t.steps[taken].rate - t.steps[taken-1].rate
}
