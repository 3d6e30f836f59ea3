package capacity

import (
	"sync/atomic"
	"time"

	"parley/sfu/alloc"
)

// sampleEvery is between samples.
const sampleEvery = time.Second

// Sources are where a [Meter] looks. They are called by several goroutines, and must not block.
type Sources struct {
	Sent   func() uint64          // bytes that the server has sent so far
	Busy   func() []time.Duration // for how long each reader of media was at work so far
	People func() int             // who are in a room now, asked for at each [Meter.Headroom] too
	// Squeeze is told each new level, on the meter's goroutine.
	Squeeze func(alloc.Squeeze)
}

// Meter watches the process that it is part of. Its methods may be called by everybody.
type Meter struct {
	// Static after construction.
	sources Sources
	cpu     func() time.Duration
	stop    chan struct{}
	done    chan struct{}

	state atomic.Pointer[State]
}

// Start makes a Meter, which samples until it is closed.
func Start(l Limits, from Sources) *Meter { return start(l, from, cpuTime) }

func start(l Limits, from Sources, cpu func() time.Duration) *Meter {
	m := &Meter{sources: from, cpu: cpu, stop: make(chan struct{}), done: make(chan struct{})}
	e := NewEstimator(l)
	m.publish(e.State())
	go m.run(e)
	return m
}

// Close ends it and waits until it has.
func (m *Meter) Close() {
	close(m.stop)
	<-m.done
}

// Headroom is how many more people there may be. Who has come since the last sample is taken off.
func (m *Meter) Headroom() Headroom { return m.State().Headroom(m.sources.People()) }

// State is what the last sample has shown.
func (m *Meter) State() State { return *m.state.Load() }

func (m *Meter) publish(s State) { m.state.Store(&s) }

func (m *Meter) run(e *Estimator) {
	defer close(m.done)
	var reader time.Duration
	busy := m.sources.Busy()
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		before := e.State().Squeeze
		reader += busiest(m.sources.Busy(), &busy)
		now := e.Add(time.Now(), Sample{
			CPU: m.cpu(), Sent: m.sources.Sent(), Reader: reader, People: m.sources.People(),
		})
		m.publish(now)
		if now.Squeeze != before {
			m.sources.Squeeze(now.Squeeze)
		}
		select {
		case <-ticker.C:
		case <-m.stop:
			return
		}
	}
}

// busiest is by how much the reader that was at work longest since former, which becomes now.
func busiest(now []time.Duration, former *[]time.Duration) (most time.Duration) {
	for i, d := range now {
		if i < len(*former) {
			d -= (*former)[i]
		}
		most = max(most, d)
	}
	*former = now
	return most
}
