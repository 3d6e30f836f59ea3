package bwe

import (
	"testing"
	"time"
)

// What stays for seconds is noise if packets come in bunches, a queue if they come one by one.
func TestNoise(t *testing.T) {
	const takes = 10 * time.Millisecond
	for _, test := range []struct {
		apart [2]time.Duration // of packets, in turn
		queue time.Duration
		want  time.Duration
	}{
		{[2]time.Duration{takes, takes}, 12 * time.Millisecond, 0},
		{[2]time.Duration{0, 2 * takes}, 12 * time.Millisecond, 12 * time.Millisecond},
		{[2]time.Duration{0, 2 * takes}, 90 * time.Millisecond, noiseMost},
	} {
		var n noise
		at, got := time.Duration(0), time.Duration(0)
		for i := range 1000 {
			at += test.apart[i%2]
			n.arrived(at, takes)
			queue := test.queue + time.Duration(i%7)*time.Millisecond
			got = n.take(at, queue)
		}
		if got != test.want {
			t.Errorf("%s of noise in a queue of %s, want %s", got, test.queue, test.want)
		}
	}
	var n noise
	for i := range 400 {
		n.arrived(time.Duration(i/2)*2*takes, takes)
		n.take(time.Duration(i)*takes, 12*time.Millisecond)
	}
	n.take(4*time.Second, 0)
	if got := n.take(4*time.Second, 12*time.Millisecond); got != 0 {
		t.Errorf("%s of noise just after none", got)
	}
}

// Receiver reports make it give way to a long round trip, at most once a second, and find back.
func TestReportsFollowTheRoundTrip(t *testing.T) {
	now := time.Unix(1e9, 0)
	e := New(1_000_000, DefaultMax, now)
	second := func(lost float64, rtt time.Duration) float64 {
		before := e.estimate
		for range 10 {
			now = now.Add(100 * time.Millisecond)
			e.Sent(now, int(e.estimate/80), 0)
			e.Tick(now)
			e.Report(now, lost, rtt, 2_000_000)
		}
		return e.estimate / before
	}
	for range 3 {
		if got := second(0, 50*time.Millisecond); got < 1 || got > fastGrowth+0.01 {
			t.Errorf("grew by %.2f in a second", got)
		}
	}
	if got := second(0, 100*time.Millisecond); got != 1 {
		t.Errorf("grew by %.2f with a short queue", got)
	}
	if got := second(0, 250*time.Millisecond); got > 0.9 {
		t.Errorf("%.2f with a long queue", got)
	}
	if got := second(0, 250*time.Millisecond); got != 1 {
		t.Errorf("%.2f though the round trip is of before", got)
	}
	for range 30 {
		second(0, 250*time.Millisecond)
	}
	if low := e.estimate; second(0, 250*time.Millisecond) <= 1 {
		t.Errorf("stays at %.0f though nothing less helps", low)
	}
	if got := second(0.4, 0); got > 0.8 {
		t.Errorf("%.2f with 40 %% of loss", got)
	}
}
