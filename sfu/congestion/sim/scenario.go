package sim

import (
	"math/rand/v2"
	"time"

	"parley/sfu/alloc"
)

const (
	videoTracks   = 3
	audioTracks   = 3
	audioInterval = 20 * time.Millisecond
	audioSize     = 80 // bytes on the wire: 32 kbit/s
	audioRate     = audioTracks * 32_000
	paddingSize   = 300 // what RTP padding can make of a packet
)

// Step is the bottleneck's capacity from a moment on.
type Step struct {
	At   time.Duration
	Rate int // bit/s
}

// Span is a stretch of time, from From to before To.
type Span struct{ From, To time.Duration }

func (s Span) holds(at time.Duration) bool { return at >= s.From && at < s.To }

// Traffic is somebody else's, at a constant rate through the same bottleneck.
type Traffic struct {
	Span
	Rate int // bit/s
}

// View is what a subscriber shows from a moment on: pixels of each tile.
type View struct {
	At    time.Duration
	Shown [videoTracks]int
}

// Subscriber gets three videos and three voices.
type Subscriber struct {
	Joins time.Duration
	Views []View // none: everything as large as it comes
}

// Scenario is a network and who is on it.
type Scenario struct {
	Duration    time.Duration
	Capacity    []Step
	Room        int                              // bytes of the bottleneck's queue
	Delay       time.Duration                    // one way
	Jitter      time.Duration                    // uniform, in order
	Noise       func(r *rand.Rand) time.Duration // likewise, as it is drawn; nil: none
	Loss        float64                          // behind the bottleneck
	Feedback    time.Duration                    // interval
	Deaf        bool                             // no transport-wide feedback, only receiver reports
	Blackout    Span                             // nothing comes back from the receiver
	Cross       Traffic
	Subscribers []Subscriber
}

// constant is the network of most scenarios, with one subscriber.
func constant(rate int, duration time.Duration) Scenario {
	return Scenario{
		Duration: duration, Capacity: []Step{{0, rate}}, Room: 40_000, Delay: 25 * time.Millisecond,
		Feedback: 100 * time.Millisecond, Subscribers: []Subscriber{{}},
	}
}

// shown are the tiles of a subscriber at a moment.
func (s Subscriber) shown(at time.Duration) [videoTracks]int {
	tiles := [videoTracks]int{alloc.Unlimited, alloc.Unlimited, alloc.Unlimited}
	for _, v := range s.Views {
		if v.At <= at {
			tiles = v.Shown
		}
	}
	return tiles
}

// CapacityAt is what the bottleneck carries at a moment, in bit/s.
func (s *Scenario) CapacityAt(at time.Duration) int {
	rate := 0
	for _, step := range s.Capacity {
		if step.At <= at {
			rate = step.Rate
		}
	}
	return rate
}

// share is what one subscriber may have of it: a fair part of what others leave.
func (s *Scenario) share(at time.Duration) int {
	rate, present := s.CapacityAt(at), 0
	if s.Cross.holds(at) {
		rate -= s.Cross.Rate
	}
	for _, sub := range s.Subscribers {
		if sub.Joins <= at {
			present++
		}
	}
	return rate / max(present, 1)
}

// Oracle is what one who knows the network would give each track of a subscriber: the index of its rung, -1 for none.
// Lowest rungs first, then step by step up the ladder, as long as the sum stays within 97 % of what arrives.
func (s *Scenario) Oracle(sub int, at time.Duration) (rungs [videoTracks]int) {
	rates := ladder()
	left := int(0.97 * (float64(s.share(at))*(1-s.Loss) - audioRate))
	shown := s.Subscribers[sub].shown(at)
	for i := range rungs {
		rungs[i] = -1
	}
	below := 0
	for rung, rate := range rates {
		more := rate - below
		below = rate
		for i := range rungs {
			if rungs[i] == rung-1 && rung <= highest(shown[i]) && more <= left {
				left -= more
				rungs[i] = rung
			}
		}
	}
	return rungs
}

// highest is the rung that a tile of so many pixels shows; a picture that covers nearly all of it will do.
func highest(shown int) int {
	switch {
	case shown == 0:
		return -1
	case shown <= 320*180:
		return 1
	case shown <= 640*360:
		return 3
	}
	return 5
}

// rate is the sum of the rungs' nominal rates in bit/s.
func rate(rungs [videoTracks]int) int {
	rates, sum := ladder(), 0
	for _, r := range rungs {
		if r >= 0 {
			sum += rates[r]
		}
	}
	return sum
}
