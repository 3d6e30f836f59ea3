package load

import "time"

// frozen is from when on a picture without a new frame counts as one that froze.
const frozen = 500 * time.Millisecond

// Person is what each takes of the server while there, per second.
type Person struct {
	CPU        float64 `json:"cpu"` // cores; 0 if not known
	BytesIn    float64 `json:"bytes_in"`
	BytesOut   float64 `json:"bytes_out"`
	PacketsIn  float64 `json:"packets_in"`
	PacketsOut float64 `json:"packets_out"` // to each listener
	AudioOut   float64 `json:"audio_out"`   // packets of it
}

func (w *window) person() Person {
	n := max(w.end.presence-w.begin.presence, 1e-9)
	r := w.received()
	p := Person{
		BytesIn: float64(w.end.sent[1]-w.begin.sent[1]) / n, BytesOut: float64(r.bytes) / n,
		PacketsIn: float64(w.end.sent[0]-w.begin.sent[0]) / n, PacketsOut: float64(r.packets) / n,
		AudioOut: float64(r.audio) / n,
	}
	if w.begin.server.known && w.end.server.known {
		p.CPU = (w.end.server.cpu - w.begin.server.cpu) / n
	}
	return p
}

// Pictures is what became of the tiles that pages showed within the window.
type Pictures struct {
	Join   Times  `json:"join_ms"`       // from the websocket to the first frame, of the tiles shown at first; all run
	Turn   Times  `json:"shown_ms"`      // from the view message to the first frame, of tiles that were shown later
	Gaps   Times  `json:"gap_ms"`        // the longest time without a frame of each tile while it was shown and not paused
	Frozen uint64 `json:"frozen"`        // tiles with more than 500 ms of it
	Blank  uint64 `json:"blank"`         // tiles that were shown for more than 1 s without a frame
	Paused uint64 `json:"paused"`        // tiles that the server has paused, for what they lack is in none of the above
	Source Times  `json:"source_gap_ms"` // from frame to frame where they were sent
}

// pictures is nil if pages show everybody.
func (w *window) pictures(o Options) *Pictures {
	if o.Shown == 0 {
		return nil
	}
	var d [4]*distribution
	for i := range d {
		d[i] = w.end.looks[i].since(w.begin.looks[i])
	}
	joins := w.end.looks[0]
	if o.JoinLater > 0 { // those who join a call that goes on
		joins = d[0]
	}
	return &Pictures{
		Join: joins.times(), Turn: d[1].times(), Gaps: d[2].times(), Frozen: d[2].above(frozen), Blank: d[3].total(),
		Paused: w.end.paused - w.begin.paused, Source: w.end.frames.since(w.begin.frames).times(),
	}
}

// above is how many are longer.
func (d *distribution) above(limit time.Duration) uint64 {
	var n uint64
	for i := bucketOf(limit) + 1; i < numBuckets; i++ {
		n += d[i]
	}
	return n
}
