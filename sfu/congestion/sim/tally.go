package sim

import (
	"time"

	"parley/sfu/alloc"
	"parley/sfu/congestion"
	"parley/sfu/pace"
)

// SampleEvery is the distance of samples in a [Record].
const SampleEvery = 100 * time.Millisecond

// Record is what happened to a subscriber.
type Record struct {
	Samples  []Sample
	Pictures []Picture
	Voices   []Voice
	Queued   []Queued
	Changes  []Change
}

// Sample is of SampleEvery of time.
type Sample struct {
	At       time.Duration // its end
	Estimate int           // bit/s, at the end
	Capacity int           // bit/s that the controller believes in
	Sent     int           // bytes
	Padding  int           // bytes of them
	Resent   int           // bytes of them
	Received int           // bytes
	Queue    time.Duration // the longest time that a packet was in the bottleneck's queue
	Dropped  int           // packets that found no room there
	Rungs    [videoTracks]int
}

// Picture is one that was decoded.
type Picture struct {
	Track        int
	Captured, At time.Duration
	Bits         int
}

// Voice is a packet of audio; At is 0 if it was lost.
type Voice struct{ Captured, At time.Duration }

// Queued is how long a packet was in the bottleneck's queue.
type Queued struct {
	At, For time.Duration
	Added   time.Duration // of that owed to padding
}

// Change is another rung decided on for a track.
type Change struct {
	At       time.Duration
	Track    int
	From, To int
}

// tally writes the record.
type tally struct {
	clock *clock
	rungs [videoTracks]int
	Record
}

// now is the sample of this moment.
func (t *tally) now() *Sample {
	end := t.clock.now.Truncate(SampleEvery) + SampleEvery
	if n := len(t.Samples); n > 0 && t.Samples[n-1].At == end {
		return &t.Samples[n-1]
	}
	s := Sample{At: end, Rungs: t.rungs}
	if n := len(t.Samples); n > 0 {
		s.Estimate, s.Capacity = t.Samples[n-1].Estimate, t.Samples[n-1].Capacity
	}
	t.Samples = append(t.Samples, s)
	return &t.Samples[len(t.Samples)-1]
}

func (t *tally) sent(class pace.Class, size int, p passage) {
	s := t.now()
	s.Sent += size
	switch class {
	case pace.Padding:
		s.Padding += size
	case pace.Retransmission:
		s.Resent += size
	}
	if p.overflow {
		s.Dropped++
		return
	}
	s.Queue = max(s.Queue, p.queued)
	t.Queued = append(t.Queued, Queued{t.clock.now, p.queued, p.added})
}

func (t *tally) received(size int) { t.now().Received += size }

func (t *tally) spoken(p *packet) {
	p.sequence = len(t.Voices)
	t.Voices = append(t.Voices, Voice{Captured: p.captured})
}

func (t *tally) heard(p *packet) { t.Voices[p.sequence].At = t.clock.now }

func (t *tally) shown(track *videoTrack, p *picture) {
	t.Pictures = append(t.Pictures, Picture{int(track.id), p.captured, t.clock.now, p.bits})
}

// decide notes what was decided and what the controller believes.
func (t *tally) decide(decisions []alloc.Decision, state congestion.State) {
	for i, d := range decisions {
		if d.Rung != t.rungs[i] {
			t.Changes = append(t.Changes, Change{t.clock.now, i, t.rungs[i], d.Rung})
			t.rungs[i] = d.Rung
		}
	}
	s := t.now()
	s.Estimate, s.Capacity, s.Rungs = state.Estimate, state.Capacity, t.rungs
}
