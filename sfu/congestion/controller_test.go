package congestion_test

import (
	"testing"
	"time"

	"parley/sfu/alloc"
	"parley/sfu/congestion"
	"parley/sfu/feedback"
	"parley/sfu/pace"
)

// loop sends packets and feedback on a path that takes everything.
type loop struct {
	c        *congestion.Controller[int]
	now      time.Time
	began    time.Time
	arrivals []feedback.Arrival
}

func newLoop() *loop {
	now := time.Now()
	return &loop{c: congestion.New[int](congestion.Options{}, now), now: now, began: now}
}

func (l *loop) packet(class pace.Class, size int) {
	l.now = l.now.Add(time.Millisecond)
	if l.c.May(l.now, class) {
		n := l.c.Sent(l.now, class, size)
		l.arrivals = append(l.arrivals, feedback.Arrival{Number: n, Received: true, At: l.now.Sub(l.began).Truncate(250_000)})
	}
}

func (l *loop) feedback() {
	l.c.Feedback(l.now, l.arrivals)
	l.arrivals = l.arrivals[:0]
	l.c.Tick(l.now)
}

func tracks(rates ...int) []alloc.Track {
	t := []alloc.Track{{ID: 1, Shown: alloc.Unlimited, Current: -1}}
	for i, rate := range rates {
		t[0].Rungs = append(t[0].Rungs, alloc.Rung{Bitrate: rate, Spatial: uint8(i), Pixels: 1000 << (2 * i)})
	}
	return t
}

func TestControllerAllocatesNothing(t *testing.T) {
	l := newLoop()
	wanted := tracks(100_000, 1_000_000)
	var decisions []alloc.Decision
	round := func() {
		for range 50 {
			l.packet(pace.Video, 1200)
			l.packet(pace.Audio, 100)
		}
		l.feedback()
		decisions = l.c.Allocate(l.now, wanted, decisions)
	}
	for range 20 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("%v allocations in a round", n)
	}
}

func TestResendsHaveABudget(t *testing.T) {
	l := newLoop()
	budget := l.c.State().Estimate * 3 / 10 / 2 / 8
	var taken []int // in each 100 ms
	for slot := range 20 {
		taken = append(taken, 0)
		for range 1000 {
			if l.c.MayResend(l.now, 100) {
				taken[slot] += 100
			}
		}
		latest := 0
		for _, bytes := range taken[max(0, slot-4):] {
			latest += bytes
		}
		if taken[slot] > budget/2 || latest > budget || slot > 0 && latest < budget-300 {
			t.Errorf("%d bytes after %d ms, %d of the latest 500 ms, of which the budget is %d",
				taken[slot], 100*slot, latest, budget)
		}
		l.now = l.now.Add(100 * time.Millisecond)
	}
}

func TestFallbackToREMBAndReports(t *testing.T) {
	l := newLoop()
	l.c.REMB(l.now, 1_234_000)
	if got := l.c.State().Estimate; got != 1_234_000 {
		t.Errorf("%d after REMB", got)
	}
	l.c.Report(l.now, 0.5, 0)
	if got := l.c.State().Estimate; got != 1_234_000 {
		t.Errorf("%d after a report while REMB comes", got)
	}
	l.now = l.now.Add(6 * time.Second)
	l.c.Report(l.now, 0.5, 0)
	if got := l.c.State().Estimate; got != 925_500 {
		t.Errorf("%d after a report of 50 %% of loss", got)
	}
	l.packet(pace.Video, 1000)
	l.feedback()
	l.c.REMB(l.now, 77_000)
	if got := l.c.State().Estimate; got == 77_000 {
		t.Error("REMB counts after transport-wide feedback")
	}
}

// Without feedback the rate is halved after 1 s, and only audio is left after 2 s.
func TestSilence(t *testing.T) {
	l := newLoop()
	wanted := tracks(100_000)
	for range 20 {
		l.packet(pace.Video, 1200)
		l.feedback()
	}
	before := l.c.State().Estimate
	for _, test := range []struct {
		after time.Duration
		least int
		most  int
		rung  int
	}{
		{900, before, before, 0}, {1100, before / 2, before / 2, 0}, {1900, before / 2, before / 2, 0},
		{2100, 0, before / 2, -1},
	} {
		for l.c.Sent(l.now, pace.Audio, 50); l.now.Sub(l.began) < test.after*time.Millisecond; {
			l.now = l.now.Add(20 * time.Millisecond)
			l.c.Sent(l.now, pace.Audio, 50)
			l.c.Tick(l.now)
		}
		got := l.c.State().Estimate
		if got < test.least || got > test.most {
			t.Errorf("%d after %d ms, was %d", got, test.after, before)
		}
		if d := l.c.Allocate(l.now, wanted, nil); d[0].Rung != test.rung {
			t.Errorf("rung %d after %d ms", d[0].Rung, test.after)
		}
	}
}

func BenchmarkMayAndSent(b *testing.B) {
	l := newLoop()
	b.ReportAllocs()
	for b.Loop() {
		l.now = l.now.Add(100 * time.Microsecond)
		if l.c.May(l.now, pace.Video) {
			l.c.Sent(l.now, pace.Video, 1200)
		}
	}
}

// BenchmarkFeedback is per packet, 50 in each feedback.
func BenchmarkFeedback(b *testing.B) {
	l := newLoop()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.now = l.now.Add(time.Millisecond)
		n := l.c.Sent(l.now, pace.Audio, 1200)
		l.arrivals = append(l.arrivals, feedback.Arrival{Number: n, Received: true, At: l.now.Sub(l.began)})
		if len(l.arrivals) == 50 {
			l.c.Feedback(l.now, l.arrivals)
			l.arrivals = l.arrivals[:0]
		}
	}
}
