package capacity

import (
	"slices"
	"time"

	"parley/sfu/alloc"
)

const (
	// A limit is exceeded for so long before the squeeze rises, time below it taken off; some of it is left over for the
	// next level. With a sample a second that is the third sample, and then each second one.
	patience = 2500 * time.Millisecond
	leftOver = 500 * time.Millisecond

	sinkAfter     = 10 * time.Second // of room for the level below
	comfort       = 0.9              // of the limit, which the level below must stay within,
	ample         = 0.6              // and within which it may be tried although it failed
	sparesUsually = 1.25
	sparesMost    = 4

	takesEffect = 6 * time.Second // a change
	failsWithin = 30 * time.Second
	heldFirst   = 30 * time.Second // what failed is not tried again for so long, twice as long each time
	heldMost    = 10 * time.Minute
)

// squeezer finds the level at which what is used fits.
type squeezer struct {
	level   alloc.Squeeze
	culprit string        // what led to it
	excess  time.Duration // for which a limit has been exceeded
	roomy   time.Time     // since when there is room for the level below; zero: there is not
	lowered time.Time     // when the level last sank; zero: it has risen since, or has proven itself
	until   time.Time     // when it may sink again
	held    time.Duration // the last such time
	trial   trial
}

// trial is a change whose effect is waited for.
type trial struct {
	level  alloc.Squeeze // what it spares is measured; 0: nothing
	up     bool
	began  time.Time
	before [resources]float64 // share in use for each person, before
}

// judge takes what was used lately.
func (s *squeezer) judge(now time.Time, passed time.Duration, all *[resources]resource, people int) {
	if people == 0 {
		*s = squeezer{}
		return
	}
	if s.trial.level > 0 && now.Sub(s.trial.began) >= takesEffect {
		s.measure(all, people)
	}
	if !s.lowered.IsZero() && now.Sub(s.lowered) > failsWithin {
		s.lowered, s.held = time.Time{}, 0 // it has proven itself
	}
	if slices.ContainsFunc(all[:], func(r resource) bool { return r.now > 1 }) {
		s.excess = min(s.excess+passed, patience)
	} else {
		s.excess = max(s.excess-passed, 0)
	}
	switch {
	case s.excess >= patience && s.level < alloc.MostSqueeze:
		s.rise(now, all, people)
	case s.level > 0 && s.room(now, all):
		s.sink(now, all, people)
	}
}

// room reports whether there has been room for the level below for long enough.
func (s *squeezer) room(now time.Time, all *[resources]resource) bool {
	would := 0.0
	for i := range all {
		would = max(would, all[i].below(s.level))
	}
	if would > comfort {
		s.roomy = time.Time{}
		return false
	}
	if s.roomy.IsZero() {
		s.roomy = now
	}
	return now.Sub(s.roomy) >= sinkAfter && (!now.Before(s.until) || would <= ample)
}

func (s *squeezer) rise(now time.Time, all *[resources]resource, people int) {
	if !s.lowered.IsZero() {
		s.held = min(max(2*s.held, heldFirst), heldMost)
		s.until = now.Add(s.held)
	}
	s.level++
	s.culprit = worst(all).name
	s.excess, s.lowered = leftOver, time.Time{}
	s.change(now, all, people, s.level, true)
}

func (s *squeezer) sink(now time.Time, all *[resources]resource, people int) {
	s.level--
	s.lowered = now
	s.change(now, all, people, s.level+1, false)
}

// change notes a change between that level and the one below.
func (s *squeezer) change(now time.Time, all *[resources]resource, people int, level alloc.Squeeze, up bool) {
	s.measure(all, people)
	s.roomy = time.Time{}
	s.trial = trial{level: level, up: up, began: now}
	for i := range all {
		s.trial.before[i] = all[i].recent / float64(people)
	}
}

// measure ends the trial.
func (s *squeezer) measure(all *[resources]resource, people int) {
	for i := range all {
		more, less := s.trial.before[i], all[i].recent/float64(people)
		if !s.trial.up {
			more, less = less, more
		}
		if s.trial.level > 0 && less > 0 {
			all[i].spares[s.trial.level] = min(max(more/less, 1), sparesMost)
		}
	}
	s.trial = trial{}
}
