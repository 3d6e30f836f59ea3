package shaper

import (
	"math/rand/v2"
	"time"
)

// overhead is what IPv4 and UDP add to each datagram.
const overhead = 28

// defaultQueue is the queue of a link that has a rate and says nothing of its queue, in bytes.
const defaultQueue = 40_000

// Link says what one direction is like. The zero value lets everything through at once.
type Link struct {
	Rate   int     `json:"rate"`   // bit/s on the wire, IP and UDP headers included; 0: any
	Queue  int     `json:"queue"`  // bytes that may wait for the bottleneck, drop-tail; 0: 40 kB
	Delay  float64 `json:"delay"`  // ms behind the bottleneck
	Jitter float64 `json:"jitter"` // ms at most on top of that, without reordering
	Loss   float64 `json:"loss"`   // share of the packets behind the bottleneck, 0 to 1
}

// Path is both directions of a client.
type Path struct {
	Up   Link `json:"up"`   // to the server
	Down Link `json:"down"` // from the server
}

// Stats is what one direction has done.
type Stats struct {
	Packets  int     `json:"packets"`   // delivered
	Bytes    int     `json:"bytes"`     // of these, on the wire
	Dropped  int     `json:"dropped"`   // for want of room in the queue
	Lost     int     `json:"lost"`      // at random
	Waiting  int     `json:"waiting"`   // bytes in the queue now
	QueueMax float64 `json:"queue_max"` // ms, the longest wait for the bottleneck since the statistics were reset
}

// waiting is a packet in front of the bottleneck.
type waiting struct {
	data []byte
	at   time.Time // when it came
}

// flying is a packet behind it.
type flying struct {
	data []byte
	due  time.Time
}

// link is one direction at work. It is pure: time is handed in, and one goroutine at a time uses it.
type link struct {
	Link
	random *rand.Rand
	stats  Stats

	queue  []waiting
	queued int       // bytes in queue
	free   time.Time // when the bottleneck has sent what it began
	air    []flying
	last   time.Time // when the last of air arrives
}

func newLink(l Link, seed, stream uint64) *link {
	return &link{Link: l, random: rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // to be repeatable
}

// set changes what the link is like. What the bottleneck has begun is sent on.
func (l *link) set(now time.Time, to Link) {
	l.serve(now)
	l.Link = to
}

// push takes a packet, and keeps data.
func (l *link) push(now time.Time, data []byte) {
	l.serve(now)
	size := len(data) + overhead
	limit := l.Queue
	if limit == 0 {
		limit = defaultQueue
	}
	if l.Rate > 0 && l.queued+size > limit {
		l.stats.Dropped++
		return
	}
	l.queue = append(l.queue, waiting{data, now})
	l.queued += size
	l.serve(now)
}

// serve lets the bottleneck begin with all that it could begin with until now.
func (l *link) serve(now time.Time) {
	n := 0
	for _, w := range l.queue {
		start := w.at
		if l.free.After(start) {
			start = l.free
		}
		if l.Rate > 0 && start.After(now) {
			break
		}
		size := len(w.data) + overhead
		if l.Rate == 0 && start.After(now) { // it was slow until now
			start = now
		}
		l.stats.QueueMax = max(l.stats.QueueMax, milliseconds(start.Sub(w.at)))
		l.free = start
		if l.Rate > 0 {
			l.free = start.Add(time.Duration(float64(size) * 8 / float64(l.Rate) * float64(time.Second)))
		}
		l.queued -= size
		l.launch(w.data, l.free)
		n++
	}
	l.queue = shift(l.queue, n)
}

// launch sends a packet on its way behind the bottleneck, or loses it.
func (l *link) launch(data []byte, at time.Time) {
	if l.random.Float64() < l.Loss {
		l.stats.Lost++
		return
	}
	due := at.Add(duration(l.Delay + l.Jitter*l.random.Float64()))
	if due.Before(l.last) {
		due = l.last
	}
	l.last = due
	l.air = append(l.air, flying{data, due})
}

// pop returns a packet that has arrived.
func (l *link) pop(now time.Time) (data []byte, ok bool) {
	l.serve(now)
	if len(l.air) == 0 || l.air[0].due.After(now) {
		return nil, false
	}
	data = l.air[0].data
	l.air = shift(l.air, 1)
	l.stats.Packets++
	l.stats.Bytes += len(data) + overhead
	return data, true
}

// next is when there is something to do, the zero time if there is nothing.
func (l *link) next() time.Time {
	var at time.Time
	if len(l.air) > 0 {
		at = l.air[0].due
	}
	if len(l.queue) > 0 && (at.IsZero() || l.free.Before(at)) {
		at = l.free
	}
	return at
}

func (l *link) statistics() Stats {
	s := l.stats
	s.Waiting = l.queued
	return s
}

// shift takes the first n of a queue away and keeps its room.
func shift[T any](queue []T, n int) []T {
	if n == 0 {
		return queue
	}
	left := copy(queue, queue[n:])
	clear(queue[left:])
	return queue[:left]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
