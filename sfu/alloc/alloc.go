// Package alloc shares out a subscriber's bandwidth among the tracks that it gets: which rung of its ladder each takes.
//
// An [Allocator] is a pure machine with one owner: it has no clock and no lock, and it allocates nothing once it has
// seen its tracks. Audio comes before everything and is only subtracted here. Then each track gets its lowest rung in
// the order of priority, then the upgrade with the most benefit per bit, again and again, while the budget lasts.
package alloc

import (
	"math"
	"time"
)

// Unlimited is the Shown of a track of whose tile nothing is known.
const Unlimited = math.MaxInt

// Rung is a step of a track's ladder.
type Rung struct {
	Bitrate   int     // bit/s on the wire that the track takes at this rung (cumulative: all that the decoder needs)
	Pixels    int     // of the picture; 0: not known
	FrameRate float64 // 0: not known
	Spatial   uint8   // which encoding or spatial layer: to change it takes a keyframe or a switching point
	Temporal  uint8
}

// Priority says whose lowest rung comes first. Higher first.
type Priority uint8

// The priorities.
const (
	Other Priority = iota
	Speaker
	Pinned
	Screen
)

// Track is a video track of which the subscriber may get one rung.
type Track struct {
	ID       uint32
	Priority Priority
	Detail   bool   // prefers resolution over frame rate (screen share)
	Shown    int    // pixels of the tile; Unlimited if nothing was said; 0: hidden, costs nothing
	Rungs    []Rung // rising; empty: nothing to be had
	Current  int    // index of the rung that really flows (a switch up waits for its keyframe), -1: none
}

// Why says why a track does not get more than it gets.
type Why uint8

// The reasons.
const (
	Free      Why = iota // it gets all that there is
	Bandwidth            // want of bandwidth
	Choice               // its tile shows no more, or is hidden
)

// Decision is what a track gets.
type Decision struct {
	Rung int // index of the rung; -1: paused
	Why  Why
}

// Allocator decides for one subscriber. The zero value is ready.
type Allocator struct {
	used, need, wanted int
	congested          time.Time
}

// Congested says that the path is congested now: nothing goes up for a while, and what went up just before is held.
func (a *Allocator) Congested(now time.Time) { a.congested = now }

// Probed says that a probe has shown that the path carries rate (bit/s, everything counted): holds on what fits below
// it are forgiven.
func (a *Allocator) Probed(now time.Time, rate int) {}

// Used is what the last decisions take, in bit/s, audio included.
func (a *Allocator) Used() int { return a.used }

// Need is the estimate, in bit/s with audio and margin, that the next upgrade takes, whatever else it may be waiting
// for. 0: nothing more is wanted. The prober aims for it.
func (a *Allocator) Need() int { return a.need }

// Wanted is what all tracks take at the best rung that their tiles show, in bit/s, audio included.
func (a *Allocator) Wanted() int { return a.wanted }

// margin is how far above its need the estimate must be for a rung to be taken.
func margin(need int) int { return need + need/20 }

// Allocate appends to into[:0] a decision for each track, in the order of tracks. The estimate is what the path
// carries in all, audio what is reserved of it for audio, both in bit/s.
func (a *Allocator) Allocate(now time.Time, estimate, audio int, tracks []Track, into []Decision) []Decision {
	into = into[:0]
	a.used, a.need, a.wanted = audio, 0, audio
	for i := range tracks {
		into = append(into, Decision{Rung: -1})
		if t := &tracks[i]; t.Shown > 0 && len(t.Rungs) > 0 {
			a.wanted += t.Rungs[len(t.Rungs)-1].Bitrate
		}
	}
	for {
		best, cost := -1, 0
		for i := range tracks {
			t, next := &tracks[i], into[i].Rung+1
			if t.Shown == 0 || next >= len(t.Rungs) {
				continue
			}
			if c := t.Rungs[next].Bitrate; best < 0 || c < cost {
				best, cost = i, c
			}
		}
		if best < 0 {
			return into
		}
		t, next := &tracks[best], into[best].Rung+1
		more := t.Rungs[next].Bitrate
		if next > 0 {
			more -= t.Rungs[next-1].Bitrate
		}
		fits := a.used+more <= estimate
		if next > t.Current {
			fits = margin(a.used+more) <= estimate
		}
		if !fits {
			a.need = margin(a.used + more)
			for i := range into {
				if into[i].Rung+1 < len(tracks[i].Rungs) {
					into[i].Why = Bandwidth
				}
			}
			return into
		}
		a.used += more
		into[best].Rung = next
	}
}
