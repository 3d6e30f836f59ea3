package alloc

import "time"

const (
	calmAfter    = time.Second            // nothing goes up so soon after congestion
	sinkAfter    = 400 * time.Millisecond // nor after something had to go down, for whatever reason
	resumeAfter  = 300 * time.Millisecond // and nothing that is paused comes back so soon after it
	spatialApart = 200 * time.Millisecond // nothing goes up so soon after a spatial switch: its keyframe is on the way
	failsWithin  = 4 * time.Second        // congestion so soon after going up is taken for its consequence
	heldFirst    = 5 * time.Second
	heldMost     = time.Minute
	heldUnproven = 10 * time.Second // likewise, where no probe may forgive
	heldBelow    = 0.96             // of what failed: bit rates are not quite what they were
)

// rise knows when it is too early to go up.
type rise struct {
	calm     time.Time // when there was congestion
	sank     time.Time // when something had to go down
	switched time.Time // when a spatial layer went up
	raised   time.Time // when something went up, or was still on its way
	need     int       // bit/s in all that it took; 0: it has proven itself, or failed
	failed   int       // bit/s in all that failed; 0: none
	until    time.Time // when that may be tried again
	held     time.Duration
	unproven bool // there are no probes
}

// congested notes congestion.
func (r *rise) congested(now time.Time) {
	r.calm = now
	r.fell(now)
}

// fell notes that something had to go down. What went up just before is held back, each time for longer.
func (r *rise) fell(now time.Time) {
	r.sank = now
	if r.need == 0 {
		return
	}
	if now.Sub(r.raised) <= failsWithin {
		most := heldMost
		if r.unproven {
			most = heldUnproven
		}
		r.failed, r.held = r.need, min(max(2*r.held, heldFirst), most)
		r.until = now.Add(r.held)
	}
	r.need = 0
}

// probed forgives.
func (r *rise) probed(rate int) {
	if rate >= r.failed {
		r.failed, r.held, r.calm, r.sank = 0, 0, time.Time{}, time.Time{}
	}
}

// pass lets what has been up for long enough prove itself.
func (r *rise) pass(now time.Time) {
	if r.need > 0 && now.Sub(r.raised) > failsWithin {
		if r.need >= r.failed {
			r.failed, r.held = 0, 0
		}
		r.need = 0
	}
}

// climb goes up as far as the budget and the time since the last trouble allow. What is paused begins with its lowest
// picture at once; else one track at a time changes its spatial layer.
func (a *Allocator) climb(now time.Time, budget, audio int, tracks []Track) {
	r := &a.rise
	for i := range a.tracks {
		if t := &a.tracks[i]; r.need > 0 && t.at > 0 && tracks[i].Current < t.steps[t.at-1].rung {
			r.raised = now
		}
	}
	r.pass(now)
	if now.Sub(r.calm) < resumeAfter {
		return
	}
	most := int(float64(budget) * slack)
	a.plan(most)
	a.resume(now, most, audio)
	if now.Sub(r.calm) < calmAfter || now.Sub(r.sank) < sinkAfter || now.Sub(r.switched) < spatialApart {
		return
	}
	budget = int(float64(budget) / margin)
	if held := int(float64(r.failed)*heldBelow) - audio; r.failed > 0 && now.Before(r.until) && held < budget {
		budget = held
	}
	a.plan(budget)
	a.yield(budget, false)
	left, slot := budget-a.flowing(), true
	for _, i := range a.order {
		t := &a.tracks[i]
		if t.at > 0 && tracks[i].Current < 0 {
			t.plan = min(t.plan, t.lowest()) // its first picture is still on the way
		}
		if t.at == 0 || t.plan <= t.at {
			continue
		}
		spatial := t.steps[t.plan-1].spatial != t.steps[t.at-1].spatial
		more := t.steps[t.plan-1].rate - t.rate()
		if more > left || spatial && !slot {
			continue
		}
		t.at = t.plan
		left -= more
		if spatial {
			slot, r.switched = false, now
		}
		r.raised, r.need = now, a.flowing()+audio
	}
}

// yield takes from those who by the plan are to have less, if there is no room for others who are to have more: the
// order has changed, or what is shown. For the sake of upgrades nothing is paused.
func (a *Allocator) yield(budget int, paused bool) {
	lack, gains := a.flowing()-budget, false
	for i := range a.tracks {
		if t := &a.tracks[i]; t.plan > t.at && paused == (t.at == 0) {
			gains = true
			lack += t.more(t.at)
		}
	}
	if !gains || lack <= 0 {
		return
	}
	for i := range a.tracks {
		if t := &a.tracks[i]; t.plan < t.at && (paused || t.plan > 0) {
			t.at = t.plan
		}
	}
}

// resume begins what is paused, with the lowest picture. A frozen one is the worst of all, so it does not wait long.
func (a *Allocator) resume(now time.Time, budget, audio int) {
	a.yield(budget, true)
	left := budget - a.flowing()
	for _, i := range a.order {
		t := &a.tracks[i]
		if t.at > 0 || t.plan == 0 {
			continue
		}
		if more := t.steps[0].rate; more <= left {
			t.at = 1
			left -= more
			a.rise.raised, a.rise.need = now, a.flowing()+audio
		}
	}
}

// lowest is how many steps lead to no other spatial layer than the lowest.
func (t *track) lowest() int {
	n := 1
	for n < len(t.steps) && t.steps[n].spatial == t.steps[0].spatial {
		n++
	}
	return n
}
