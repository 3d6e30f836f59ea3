package load

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Report is what a run has measured, within its window unless it says otherwise. Its JSON form is a contract.
type Report struct {
	Time        time.Time `json:"time"`
	URL         string    `json:"url"`
	Window      float64   `json:"window_s"`
	Rooms       int       `json:"rooms"`
	Publishers  int       `json:"publishers"`  // per room
	Subscribers int       `json:"subscribers"` // per room
	Viewers     int       `json:"viewers"`     // per room
	Shown       int       `json:"shown"`       // tiles of each page, 0: everybody
	Slots       int       `json:"slots"`       // 0: everybody's own audio
	Talking     int       `json:"talking"`     // per room, in turn; 0: everybody, now and then
	People      int       `json:"people"`      // at the end
	Joined      int       `json:"joined"`      // and still there at the end
	Failures    int       `json:"join_failures"`
	Failure     string    `json:"join_failure"` // of the first
	Gone        int       `json:"gone"`         // whose connection the server has ended

	Sent       Traffic `json:"sent"`
	Received   Traffic `json:"received"`
	Expected   uint64  `json:"expected"` // packets that should have come; 0 if not known (simulcast, churn)
	Lost       uint64  `json:"lost"`     // numbers that were skipped and never came
	Loss       float64 `json:"loss"`     // lost of all, 0 to 1
	Duplicated uint64  `json:"duplicated"`
	Reordered  uint64  `json:"reordered"`
	Corrupted  uint64  `json:"corrupted"`  // payloads that are not what was sent, among the samples
	Skipped    uint64  `json:"skipped"`    // payloads left out without a gap in the numbers (verify)
	Recovered  uint64  `json:"recovered"`  // by retransmission
	Resent     uint64  `json:"resent"`     // packets of retransmission streams, no media
	Padding    uint64  `json:"padding"`    // packets of these that only probe the path
	Overflowed uint64  `json:"overflowed"` // dropped by the load tool's own sockets

	Latency  Latency    `json:"latency_ms"`
	Join     Join       `json:"join_ms"` // of the whole run
	Person   Person     `json:"person"`
	Signals  Signalling `json:"signalling"` // of the whole run
	Pictures *Pictures  `json:"pictures"`   // null if pages show everybody
	Later    *Later     `json:"later"`      // null if nobody joins later
	Server   *Server    `json:"server"`
	LoadCPU  float64    `json:"load_cpu_s"`
	LoadMost float64    `json:"load_cpu_share"` // of the CPUs that the load tool may use, 0 to 1
	Verified bool       `json:"verified"`
	Timeline []Point    `json:"timeline"`       // of the whole run
	Begin    float64    `json:"window_begin_s"` // of the window, as in the timeline
	Limit    *Limit     `json:"limit"`
	Joins    []float64  `json:"joins_ms"` // their distribution: the upper ends of 20 equal shares
}

// Traffic is RTP packets and their bytes on UDP.
type Traffic struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Latency is the time from the publisher's write to the arrival at the receiver's socket, in ms. Of pictures that are
// chosen the first second is left out, and of each talkspurt in an audio slot the first 5 packets: the server may have
// kept them.
type Latency struct {
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
	Samples uint64  `json:"samples"`
}

// Join is the time from the open websocket to the first packet of media, in ms.
type Join struct {
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	Max   float64 `json:"max"`
	Count uint64  `json:"count"`
}

// Server is what the server's process has used.
type Server struct {
	CPU          float64 `json:"cpu_s"`
	RSS          int64   `json:"rss_bytes"`
	IdleRSS      int64   `json:"rss_idle_bytes"`
	CPUPerPacket float64 `json:"cpu_us_per_packet"` // that was received
	RSSPerPerson float64 `json:"rss_per_person"`
	CPUPerPerson float64 `json:"cpu_per_person"` // cores
}

// Limit is what the search for it has found.
type Limit struct {
	People int    `json:"people"`
	Reason string `json:"reason"`
	Steps  []Step `json:"steps"`
}

// Step is one number of people that was tried.
type Step struct {
	People int     `json:"people"`
	P99    float64 `json:"p99_ms"`
	Loss   float64 `json:"loss"`
	Passed bool    `json:"passed"`
	Reason string  `json:"reason,omitempty"` // why not
}

// report makes the report of a window.
func (e *engine) report(w *window, limit *Limit) *Report {
	o, received, latency := e.env.options, w.received(), w.latency()
	joins := e.env.joins.snapshot()
	r := &Report{
		Viewers: o.Viewers, Shown: o.Shown, Slots: o.Slots, Talking: o.Talking,
		Signals: e.allSignals().report(), Person: w.person(), Pictures: w.pictures(o),
		Time: e.env.clock.began.UTC().Truncate(time.Second), URL: o.URL, Window: w.seconds(),
		Rooms: o.Rooms, Publishers: o.Publishers, Subscribers: o.Subscribers,
		People: w.people, Joined: w.joined, Failures: w.failures, Gone: e.gone(),
		Sent:     Traffic{w.end.sent[0] - w.begin.sent[0], w.end.sent[1] - w.begin.sent[1]},
		Received: Traffic{received.packets, received.bytes},
		Expected: w.expected, Lost: uint64(received.missing), Loss: w.loss(),
		Duplicated: received.duplicated, Reordered: received.reordered, Corrupted: received.corrupted,
		Skipped: received.skipped, Recovered: received.recovered, Resent: received.resent, Padding: received.padding,
		Overflowed: received.overflowed,
		Latency: Latency{
			milliseconds(latency.quantile(0.5)), milliseconds(latency.quantile(0.9)),
			milliseconds(latency.quantile(0.99)), milliseconds(latency.quantile(1)), latency.total(),
		},
		Join: Join{
			milliseconds(joins.quantile(0.5)), milliseconds(joins.quantile(0.9)), milliseconds(joins.quantile(1)),
			joins.total(),
		},
		LoadCPU: w.end.own - w.begin.own, LoadMost: w.loadShare(), Verified: o.Verify, Limit: limit,
		Begin: time.Duration(w.begin.at).Seconds(),
	}
	if w.failure != nil {
		r.Failure = w.failure.Error()
	}
	if joins.total() > 0 {
		for i := range 20 {
			r.Joins = append(r.Joins, milliseconds(joins.quantile(float64(i+1)/20)))
		}
	}
	if begin, end := w.begin.server, w.end.server; begin.known && end.known {
		r.Server = &Server{CPU: end.cpu - begin.cpu, RSS: end.rss, IdleRSS: w.idle.rss}
		if received.packets > 0 {
			r.Server.CPUPerPacket = r.Server.CPU * 1e6 / float64(received.packets)
		}
		if w.people > 0 {
			r.Server.RSSPerPerson = float64(end.rss-w.idle.rss) / float64(w.people)
		}
		r.Server.CPUPerPerson = r.Person.CPU
	}
	return r
}

// gone counts those whose connection the server has ended.
func (e *engine) gone() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, p := range e.everybody() {
		if p.gone.Load() {
			n++
		}
	}
	return n
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// Percent is the loss in percent.
func (s Step) Percent() float64 { return 100 * s.Loss }
