// Package capacity knows how many more people a server carries, and says how much all of them are to be squeezed when
// it carries no more: an [Estimator] is a pure machine that is fed what the process uses, a [Meter] feeds one.
//
// What a person costs is measured: the use of each resource less that of the idle process, over the people present,
// both smoothed alike. It says nothing before a few people were there for a while, nor while they are squeezed. When a
// resource is used beyond its limit for some seconds, the squeeze rises, level by level, until it fits; it sinks by a
// level when by what that level once spared there is room for it again, and has been for a while (see squeeze.go).
package capacity

import (
	"runtime"

	"parley/sfu/alloc"
)

// DefaultCPU is the share of all cores that the server may use if nothing else is said.
const DefaultCPU = 0.9

// Limits are what the server may use.
type Limits struct {
	CPU    float64 // share of all cores; 0: [DefaultCPU]
	Cores  int     // 0: those that the process may use
	Egress int     // bit/s; 0: no limit
	People int     // 0: no limit
}

// withDefaults fills in what was not said.
func (l Limits) withDefaults() Limits {
	if l.CPU <= 0 {
		l.CPU = DefaultCPU
	}
	if l.Cores <= 0 {
		l.Cores = runtime.GOMAXPROCS(0)
	}
	return l
}

// Values of [Headroom].Limit.
const (
	LimitCPU    = "cpu"
	LimitEgress = "egress"
	LimitPeople = "people"
)

// Headroom is how many more people a server carries.
type Headroom struct {
	People int    // how many more
	Known  bool   // else nothing is known yet that limits them
	Limit  string // what does
}

// State is what an [Estimator] believes. The zero value knows nothing.
type State struct {
	Squeeze     alloc.Squeeze
	CPU, Egress float64 // share of the limit in use, over about the last 2 s; 0 without a limit
	Cores       float64 // in use, likewise

	full   bool   // nobody else may come
	most   int    // people in all that what they cost leaves room for
	known  bool   // most is
	limit  string // what limits most, or is full
	people int    // that are allowed, 0: any number
}

// Headroom is how many more than people there may be.
func (s State) Headroom(people int) Headroom {
	if s.full {
		return Headroom{0, true, s.limit}
	}
	h := Headroom{}
	if s.known {
		h = Headroom{coarse(s.most - people), true, s.limit}
	}
	if left := max(s.people-people, 0); s.people > 0 && (!h.Known || left <= h.People) {
		h = Headroom{left, true, LimitPeople}
	}
	return h
}

// coarse rounds down to what an estimate is good for.
func coarse(n int) int {
	switch {
	case n < 20:
		return max(n, 0)
	case n < 100:
		return n - n%5
	}
	unit := 10
	for n >= 100*unit {
		unit *= 10
	}
	return n - n%unit
}
