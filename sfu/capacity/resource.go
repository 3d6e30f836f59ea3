package capacity

import (
	"math"
	"time"

	"parley/sfu/alloc"
)

const (
	recently    = 1500 * time.Millisecond // that recent is averaged over
	spike       = 1.25                    // what is above that counts as that, lest a moment tell for long
	fill        = 0.95                    // of a limit is for people; the rest is for what they vary in
	significant = 0.02                    // of a limit: people who use less say nothing of how many fit
	steady      = 0.05                    // by which the people that fit may be off before they are told anew
	mostPeople  = 1_000_000
)

// resource is one thing that runs out. Uses are shares of its limit.
type resource struct {
	name    string
	limit   float64 // a second; 0: none
	counted float64 // so far

	now    float64 // since the sample before
	recent float64 // averaged over a little while
	use    float64 // averaged as the number of people is
	base   float64 // of the idle process
	based  bool    // base is of this time without anybody
	most   float64 // people that fit; 0: not known

	// spares is by what factor use falls from the level below to each; 0: not known.
	spares [alloc.MostSqueeze + 1]float64
}

func newResource(name string, limit float64) resource { return resource{name: name, limit: limit} }

// count takes the counter.
func (r *resource) count(counted float64, passed time.Duration) {
	used := counted - r.counted
	r.counted = counted
	if r.limit <= 0 {
		return
	}
	r.now = max(used, 0) / passed.Seconds() / r.limit
	r.recent += (1 - math.Exp(-passed.Seconds()/recently.Seconds())) * (min(r.now, spike) - r.recent)
}

// idle learns what is used without anybody: the least, since whatever ends or begins makes it more.
func (r *resource) idle(resting bool) {
	switch {
	case !resting:
		r.based = false
	case !r.based:
		r.based, r.base = true, r.now
	default:
		r.base = min(r.base, r.now)
	}
}

// assess finds how many people fit, given how many use what is used.
func (r *resource) assess(people float64) {
	used := r.use - r.base
	if used < significant || people <= 0 {
		return
	}
	most := min(max(fill-r.base, 0)/used*people, mostPeople)
	if math.Abs(most-r.most) > steady*r.most {
		r.most = max(most, enough) // fewer could never be learned of again
	}
}

// below is what would be used at the level below that one.
func (r *resource) below(level alloc.Squeeze) float64 {
	spares := r.spares[level]
	if spares == 0 {
		spares = sparesUsually
	}
	return r.recent * spares
}

// worst is the one that is used most.
func worst(all *[resources]resource) *resource {
	w := &all[0]
	for i := range all {
		if all[i].recent > w.recent {
			w = &all[i]
		}
	}
	return w
}
