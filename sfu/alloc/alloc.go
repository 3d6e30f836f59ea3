// Package alloc shares out a subscriber's bandwidth among the tracks that it gets: which rung of its ladder each takes.
//
// An [Allocator] is a pure machine with one owner: it has no clock and no lock, and it allocates no memory once it has
// seen its tracks.
//
// Audio comes first and is only subtracted here. Then each track gets its lowest rung in the order of priority, and
// then the step with the most benefit per bit is taken, again and again, until one does not fit. Benefit grows with the
// logarithm of resolution and frame rate; steps that are not worth their bits compared with a later one are skipped,
// and no picture is larger than its tile (see steps.go). Since the order of the steps does not depend on the budget,
// more bandwidth never means less for anybody, once all have their lowest rung.
//
// Two plans are made that way: what may be kept with all of the estimate, and what may be begun with a margin. Each
// track stays where it was if that lies between them, and bit rates are smoothed, so jitter of neither makes it switch.
// Going down is done at once. Going up waits until congestion is over, switches one spatial layer at a time, and does
// not try again soon what has just failed (see rise.go).
//
// A server that carries no more takes something from all its subscribers, whatever their bandwidth (see squeeze.go).
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
	Server               // the squeeze
)

// Decision is what a track gets.
type Decision struct {
	Rung int // index of the rung; -1: paused
	Why  Why
	Hold bool // until the keyframe of a lower encoding comes, the old one may go on, in its lowest temporal layer
}

// Allocator decides for one subscriber. The zero value is ready.
type Allocator struct {
	used, need, wanted int
	squeeze            Squeeze
	tracks             []track // in the order of the last call
	order              []int   // indices of tracks, first come first served
	reordered          time.Time
	called             time.Time
	rise               rise
}

// track is what is known of one.
type track struct {
	id                uint32
	known             bool
	priority          Priority // in force: a new speaker has to wait a little
	shown             int
	spatial, temporal uint8    // of the rung that was decided last
	weight            float64  // of the track's benefit
	rates             []smooth // of the rungs
	steps             []step   // up the ladder, the lowest rung first
	capped            bool     // the tile shows no more than the last step
	withheld          bool     // the squeeze leaves no more than the last step
	at                int      // steps taken, 0: paused
	plan              int      // steps that a plan gives it
}

// Used is what the last decisions take, in bit/s, audio included.
func (a *Allocator) Used() int { return a.used }

// Need is the estimate, in bit/s with audio and margin, that the next step takes, whatever else it may be waiting for.
// 0: nothing more is wanted. The prober aims for it.
func (a *Allocator) Need() int { return a.need }

// Wanted is what all tracks take at the best rung that their tiles show, in bit/s, audio included.
func (a *Allocator) Wanted() int { return a.wanted }

// Congested says that the path is congested now: nothing goes up for a while, and what went up just before is held
// back.
func (a *Allocator) Congested(now time.Time) { a.rise.congested(now) }

// Probed says that a probe has shown that the path carries rate (bit/s, everything counted): what was held back and
// fits is forgiven.
func (a *Allocator) Probed(rate int) { a.rise.probed(rate) }

// Unproven says whether there are no probes, so that what failed has to be tried again sooner.
func (a *Allocator) Unproven(none bool) { a.rise.unproven = none }

// Squeeze says how much is taken from all from now on.
func (a *Allocator) Squeeze(level Squeeze) { a.squeeze = level }

const (
	slack        = 1.03 // the videos may be that much above the estimate less audio before something goes down,
	lowestSlack  = 1.15 // and if it is only lowest rungs: a pause is worse than a little delay
	margin       = 1.05 // what is left of the estimate must be that much above the need before something goes up
	reorderApart = 2 * time.Second
)

// Allocate appends to into[:0] a decision for each track, in the order of tracks. The estimate is what the path
// carries in all, audio what is reserved of it for audio, both in bit/s. What is decided is within the estimate, except
// that what was decided before may come to exceed it by 3 %, and if all are at their lowest rungs, by 15 %.
func (a *Allocator) Allocate(now time.Time, estimate, audio int, tracks []Track, into []Decision) []Decision {
	a.recall(tracks)
	a.arrange(now, tracks)
	passed := now.Sub(a.called)
	a.called = now
	for i := range tracks {
		a.tracks[i].prepare(&tracks[i], a.squeeze.offered(tracks[i].Rungs), passed)
	}
	a.ration()
	a.fall(now, estimate-audio)
	a.climb(now, estimate-audio, audio, tracks)
	a.sum(audio)
	into = into[:0]
	for i := range tracks {
		into = append(into, a.tracks[i].decision())
	}
	a.hold(estimate-audio, tracks, into)
	return into
}

// recall puts what is known of the tracks into their order.
func (a *Allocator) recall(tracks []Track) {
	same := len(tracks) == len(a.tracks)
	for i := 0; same && i < len(tracks); i++ {
		same = tracks[i].ID == a.tracks[i].id
	}
	if same {
		return
	}
	now := make([]track, len(tracks))
	a.order = a.order[:0]
	for i := range tracks {
		now[i].id = tracks[i].ID
		for j := range a.tracks {
			if a.tracks[j].id == tracks[i].ID {
				now[i] = a.tracks[j]
			}
		}
		a.order = append(a.order, i)
	}
	a.tracks = now
}

// arrange brings tracks into the order in which they get their lowest rung.
func (a *Allocator) arrange(now time.Time, tracks []Track) {
	allowed := now.Sub(a.reordered) >= reorderApart
	for i := range tracks {
		t, want := &a.tracks[i], tracks[i].Priority
		t.shown = max(tracks[i].Shown, 0)
		switch {
		case !t.known, max(want, t.priority) > Speaker:
			t.priority = want
		case want != t.priority && allowed:
			t.priority, a.reordered = want, now
		}
		t.known = true
	}
	for n := 1; n < len(a.order); n++ {
		for i := n; i > 0 && a.tracks[a.order[i]].before(&a.tracks[a.order[i-1]]); i-- {
			a.order[i], a.order[i-1] = a.order[i-1], a.order[i]
		}
	}
}

func (t *track) before(other *track) bool {
	if t.priority != other.priority {
		return t.priority > other.priority
	}
	if t.shown != other.shown {
		return t.shown > other.shown
	}
	return t.id < other.id
}

// plan shares out a budget: the lowest rungs in order, and then the steps with the most benefit per bit. A lowest rung
// that does not fit lets only much smaller ones pass, lest two of about the same rate take turns, and no upgrades,
// unless it takes so much of the budget that it is unlikely ever to fit.
func (a *Allocator) plan(budget int) {
	if a.top() <= budget { // the usual case, and what follows takes its time in large rooms
		for i := range a.tracks {
			a.tracks[i].plan = len(a.tracks[i].steps)
		}
		return
	}
	left, pass, upgrades := budget, budget, true
	for _, i := range a.order {
		t := &a.tracks[i]
		t.plan = 0
		if len(t.steps) == 0 {
			continue
		}
		switch rate := t.steps[0].rate; {
		case rate <= min(left, pass):
			t.plan = 1
			left -= rate
		default:
			pass = min(pass, rate/2)
			upgrades = upgrades && rate > budget/2
		}
	}
	for upgrades {
		t := a.next(planned)
		if t == nil || t.more(t.plan) > left {
			return
		}
		left -= t.more(t.plan)
		t.plan++
	}
}

func planned(t *track) int { return t.plan }
func taken(t *track) int   { return t.at }

// top is what all tracks take at their last step.
func (a *Allocator) top() int {
	sum := 0
	for i := range a.tracks {
		if steps := a.tracks[i].steps; len(steps) > 0 {
			sum += steps[len(steps)-1].rate
		}
	}
	return sum
}

// next is the track whose next step gives the most benefit per bit, nil if none has one; has says how many each has,
// and those that have none at all are left out.
func (a *Allocator) next(has func(*track) int) *track {
	var best *track
	most := -1.0
	for _, i := range a.order {
		t := &a.tracks[i]
		n := has(t)
		if n == 0 || n == len(t.steps) {
			continue
		}
		worth := t.steps[n].worth * t.weight
		if t.at > n {
			worth *= loyalty
		}
		if worth > most {
			best, most = t, worth
		}
	}
	return best
}

// fall takes away at once what the budget does not carry any more.
func (a *Allocator) fall(now time.Time, budget int) {
	limit := slack
	if a.lowest() {
		limit = lowestSlack
	}
	if flowing := a.flowing(); flowing == 0 || float64(flowing) <= float64(budget)*limit {
		return
	}
	a.plan(budget)
	for i := range a.tracks {
		if t := &a.tracks[i]; t.plan < t.at {
			t.at = t.plan
		}
	}
	a.rise.fell(now)
}

// lowest reports whether no track has more than its lowest rung.
func (a *Allocator) lowest() bool {
	for i := range a.tracks {
		if a.tracks[i].at > 1 {
			return false
		}
	}
	return true
}

// flowing is the sum of all tracks' rates.
func (a *Allocator) flowing() int {
	sum := 0
	for i := range a.tracks {
		sum += a.tracks[i].rate()
	}
	return sum
}

// sum adds up what is used and wanted, and what the next step takes.
func (a *Allocator) sum(audio int) {
	a.used, a.wanted, a.need = audio+a.flowing(), audio+a.top(), 0
	next, factor := (*track)(nil), margin // what is paused needs none
	for _, i := range a.order {
		if t := &a.tracks[i]; t.at == 0 && len(t.steps) > 0 {
			next, factor = t, 1
			break
		}
	}
	if next == nil {
		next = a.next(taken)
	}
	if next != nil {
		a.need = audio + int(float64(a.used-audio+next.more(next.at))*factor) + 1
	}
}

// decision says what a track gets.
func (t *track) decision() Decision {
	d := Decision{Rung: -1, Why: Bandwidth}
	if t.at > 0 {
		last := t.steps[t.at-1]
		d.Rung, t.spatial, t.temporal = last.rung, last.spatial, last.temporal
	}
	switch {
	case t.at < len(t.steps):
	case t.withheld:
		d.Why = Server
	case t.capped:
		d.Why = Choice
	default:
		d.Why = Free
	}
	return d
}

const holdMost = 1.25 // of the budget, for the time that a keyframe takes

// hold says whether old encodings may go on until keyframes of lower ones come: if that makes the queue little longer.
func (a *Allocator) hold(budget int, tracks []Track, decisions []Decision) {
	sum := a.flowing()
	for i := range tracks {
		if held := tracks[i].held(decisions[i].Rung); held >= 0 {
			decisions[i].Hold = true
			sum += tracks[i].Rungs[held].Bitrate - a.tracks[i].rate()
		}
	}
	if float64(sum) <= holdMost*float64(budget) {
		return
	}
	for i := range decisions {
		decisions[i].Hold = false
	}
}

// held is the lowest rung of the encoding that flows, if that is above what was decided, -1 otherwise.
func (t *Track) held(decided int) int {
	if decided < 0 || t.Current < 0 || t.Current >= len(t.Rungs) ||
		t.Rungs[t.Current].Spatial <= t.Rungs[decided].Spatial {
		return -1
	}
	for i := range t.Rungs {
		if t.Rungs[i].Spatial == t.Rungs[t.Current].Spatial {
			return i
		}
	}
	return -1
}
