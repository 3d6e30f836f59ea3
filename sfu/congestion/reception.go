package congestion

import "time"

// reportFor is how long what reports say is collected: receivers speak of each track in a report of its own.
const reportFor = time.Second

// Reception is what receiver reports said of one track, or of all of them, since that was last taken. The zero value is
// ready.
type Reception struct {
	RTT time.Duration // the least; 0: not known

	since          time.Time
	heard          bool
	highest        uint32 // extended sequence number
	expected, lost float64
}

// Note takes a report: the extended highest sequence number, and of the packets since the report before the share that
// was lost, in 1/256. It reports whether it is time to take what was collected.
func (r *Reception) Note(now time.Time, highest uint32, lost uint8, rtt time.Duration) bool {
	if !r.heard {
		r.heard, r.highest, r.since = true, highest, now
	}
	if expected := int32(highest - r.highest); expected > 0 {
		r.highest = highest
		r.expected += float64(expected)
		r.lost += float64(expected) * float64(lost) / 256
	}
	if rtt > 0 && (r.RTT == 0 || rtt < r.RTT) {
		r.RTT = rtt
	}
	return now.Sub(r.since) >= reportFor
}

// Take adds what a track has collected, which begins anew.
func (r *Reception) Take(now time.Time, track *Reception) {
	r.expected += track.expected
	r.lost += track.lost
	if track.RTT > 0 && (r.RTT == 0 || track.RTT < r.RTT) {
		r.RTT = track.RTT
	}
	track.expected, track.lost, track.RTT, track.since = 0, 0, 0, now
}

// Lost is the share of packets that got lost.
func (r *Reception) Lost() float64 { return r.lost / max(r.expected, 1) }
