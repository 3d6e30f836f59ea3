package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// Hard are paths besides those of the acceptance, on which nothing may go wrong badly.
func Hard() []Case {
	return append(hardJitter(), deaf())
}

// hardJitter are radio links, whose packets come late, in bunches, though nothing waits.
func hardJitter() []Case {
	minute := seconds(0, 60)
	limits := func(share float64) []Limit {
		return []Limit{score(minute, share, ""), gap(settled(minute), 1, ""), badAudio(minute, 0.03, "")}
	}
	var cases []Case
	for i, ms := range []int{50, 100} {
		c := Case{Number: 1, Variant: string(rune('a' + i)), Title: "1 Mbit/s, jitter", Scenario: during(1_000_000, minute),
			Limits: limits([]float64{0.88, 0.65}[i])}
		c.Scenario.Jitter = time.Duration(ms) * time.Millisecond
		cases = append(cases, c)
	}
	c := Case{
		Number: 1, Variant: "c", Title: "2 Mbit/s, jitter of a normal distribution", Scenario: during(2_000_000, minute),
		Limits: limits(0.85)}
	c.Scenario.Noise = func(r *rand.Rand) time.Duration {
		return time.Duration(math.Abs(r.NormFloat64()) * 30 * float64(time.Millisecond))
	}
	return append(cases, c)
}

// deaf gets no transport-wide feedback.
func deaf() Case {
	first, low, high := seconds(0, 35), seconds(35, 70), seconds(70, 100)
	c := Case{Number: 2, Title: "only receiver reports: 1 Mbit/s, 500 kbit/s, 2 Mbit/s", Scenario: during(1_000_000, high)}
	c.Scenario.Deaf = true
	c.Scenario.Capacity = []Step{{0, 1_000_000}, {low.From, 500_000}, {high.From, 2_000_000}}
	c.Limits = []Limit{
		score(first, 0.75, ""), score(low, 0.7, ""), score(high, 0.5, ""),
		queue(settled(first), 0.35, ""), queue(settled(low), 0.35, ""),
		badAudio(settled(first), 0.2, ""), badAudio(settled(low), 0.15, ""),
	}
	return c
}
