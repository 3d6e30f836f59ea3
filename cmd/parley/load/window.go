package load

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// loadBusy is the share of its CPUs from which on the load tool may be what is slow.
const loadBusy = 0.9

// settle is how long after the window a packet may still come that was sent within it.
const settle = 300 * time.Millisecond

// mark is everything that is counted, at one moment.
type mark struct {
	at       int64 // ns since the run began
	received meter
	sent     [2]uint64   // packets and bytes
	rooms    [][2]uint64 // packets sent in each room, and people there
	latency  *distribution
	joins    *distribution
	presence float64          // person-seconds so far
	looks    [4]*distribution // joins, shown, gaps, blanks
	paused   uint64           // tiles
	frames   *distribution
	server   usage
	own      float64
}

func (e *engine) mark(ctx context.Context) mark {
	m := mark{
		at: e.env.clock.now(), received: e.total(), latency: e.env.latency.snapshot(),
		sent:  [2]uint64{e.env.sent.packets.Load(), e.env.sent.bytes.Load()},
		joins: e.env.joins.snapshot(), frames: e.env.frames.snapshot(),
		server: e.watch.read(ctx), own: ownCPU(),
	}
	l := &e.env.looks
	for i, h := range []*histogram{&l.joins, &l.shown, &l.gaps, &l.blanks} {
		m.looks[i] = h.snapshot()
	}
	m.paused = l.paused.Load()
	e.mu.Lock()
	defer e.mu.Unlock()
	m.presence = e.presence(m.at)
	for _, r := range e.rooms {
		m.rooms = append(m.rooms, [2]uint64{r.sent.packets.Load(), uint64(len(r.people))})
	}
	return m
}

// window is what was measured.
type window struct {
	idle       usage // of the server before anybody joined
	begin, end mark
	missing    int64  // after what was on the way has come
	expected   uint64 // packets that should have come if all are forwarded to all others; 0 if that is not known
	people     int
	joined     int
	failures   int
	failure    error
}

// measure waits until everything has warmed up, and then for the length of the window, or until ctx ends.
func (e *engine) measure(ctx context.Context, idle usage, warmup, duration time.Duration) *window {
	pause(ctx, warmup)
	w := e.open(ctx, idle)
	pause(ctx, duration)
	e.close(ctx, w)
	return w
}

// open begins a window.
func (e *engine) open(ctx context.Context, idle usage) *window {
	e.adaptSampling()
	for _, p := range e.lookers() {
		p.wall.begin()
	}
	return &window{idle: idle, begin: e.mark(ctx)}
}

// close ends it.
func (e *engine) close(ctx context.Context, w *window) {
	now := e.env.clock.now()
	for _, p := range e.lookers() {
		p.wall.end(now)
	}
	w.end = e.mark(ctx)
	pause(context.WithoutCancel(ctx), settle)
	w.missing = max(0, e.total().missing-w.begin.received.missing)
	w.expected = e.expected(w)
	e.mu.Lock()
	defer e.mu.Unlock()
	w.people, w.joined, w.failures, w.failure = len(e.everybody()), e.joined, e.failures, e.failure
}

// lookers are those whose page shows some of the others.
func (e *engine) lookers() []*participant {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(e.everybody(), func(p *participant) bool { return p.wall == nil })
}

// expected is how many packets should have come.
func (e *engine) expected(w *window) uint64 {
	if o := e.env.options; o.Simulcast || o.Churn > 0 || o.JoinLater > 0 || o.selective() {
		return 0
	}
	var n uint64
	for i := range w.end.rooms {
		packets, people := w.end.rooms[i][0]-w.begin.rooms[i][0], w.end.rooms[i][1]
		if people > 0 {
			n += packets * (people - 1)
		}
	}
	return n
}

// received is what came within the window.
func (w *window) received() meter {
	a, b := w.begin.received, w.end.received
	return meter{
		packets: b.packets - a.packets, bytes: b.bytes - a.bytes, audio: b.audio - a.audio, missing: w.missing,
		duplicated: b.duplicated - a.duplicated, reordered: b.reordered - a.reordered,
		recovered: b.recovered - a.recovered, corrupted: b.corrupted - a.corrupted, skipped: b.skipped - a.skipped,
		resent: b.resent - a.resent, padding: b.padding - a.padding, rtcp: b.rtcp - a.rtcp,
		overflowed: b.overflowed - a.overflowed,
	}
}

func (w *window) seconds() float64 { return time.Duration(w.end.at - w.begin.at).Seconds() }

// loss is the share of what should have come that did not.
func (w *window) loss() float64 {
	r := w.received()
	if r.packets+uint64(r.missing) == 0 {
		return 0
	}
	return float64(r.missing) / float64(r.packets+uint64(r.missing))
}

// shortfall is the share of what should have come that did not, for whatever reason; 0 if that is not known.
func (w *window) shortfall() float64 {
	if w.expected == 0 {
		return 0
	}
	return max(0, 1-float64(w.received().packets)/float64(w.expected))
}

// loadShare is how busy this process was, of what it could be.
func (w *window) loadShare() float64 {
	return (w.end.own - w.begin.own) / max(w.seconds(), 1e-9) / float64(runtime.GOMAXPROCS(0))
}

func (w *window) latency() *distribution { return w.end.latency.since(w.begin.latency) }

const (
	samplesEach  = 10   // per second and participant, at most
	samplesLeast = 2    // and at least
	samplesAll   = 2000 // per second, if that leaves the least for each
)

// adaptSampling has every participant decrypt about as much as is needed.
func (e *engine) adaptSampling() {
	e.mu.Lock()
	people := e.everybody()
	e.mu.Unlock()
	e.env.naps.set(len(people))
	if e.env.options.Verify {
		return
	}
	each := min(samplesEach, max(samplesLeast, samplesAll/max(1, len(people))))
	for _, p := range people {
		p.tap().adapt(each, e.env.clock.now())
	}
}

// adapt sets how many packets there are to a sample, from the rate since the last time.
func (t *tap) adapt(samples int, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seconds := time.Duration(now - t.paceAt).Seconds(); t.paceAt > 0 && seconds > 0.1 {
		rate := float64(t.meter.packets-t.pacePackets) / seconds
		t.every.Store(max(1, int64(rate/float64(samples))))
	}
	t.paceAt, t.pacePackets = now, t.meter.packets
}

// Point is one second of a run.
type Point struct {
	At         float64 `json:"t"` // s since the run began
	PacketsIn  uint64  `json:"packets_in"`
	PacketsOut uint64  `json:"packets_out"`
	BitsIn     uint64  `json:"bits_in"`
	BitsOut    uint64  `json:"bits_out"`
	P99        float64 `json:"p99_ms"`
	Lost       int64   `json:"lost"`
	People     int     `json:"people"`
	ServerCPU  float64 `json:"server_cpu"` // cores
	LoadCPU    float64 `json:"load_cpu"`   // cores
}

// observe takes a point each second, and tells of it, until ctx ends.
func (e *engine) observe(ctx context.Context) {
	before := e.mark(ctx)
	for pause(ctx, time.Second) {
		e.adaptSampling()
		now := e.mark(ctx)
		seconds := time.Duration(now.at - before.at).Seconds()
		p := Point{
			At:         time.Duration(now.at).Seconds(),
			PacketsIn:  rate(now.sent[0], before.sent[0], seconds),
			PacketsOut: rate(now.received.packets, before.received.packets, seconds),
			BitsIn:     8 * rate(now.sent[1], before.sent[1], seconds),
			BitsOut:    8 * rate(now.received.bytes, before.received.bytes, seconds),
			P99:        milliseconds(now.latency.since(before.latency).quantile(0.99)),
			Lost:       now.received.missing - before.received.missing,
			LoadCPU:    (now.own - before.own) / seconds,
		}
		if now.server.known && before.server.known {
			p.ServerCPU = (now.server.cpu - before.server.cpu) / seconds
		}
		e.mu.Lock()
		p.People = e.joined
		failures := e.failures
		e.points = append(e.points, p)
		e.mu.Unlock()
		e.tell(p, now.server.known, failures)
		before = now
	}
}

// rate is how much a count has grown per second. Somebody who leaves while the counts are taken may be missing in one.
func rate(now, before uint64, seconds float64) uint64 {
	if now < before {
		return 0
	}
	return uint64(float64(now-before) / seconds)
}

func (e *engine) tell(p Point, server bool, failures int) {
	line := fmt.Sprintf("%4.0f s  %d people  in %d packets/s, %s  out %d packets/s, %s  p99 %.1f ms",
		p.At, p.People, p.PacketsIn, bitrate(p.BitsIn), p.PacketsOut, bitrate(p.BitsOut), p.P99)
	if p.Lost != 0 {
		line += fmt.Sprintf("  lost %d", p.Lost)
	}
	if failures > 0 {
		line += fmt.Sprintf("  %d joins failed", failures)
	}
	if server {
		line += fmt.Sprintf("  server %.0f %%", 100*p.ServerCPU)
	}
	fmt.Fprintf(e.progress, "%s  load %.0f %%\n", line, 100*p.LoadCPU)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bitrate writes a bit rate.
func bitrate(n uint64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f Gbit/s", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f Mbit/s", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f kbit/s", float64(n)/1e3)
}
