package bwe

import (
	"testing"
	"time"

	"parley/sfu/feedback"
)

// On another path the estimate begins anew, while numbers go on and what is told of packets before is passed over.
func TestMoved(t *testing.T) {
	now := time.Unix(1000, 0)
	e := New(Start, DefaultMax, now)
	var last uint16
	for range 100 {
		now = now.Add(10 * time.Millisecond)
		last = e.Sent(now, 1000, 0)
	}
	now = now.Add(3 * time.Second)
	e.Feedback(now, []feedback.Arrival{{Number: last, Received: true, At: now.Sub(time.Unix(1000, 0))}})
	last = e.Sent(now, 1000, 0)
	e.Moved(Start, now)
	if e.Estimate() != Start || e.Blind() || e.Congested() || e.Capacity() != 0 {
		t.Errorf("%d bit/s, capacity %d", e.Estimate(), e.Capacity())
	}
	if next := e.Sent(now, 1000, 0); next != last+1 {
		t.Errorf("%d follows %d", next, last)
	}
	for _, former := range []uint16{last, last - 50} {
		if known, _ := e.Known(former); known {
			t.Errorf("%d is known", former)
		}
		e.Feedback(now, []feedback.Arrival{{Number: former, Received: true, At: time.Minute}})
	}
	if e.Acked() != 0 {
		t.Errorf("%d bit/s of the former path are counted", e.Acked())
	}
}
