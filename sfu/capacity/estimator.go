package capacity

import (
	"math"
	"time"
)

// Sample is what a process has used.
type Sample struct {
	CPU    time.Duration // so far, of all cores together
	Sent   uint64        // bytes so far
	Reader time.Duration // for how long the busiest reader of media was at work so far
	People int           // now
}

const (
	shortest  = 200 * time.Millisecond // between samples that say anything
	enough    = 3                      // people whose cost says something,
	lasting   = 10 * time.Second       // when they have been there for so long
	costsOver = 5 * time.Second        // costs are averaged
	joinsOver = 3 * time.Second        // a join costs
)

// resources are CPU, egress, and the busiest reader of media: packets of one sender are taken in on one core, which may
// be full while others are idle.
const resources = 3

// Estimator watches what people cost. It has one owner, who hands in the time.
type Estimator struct {
	limits    Limits
	resources [resources]resource
	squeezer  squeezer

	sampled time.Time // zero: never
	present int       // people, when last sampled
	joining time.Time // when many have come at once last
	people  float64   // averaged as their costs are
	since   time.Time // when the averages began; zero: not now
	state   State
}

// NewEstimator returns an Estimator.
func NewEstimator(l Limits) *Estimator {
	l = l.withDefaults()
	e := &Estimator{limits: l, state: State{people: l.People}}
	e.resources[0] = newResource(LimitCPU, l.CPU*float64(l.Cores))
	e.resources[1] = newResource(LimitEgress, float64(l.Egress)/8)
	e.resources[2] = newResource(LimitCPU, l.CPU)
	return e
}

// State is what it believes now.
func (e *Estimator) State() State { return e.state }

// Add takes a sample, about once a second.
func (e *Estimator) Add(now time.Time, s Sample) State {
	passed := now.Sub(e.sampled)
	first := e.sampled.IsZero()
	if !first && passed < shortest {
		return e.state
	}
	e.sampled = now
	for i, counted := range [resources]float64{s.CPU.Seconds(), float64(s.Sent), s.Reader.Seconds()} {
		e.resources[i].count(counted, passed)
	}
	was := e.present
	e.present = s.People
	if first {
		return e.state
	}
	e.squeezer.judge(now, passed, &e.resources, s.People)
	for i := range e.resources {
		e.resources[i].idle(s.People == 0 && was == 0)
	}
	if s.People-was > max(1, s.People/50) {
		e.joining = now
	}
	if now.Sub(e.joining) >= joinsOver { // else it is the joins that cost
		e.learn(now, passed, s.People)
	}
	e.conclude()
	return e.state
}

// learn averages what people cost.
func (e *Estimator) learn(now time.Time, passed time.Duration, people int) {
	if people < enough || e.squeezer.level > 0 {
		e.since = time.Time{}
		return
	}
	weight := 1.0
	if e.since.IsZero() {
		e.since = now
	} else {
		weight = 1 - math.Exp(-passed.Seconds()/costsOver.Seconds())
	}
	e.people += weight * (float64(people) - e.people)
	for i := range e.resources {
		r := &e.resources[i]
		r.use += weight * (r.now - r.use)
		if now.Sub(e.since) >= lasting {
			r.assess(e.people)
		}
	}
}

// conclude sums up.
func (e *Estimator) conclude() {
	s := &e.state
	s.CPU, s.Egress = max(e.resources[0].recent, e.resources[2].recent), e.resources[1].recent
	s.Cores = e.resources[0].recent * e.limits.CPU * float64(e.limits.Cores)
	s.Squeeze, s.known, s.full, s.limit = e.squeezer.level, false, false, ""
	for i := range e.resources {
		r := &e.resources[i]
		if r.most > 0 && (!s.known || int(r.most) < s.most) {
			s.known, s.most, s.limit = true, int(r.most), r.name
		}
	}
	if e.squeezer.level > 0 {
		s.full, s.limit = true, e.squeezer.culprit
	}
}
