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

// resends is the budget of retransmissions: 30 % of the estimate in 500 ms.
type resends struct {
	began time.Time
	bytes int
}

func (r *resends) take(now time.Time, size, estimate int) bool {
	const window = 500 * time.Millisecond
	if now.Sub(r.began) >= window {
		r.began, r.bytes = now, 0
	}
	if float64(r.bytes+size)*8 > 0.3*float64(estimate)*window.Seconds() {
		return false
	}
	r.bytes += size
	return true
}
