package congestion

import "time"

// audio measures what the voices take.
type audio struct {
	bytes int // since began
	began time.Time
	last  [3]int // bit/s, of the last seconds
}

func (a *audio) tick(now time.Time) {
	elapsed := now.Sub(a.began)
	if elapsed < time.Second && (a.last[0] > 0 || elapsed < 200*time.Millisecond) {
		return
	}
	a.last[2], a.last[1] = a.last[1], a.last[0]
	a.last[0] = int(float64(a.bytes) * 8 / elapsed.Seconds())
	a.bytes, a.began = 0, now
}

// rate is what is to be reserved, in bit/s: who is silent for a moment will speak again.
func (a *audio) rate() int { return max(a.last[0], a.last[1], a.last[2]) }

// resends is the budget of retransmissions: 30 % of the estimate, of which 200 ms may be taken at once.
type resends struct {
	at    time.Time
	bytes float64 // may be resent
}

func (r *resends) take(now time.Time, size, estimate int) bool {
	rate := resendShare * float64(estimate) / 8
	elapsed := now.Sub(r.at).Seconds()
	r.at = now
	r.bytes = min(max(0, r.bytes+elapsed*rate), rate*resendBurst.Seconds())
	if r.bytes < float64(size) {
		return false
	}
	r.bytes -= float64(size)
	return true
}
