package shaper

import (
	"testing"
	"time"
)

// trial sends packets through a link in virtual time and keeps what arrives.
type trial struct {
	link     *link
	start    time.Time
	now      time.Time
	arrivals []arrival
}

type arrival struct {
	number int
	after  time.Duration // since it was sent
	at     time.Duration // since the start
}

func newTrial(l Link) *trial {
	start := time.Unix(1000, 0)
	return &trial{link: newLink(l, 1, 1), start: start, now: start}
}

// send sends count packets of a size on the wire, one each interval.
func (r *trial) send(count, size int, interval time.Duration) {
	for range count {
		data := make([]byte, size-overhead)
		sent := r.now.Sub(r.start)
		for i := range 8 {
			data[i] = byte(sent >> (8 * i))
		}
		r.link.push(r.now, data)
		r.wait(interval)
	}
}

// wait lets time pass in steps of a millisecond.
func (r *trial) wait(d time.Duration) {
	for end := r.now.Add(d); ; r.now = r.now.Add(min(time.Millisecond, end.Sub(r.now))) {
		for data, ok := r.link.pop(r.now); ok; data, ok = r.link.pop(r.now) {
			var sent time.Duration
			for i := range 8 {
				sent |= time.Duration(data[i]) << (8 * i)
			}
			at := r.now.Sub(r.start)
			r.arrivals = append(r.arrivals, arrival{len(r.arrivals), at - sent, at})
		}
		if !r.now.Before(end) {
			return
		}
	}
}

// bits is what has arrived within a part of the time, of packets of one size.
func (r *trial) bits(from, to time.Duration, size int) int {
	n := 0
	for _, a := range r.arrivals {
		if a.at >= from && a.at < to {
			n += 8 * size
		}
	}
	return n
}

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %v, want %v to %v", what, got, low, high)
	}
}

func TestLinkWithoutLimitsIsNone(t *testing.T) {
	r := newTrial(Link{})
	r.send(1000, 1200, 0)
	if len(r.arrivals) != 1000 || r.arrivals[999].after != 0 {
		t.Errorf("%d arrived, the last %+v", len(r.arrivals), r.arrivals[len(r.arrivals)-1])
	}
}

func TestLinkHasItsRateAndItsQueue(t *testing.T) {
	r := newTrial(Link{Rate: 1_000_000, Queue: 25_000, Delay: 20})
	r.send(2000, 1000, 4*time.Millisecond) // 2 Mbit/s for 8 s
	r.wait(time.Second)
	within(t, "bits in 4 s", float64(r.bits(3*time.Second, 7*time.Second, 1000)), 3.98e6, 4.02e6)
	s := r.link.statistics()
	within(t, "longest wait, ms", s.QueueMax, 190, 200) // 25 kB at 1 Mbit/s
	for _, a := range r.arrivals {
		if a.after < 28*time.Millisecond || a.after > 230*time.Millisecond {
			t.Fatalf("packet %d after %v", a.number, a.after)
		}
	}
	if s.Packets+s.Dropped != 2000 || s.Lost != 0 || s.Waiting != 0 || s.Bytes != s.Packets*1000 {
		t.Errorf("%+v", s)
	}
}

func TestLinkChanges(t *testing.T) {
	r := newTrial(Link{Rate: 2_000_000, Queue: 40_000})
	r.send(200, 1250, 5*time.Millisecond) // as much as fits
	if waits := r.link.statistics(); waits.Dropped > 0 || waits.QueueMax > 1 {
		t.Errorf("at 2 Mbit/s %+v", waits)
	}
	r.link.set(r.now, Link{Rate: 500_000, Queue: 40_000})
	r.send(400, 1250, 5*time.Millisecond) // four times as much
	within(t, "bits in 1 s", float64(r.bits(2*time.Second, 3*time.Second, 1250)), 490e3, 510e3)
	within(t, "longest wait, ms", r.link.statistics().QueueMax, 600, 640)
	r.link.set(r.now, Link{})
	dropped := r.link.statistics().Dropped
	r.wait(21 * time.Millisecond) // what the bottleneck has begun
	if s := r.link.statistics(); s.Waiting > 0 || s.Packets+s.Dropped != 600 {
		t.Errorf("what waited still waits after the limit was taken away: %+v", s)
	}
	r.send(10, 1250, time.Millisecond)
	if r.link.statistics().Dropped != dropped || r.arrivals[len(r.arrivals)-1].after > time.Millisecond {
		t.Errorf("without a limit %+v, the last %+v", r.link.statistics(), r.arrivals[len(r.arrivals)-1])
	}
}

func TestLinkLosesAtRandomAndKeepsTheOrder(t *testing.T) {
	r := newTrial(Link{Delay: 30, Jitter: 50, Loss: 0.05})
	r.send(10_000, 200, time.Millisecond)
	r.wait(time.Second)
	s := r.link.statistics()
	within(t, "lost", float64(s.Lost), 400, 600)
	if s.Packets+s.Lost != 10_000 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
	var last, longest time.Duration
	for _, a := range r.arrivals {
		sent := a.at - a.after
		if sent < last {
			t.Fatalf("packet %d was overtaken", a.number)
		}
		last, longest = sent, max(longest, a.after)
		if a.after < 30*time.Millisecond || a.after > 81*time.Millisecond {
			t.Fatalf("packet %d after %v", a.number, a.after)
		}
	}
	if longest < 70*time.Millisecond {
		t.Errorf("no more than %v on the way", longest)
	}
}

func TestLinkIsRepeatable(t *testing.T) {
	var lost [2]int
	for i := range lost {
		r := newTrial(Link{Loss: 0.5})
		r.send(1000, 100, 0)
		lost[i] = r.link.statistics().Lost
	}
	if lost[0] != lost[1] {
		t.Errorf("lost %v", lost)
	}
}
