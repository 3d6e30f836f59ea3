package bwe

import "time"

// reports are the fallback for receivers that send no transport-wide feedback: their own estimate (REMB,
// draft-alvestrand-rmcat-remb) and the loss in receiver reports (RFC 3550, 6.4.1).
type reports struct {
	bytes int // sent since the tick
	began time.Duration
	rate  float64 // sent, bit/s

	remb time.Duration // the last; 0: none
}

func (r *reports) tick(t time.Duration) {
	if elapsed := t - r.began; elapsed >= time.Second {
		r.rate = float64(r.bytes) * 8 / elapsed.Seconds()
		r.bytes, r.began = 0, t
	}
}

// REMB takes the receiver's estimate, in bit/s.
func (e *Estimator) REMB(now time.Time, bitrate int) {
	if e.silence.ever || bitrate < 0 {
		return
	}
	e.reports.remb = max(now.Sub(e.epoch), 1)
	e.set(float64(bitrate))
}

// Report takes the share of packets that a receiver report says were lost. Without REMB it steers as the loss-based
// controller of draft-ietf-rmcat-gcc-02, 6, does, but grows only while what is sent needs it.
func (e *Estimator) Report(now time.Time, lost float64, need int) {
	t := now.Sub(e.epoch)
	if e.silence.ever || !(lost >= 0 && lost <= 1) {
		return
	}
	e.losses.share = lost
	if e.reports.remb > 0 && t-e.reports.remb < 5*time.Second {
		return
	}
	switch {
	case lost > 0.1:
		e.set(e.estimate * (1 - lost/2))
	case lost < 0.02:
		e.set(max(e.estimate, min(e.estimate*1.08, max(1.5*e.reports.rate, float64(need)))))
	}
}
