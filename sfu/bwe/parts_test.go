package bwe

import (
	"math"
	"testing"
	"time"
)

const ms = time.Millisecond

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%s: %.0f, want %.0f", what, got, want)
	}
}

func TestHistory(t *testing.T) {
	var h history
	h.next = 1 << 16
	if p, _ := h.find(0); p != nil && p.size > 0 {
		t.Error("found what was not sent")
	}
	const count = 6000
	for i := range count {
		at := time.Duration(i) * ms
		number := h.add(at, 100+i%7, uint8(i), 0)
		if number != uint16(i) {
			t.Fatalf("packet %d has number %d", i, number)
		}
	}
	now := count * ms
	last := uint16(count - 1)
	for _, back := range []uint16{0, 1, 100, 1000} {
		p, number := h.find(last - back)
		i := count - 1 - int(back)
		if p == nil || int(number) != 1<<16+i || int(p.size) != 100+i%7 || h.sent(p, now) != time.Duration(i)*ms {
			t.Errorf("%d back: %+v, number %d", back, p, number)
		}
	}
	for _, unknown := range []uint16{last + 1, last + 1000, last - 2000} {
		if p, _ := h.find(unknown); p != nil {
			t.Errorf("found %d, the last is %d", unknown, last)
		}
	}
	if got := h.since(1<<16 + count - 3); got != 100+(count-1)%7+100+(count-2)%7 {
		t.Errorf("%d bytes since the last but two", got)
	}
	if n := len(h.ring); n != 1024 {
		t.Errorf("%d are kept for 1000 a second", n)
	}
}

func TestDelaysUnwrapTheClock(t *testing.T) {
	var d delays
	start := clockTurn - 100*ms
	first := d.unwrap(start)
	d.add(first, first, 0, 1)
	for _, step := range []time.Duration{0, 50 * ms, 200 * ms, 90 * ms, time.Hour} {
		at := d.unwrap((start + step) % clockTurn)
		if at-first != step {
			t.Errorf("%s later it is %s later", step, at-first)
		}
		d.add(at, at, 0, 1)
	}
}

func TestDelays(t *testing.T) {
	var d delays
	at := time.Hour
	step := func(n int, delay time.Duration) {
		for range n {
			at += 10 * ms
			d.add(at, at, delay, 125)
		}
	}
	step(100, -3*time.Hour)
	step(32, -3*time.Hour+50*ms)
	if q, ok := d.queue(0, window); !ok || q != 50*ms {
		t.Errorf("a queue of %s", q)
	}
	if q, ok := d.queue(window, 3*window); !ok || q != 0 {
		t.Errorf("a queue of %s before", q)
	}
	near(t, "acked", d.acked(500*ms), 100_000, 0.05)
	if _, ok := d.queue(2*time.Second, 3*time.Second); ok {
		t.Error("remembers more than there is room for")
	}
	step(3200, -3*time.Hour+70*ms)
	if q, _ := d.queue(0, window); q != 0 {
		t.Errorf("%s over the base after it should have aged", q)
	}
	d.hold()
	step(1, -3*time.Hour+90*ms)
	d.rebase(20 * ms)
	if q, _ := d.queue(0, 20*ms); q != 0 {
		t.Errorf("%s after rebasing", q)
	}
	for name, jump := range map[string]time.Duration{"back": -20 * time.Second, "ahead": time.Minute} {
		if d.add(at+jump, at, -3*time.Hour+jump, 1) {
			t.Errorf("a clock that jumps %s is not noticed", name)
		}
		at += jump
		if q, ok := d.queue(0, window); !ok || q != 0 {
			t.Errorf("a queue of %s after it jumped %s", q, name)
		}
	}
}

func TestSamplesMeasureABusyPath(t *testing.T) {
	for name, test := range map[string]struct {
		delay time.Duration // of the packets
		every time.Duration
		count int
		gone  int32
		want  float64 // 0: cannot be told
	}{
		"busy":                {50 * ms, 8 * ms, 30, 0, 1_000_000},
		"with loss behind it": {50 * ms, 8 * ms, 30, 250, 1_250_000},
		"too short":           {50 * ms, 8 * ms, 9, 0, 0},
		"too few":             {50 * ms, 30 * ms, 4, 0, 0},
		"no queue":            {5 * ms, 8 * ms, 30, 0, 0},
	} {
		var s samples
		at := time.Hour
		s.add(sample{at: at, delay: 0, size: 40_000})
		for range test.count {
			at += test.every
			s.add(sample{at: at, delay: test.delay, size: 1000, gone: test.gone})
		}
		got, ok := s.busy(10*ms, 500*ms, 80*ms)
		if ok != (test.want > 0) {
			t.Errorf("%s: %.0f, %t", name, got, ok)
		}
		if ok {
			near(t, name, got, test.want, 0.001)
		}
	}
}

func TestLosses(t *testing.T) {
	type round struct {
		packets int
		lose    int           // every so many
		queue   time.Duration // that the packets find
	}
	rounds := func(n int, r round) (all []round) {
		for range n {
			all = append(all, r)
		}
		return all
	}
	for name, test := range map[string]struct {
		rounds   []round
		cuts     int
		inherent float64
	}{
		"none":                 {rounds(10, round{100, 0, 0}), 0, 0},
		"a radio link":         {rounds(20, round{100, 10, 5 * ms}), 0, 0.1},
		"a full queue":         {rounds(1, round{100, 8, 60 * ms}), 1, 0},
		"a policer, ignored":   {rounds(20, round{100, 3, 0}), 1, 0.33},
		"too few to tell":      {rounds(3, round{3, 2, 60 * ms}), 0, 0},
		"radio and short wait": {append(rounds(1, round{100, 0, 200 * ms}), rounds(20, round{100, 10, 40 * ms})...), 0, 0.1},
	} {
		var l losses
		cuts, now := 0, time.Duration(0)
		for _, r := range test.rounds {
			for i := range r.packets {
				if r.lose > 0 && i%r.lose == 0 {
					l.missed(1000)
				} else {
					l.arrived(r.queue)
				}
			}
			now += 500 * ms
			if l.window(now) {
				cuts++
			}
		}
		if cuts != test.cuts || math.Abs(l.inherent-test.inherent) > 0.02 {
			t.Errorf("%s: %d cuts, inherent %.3f", name, cuts, l.inherent)
		}
	}
}

func TestLink(t *testing.T) {
	var l link
	number, at := uint64(1), time.Hour
	pair := func(gap time.Duration) {
		l.arrived(number, at, at, 500)
		l.arrived(number+1, at, at+gap, 500)
		number += 2
		at += 30 * ms
	}
	for range 20 {
		pair(2 * ms)
	}
	near(t, "alone", l.rate(), 2_000_000, 0.001)
	for i := range 40 { // others get between
		pair(2*ms + time.Duration(i%3)*ms)
	}
	near(t, "with others", l.rate(), 2_000_000, 0.001)
	for i := range 20 {
		pair(time.Duration(1+i) * ms * 5 / 4)
	}
	if got := l.rate(); got != 0 {
		t.Errorf("%.0f of pairs that do not agree", got)
	}
}

func TestForecast(t *testing.T) {
	for name, test := range map[string]struct {
		found float64 // of the predicted queue
		want  bool
	}{"as predicted": {1, false}, "a little less": {0.8, false}, "much less": {0.3, true}} {
		var f forecast
		for i := range 50 {
			at := time.Duration(i) * 33 * ms
			for range 3 {
				predicted := f.sent(at, 1000, 1_000_000)
				f.arrived(predicted, time.Duration(float64(predicted)*test.found))
			}
		}
		if f.outgrown() != test.want {
			t.Errorf("%s: outgrown is %t", name, f.outgrown())
		}
		if f.reset(); f.outgrown() {
			t.Errorf("%s: still after a reset", name)
		}
	}
}
