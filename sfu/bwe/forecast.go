package bwe

import "time"

const (
	telling  = 6 * time.Millisecond   // a predicted queue that is worth comparing
	enough   = 400 * time.Millisecond // of predicted queues, added up, to judge by
	mismatch = 0.5
)

// forecast predicts the queue that each packet would find if the capacity still were what was measured. When packets
// find much less, there is more of it by now, and that costs no probe to see.
type forecast struct {
	backlog float64 // bytes
	at      time.Duration

	predicted, found time.Duration // sums, which fade
}

// sent returns the queue that a packet should find, its own time included.
func (f *forecast) sent(t time.Duration, size int, capacity float64) time.Duration {
	if capacity <= 0 {
		return 0
	}
	f.backlog = max(0, f.backlog-(t-f.at).Seconds()*capacity/8) + float64(size)
	f.at = t
	return time.Duration(f.backlog * 8e9 / capacity)
}

// arrived compares.
func (f *forecast) arrived(predicted, found time.Duration) {
	if predicted < telling {
		return
	}
	const most = 100 * time.Millisecond
	f.predicted += min(predicted, most)
	f.found += min(max(found, 0), most)
	if f.predicted > 2*enough {
		f.predicted, f.found = f.predicted/2, f.found/2
	}
}

// outgrown reports whether packets find much less than predicted.
func (f *forecast) outgrown() bool {
	return f.predicted >= enough && float64(f.found) < mismatch*float64(f.predicted)
}

// empty reports whether packets find next to nothing, as on no link that anybody fills.
func (f *forecast) empty() bool { return f.predicted >= enough && f.found*10 < f.predicted }

// reset begins anew, with another capacity.
func (f *forecast) reset() { *f = forecast{at: f.at} }
