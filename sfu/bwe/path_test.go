package bwe

import (
	"testing"
	"time"

	"parley/sfu/feedback"
)

// path carries packets of 500 bytes every few ms to a receiver with a clock of its own.
type path struct {
	t        testing.TB
	e        *Estimator
	start    time.Time
	now      time.Duration
	next     time.Duration // feedback
	free     time.Duration // when the bottleneck has sent all
	arrivals []feedback.Arrival

	capacity int
	delay    time.Duration
	clock    func(at time.Duration) time.Duration
	lowest   int // estimate
}

func newPath(t testing.TB) *path {
	start := time.Unix(1_000_000, 0)
	return &path{
		t: t, e: New(Start, DefaultMax, start), start: start, capacity: 10_000_000, delay: 25 * ms,
		clock: func(at time.Duration) time.Duration { return at + time.Hour },
	}
}

// run sends at the lesser of a rate and the estimate for a time.
func (p *path) run(length time.Duration, rate int) {
	p.lowest = p.e.Estimate()
	for end := p.now + length; p.now < end; {
		now := p.start.Add(p.now)
		number := p.e.Sent(now, 500, 0)
		p.free = max(p.free, p.now) + time.Duration(500*8e9/p.capacity)
		at := p.clock(p.free + p.delay).Truncate(250 * time.Microsecond)
		p.arrivals = append(p.arrivals, feedback.Arrival{Number: number, Received: true, At: at})
		p.now += time.Duration(500 * 8e9 / max(min(rate, p.e.Estimate()), 1000))
		if p.now < p.next {
			continue
		}
		p.next = p.now + 100*ms
		p.e.Feedback(p.start.Add(p.now+p.delay), p.arrivals)
		p.arrivals = p.arrivals[:0]
		p.e.Tick(p.start.Add(p.now + p.delay))
		p.lowest = min(p.lowest, p.e.Estimate())
	}
}

// What happens to the clock or the way of packets is no congestion for long.
func TestEstimatorSurvivesTheReceiversClock(t *testing.T) {
	for name, happen := range map[string]func(p *path){
		"back by 20 s":          func(p *path) { p.jump(-20 * time.Second) },
		"ahead by 20 s":         func(p *path) { p.jump(20 * time.Second) },
		"back by 200 ms":        func(p *path) { p.jump(-200 * ms) },
		"ahead by 70 ms":        func(p *path) { p.jump(70 * ms) },
		"ahead by 600 ms":       func(p *path) { p.jump(600 * ms) },
		"ahead by 3 s":          func(p *path) { p.jump(3 * time.Second) },
		"the way gets longer":   func(p *path) { p.delay += 60 * ms },
		"the way gets shorter":  func(p *path) { p.delay -= 20 * ms },
		"the clock runs faster": func(p *path) { p.clock = func(at time.Duration) time.Duration { return at + at/5000 } },
		"the clock begins anew": func(p *path) {
			p.clock = func(at time.Duration) time.Duration { return (at + clockTurn - 11*time.Second) % clockTurn }
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPath(t)
			p.run(10*time.Second, 400_000)
			before := p.e.Estimate()
			happen(p)
			p.run(20*time.Second, 400_000)
			if got := p.e.Estimate(); got < before*6/10 || p.e.Congested() {
				t.Errorf("the estimate is %d, was %d, at least %d; congested: %t", got, before, p.lowest, p.e.Congested())
			}
		})
	}
}

func (p *path) jump(by time.Duration) {
	clock := p.clock
	p.clock = func(at time.Duration) time.Duration { return clock(at) + by }
}

// A path that is full is noticed within half a second, and its capacity measured.
func TestEstimatorMeasuresAFullPath(t *testing.T) {
	p := newPath(t)
	p.run(5*time.Second, 480_000)
	p.capacity = 300_000
	p.run(500*ms, 480_000)
	if !p.e.Congested() {
		t.Errorf("nothing is noticed: the estimate is %d", p.e.Estimate())
	}
	near(t, "capacity", float64(p.e.Capacity()), 300_000, 0.05)
	p.run(10*time.Second, 200_000)
	if p.e.Congested() {
		t.Error("congested while less is sent")
	}
	near(t, "estimate", float64(p.e.Estimate()), share*300_000, 0.05)
}

// Growth needs proof.
func TestEstimatorDoesNotGrowWithoutProof(t *testing.T) {
	p := newPath(t)
	p.run(time.Minute, 100_000)
	if got := p.e.Estimate(); got != Start {
		t.Errorf("%d after a minute with little to send", got)
	}
}

func TestProber(t *testing.T) {
	for name, test := range map[string]struct {
		capacity int
		outcome  Outcome
		least    float64
		most     float64
	}{
		"there is more":  {10_000_000, Carried, 870_000, 960_000},
		"there is not":   {600_000, Saturated, 570_000, 630_000},
		"just not quite": {800_000, Saturated, 760_000, 840_000},
	} {
		p := newPath(t)
		p.run(2*time.Second, 450_000)
		p.capacity = test.capacity
		var prober Prober
		now := func() time.Time { return p.start.Add(p.now) }
		if !prober.Due(now()) {
			t.Fatal("no probe may begin")
		}
		prober.Start(now(), 900_000, 200*ms)
		p.e.Tolerate(now(), time.Second)
		for prober.Tag() != 0 {
			for bytes := prober.Padding(now()); bytes > 0; bytes -= 300 {
				number := p.e.Sent(now(), 300, prober.Tag())
				prober.Sent(300)
				p.free = max(p.free, p.now) + time.Duration(300*8e9/p.capacity)
				p.arrivals = append(p.arrivals, feedback.Arrival{Number: number, Received: true, At: p.clock(p.free + p.delay)})
			}
			p.now += step
		}
		if outcome, _ := prober.Judge(now(), p.e, 50*ms); outcome != Pending {
			t.Errorf("%s: outcome %d before there is feedback", name, outcome)
		}
		p.now += 200 * ms
		p.e.Sent(now(), 100, 0)
		p.e.Feedback(now(), p.arrivals)
		p.now += time.Second
		outcome, rate := prober.Judge(now(), p.e, 50*ms)
		if outcome != test.outcome || float64(rate) < test.least || float64(rate) > test.most {
			t.Errorf("%s: outcome %d, %d bit/s", name, outcome, rate)
		}
		if prober.Due(now()) || prober.Due(now().Add(time.Second)) != (outcome == Carried) {
			t.Errorf("%s: the next probe comes too soon or too late", name)
		}
	}
}
