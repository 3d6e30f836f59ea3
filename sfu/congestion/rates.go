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

// MaxResends bounds how often a receiver gets one packet again. On a path of 60 ms there and back as many come before a
// picture is too late, 400 ms after its capture.
const MaxResends = 4

// resends is the budget of retransmissions: 30 % of the estimate in any 500 ms, and not all of it at once.
type resends struct {
	began time.Time
	slot  int64 // the newest, since then
	bytes [5]int
}

const (
	resendSlot  = 100 * time.Millisecond
	resendShare = 0.3 // of the estimate
	resendBurst = 0.5 // of what is allowed in all slots, in one
)

func (r *resends) take(now time.Time, size, estimate int) bool {
	slot, slots := int64(now.Sub(r.began)/resendSlot), int64(len(r.bytes))
	for s := max(r.slot+1, slot-slots+1); s <= slot; s++ {
		r.bytes[s%slots] = 0
	}
	r.slot = max(r.slot, slot)
	sum := 0
	for _, b := range r.bytes {
		sum += b
	}
	latest := &r.bytes[r.slot%slots]
	allowed := resendShare * float64(estimate) / 8 * float64(slots) * resendSlot.Seconds()
	if float64(sum+size) > allowed || float64(*latest+size) > resendBurst*allowed {
		return false
	}
	*latest += size
	return true
}
