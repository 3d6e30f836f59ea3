package sim

import (
	"math"
	"slices"
	"time"
)

// inTime is how old a picture may be when it is decoded, and late how much longer than the path takes a voice.
const (
	inTime = 400 * time.Millisecond
	late   = 200 * time.Millisecond
)

// Result is what happened in a scenario.
type Result struct {
	Scenario    Scenario
	Seed        uint64
	Subscribers []Record

	tallies []*tally
}

// Rate is what a subscriber's pictures that were captured in a span and decoded in time add up to, each at its rung's
// nominal bits, in bit/s.
func (r *Result) Rate(sub int, span Span) float64 {
	bits := 0
	for _, p := range r.Subscribers[sub].Pictures {
		if p.At-p.Captured <= inTime && span.holds(p.Captured) {
			bits += p.Bits
		}
	}
	return float64(bits) / (span.To - span.From).Seconds()
}

// Score is the mean over windows of a second of the rate, none more than the oracle's, over the oracle's.
func (r *Result) Score(sub int, span Span) float64 {
	got, best := 0.0, 0.0
	for at := span.From; at+time.Second <= span.To; at += time.Second {
		oracle := float64(rate(r.Scenario.Oracle(sub, at)))
		got += min(r.Rate(sub, Span{at, at + time.Second}), oracle)
		best += oracle
	}
	return got / best
}

// Reach is how long it takes from the beginning of a span until pictures of a second amount to a share of the oracle's
// rate. Windows begin every half second; infinite: never.
func (r *Result) Reach(sub int, span Span, share float64) float64 {
	for at := span.From; at+time.Second <= span.To; at += time.Second / 2 {
		bits, window := 0, Span{at, at + time.Second}
		for _, p := range r.Subscribers[sub].Pictures {
			if p.At-p.Captured <= inTime && window.holds(p.At) {
				bits += p.Bits
			}
		}
		if float64(bits) >= share*float64(rate(r.Scenario.Oracle(sub, at))) {
			return (window.To - span.From).Seconds()
		}
	}
	return math.Inf(1)
}

// Queue is the 95th percentile of the time in seconds that packets spent in the bottleneck's queue.
func (r *Result) Queue(sub int, span Span) float64 {
	var all []time.Duration
	for _, q := range r.Subscribers[sub].Queued {
		if span.holds(q.At) {
			all = append(all, q.For)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)*95/100].Seconds()
}

// Gap is the longest time in seconds without a new picture, on any of the tracks that the oracle feeds.
func (r *Result) Gap(sub int, span Span) float64 {
	longest := time.Duration(0)
	for track, rung := range r.Scenario.Oracle(sub, span.From) {
		if rung < 0 {
			continue
		}
		last := span.From
		for _, p := range r.Subscribers[sub].Pictures {
			if p.Track == track && p.At < span.To {
				if p.At >= span.From {
					longest = max(longest, p.At-last)
				}
				last = p.At
			}
		}
		longest = max(longest, span.To-last)
	}
	return longest.Seconds()
}

// Back is how long it takes in seconds until all tracks that the oracle feeds have shown a new picture.
func (r *Result) Back(sub int, span Span) float64 {
	longest := 0.0
	for track, rung := range r.Scenario.Oracle(sub, span.From) {
		if rung < 0 {
			continue
		}
		first := math.Inf(1)
		for _, p := range r.Subscribers[sub].Pictures {
			if p.Track == track && p.Captured >= span.From {
				first = (p.At - span.From).Seconds()
				break
			}
		}
		longest = max(longest, first)
	}
	return longest
}

// BadAudio is the share of voices' packets that were lost or late.
func (r *Result) BadAudio(sub int, span Span) float64 {
	all, bad := 0, 0
	for _, v := range r.Subscribers[sub].Voices {
		if span.holds(v.Captured) {
			all++
			if v.At == 0 || v.At-v.Captured > r.Scenario.Delay+late {
				bad++
			}
		}
	}
	return float64(bad) / float64(max(all, 1))
}

// Switches are changes of rungs per minute, over all tracks.
func (r *Result) Switches(sub int, span Span) float64 {
	n := 0
	for _, c := range r.Subscribers[sub].Changes {
		if span.holds(c.At) {
			n++
		}
	}
	return float64(n) / (span.To - span.From).Minutes()
}

// Fits is how long it takes in seconds until what the allocator gives, with audio, is within the capacity.
func (r *Result) Fits(sub int, span Span) float64 {
	rungs := [videoTracks]int{-1, -1, -1}
	room := r.Scenario.share(span.From) - audioRate
	since := math.Inf(1)
	for _, c := range r.Subscribers[sub].Changes {
		if c.At >= span.From && rate(rungs) <= room {
			break
		}
		rungs[c.Track] = c.To
		since = (max(c.At, span.From) - span.From).Seconds()
	}
	if rate(rungs) > room {
		return math.Inf(1)
	}
	return since
}

// Sent is what was sent in bit/s, Received what arrived, padding included.
func (r *Result) Sent(sub int, span Span) float64 {
	return r.sum(sub, span, func(s *Sample) int { return s.Sent })
}

// Received is what arrived in bit/s, padding included.
func (r *Result) Received(sub int, span Span) float64 {
	return r.sum(sub, span, func(s *Sample) int { return s.Received })
}

// Padding is the share of the sent bytes that is padding.
func (r *Result) Padding(sub int, span Span) float64 {
	return r.sum(sub, span, func(s *Sample) int { return s.Padding }) / max(r.Sent(sub, span), 1)
}

// Added is the longest time in seconds that padding made another packet wait.
func (r *Result) Added(sub int, span Span) float64 {
	longest := time.Duration(0)
	for _, q := range r.Subscribers[sub].Queued {
		if span.holds(q.At) {
			longest = max(longest, q.Added)
		}
	}
	return longest.Seconds()
}

// Boldness is the greatest ratio of the estimate to what may be believed without proof: the best rate that arrived so
// far over a second, or half as much again as is sent.
func (r *Result) Boldness(sub int, span Span) float64 {
	proven, boldest := 0.0, 0.0
	for _, s := range r.Subscribers[sub].Samples {
		second := Span{s.At - time.Second, s.At}
		if second.From < r.Scenario.Subscribers[sub].Joins {
			continue
		}
		proven = max(proven, r.Received(sub, second))
		if span.holds(s.At) {
			boldest = max(boldest, float64(s.Estimate)/max(proven, 1.5*r.Sent(sub, second)))
		}
	}
	return boldest
}

// Jain is the fairness index (R. Jain, 1984) of the subscribers' rates: 1 if they are equal.
func (r *Result) Jain(span Span) float64 {
	sum, squares := 0.0, 0.0
	for sub := range r.Subscribers {
		got := r.Rate(sub, span)
		sum += got
		squares += got * got
	}
	return sum * sum / (float64(len(r.Subscribers)) * squares)
}

// sum adds up bytes of samples and returns bit/s. A sample belongs to the span that holds its end.
func (r *Result) sum(sub int, span Span, bytes func(*Sample) int) float64 {
	samples := r.Subscribers[sub].Samples
	first, _ := slices.BinarySearchFunc(samples, span.From+1, func(s Sample, at time.Duration) int {
		return int(s.At - at)
	})
	total := 0
	for i := first; i < len(samples) && samples[i].At <= span.To; i++ {
		total += bytes(&samples[i])
	}
	return float64(total*8) / (span.To - span.From).Seconds()
}
