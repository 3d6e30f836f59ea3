package load

import (
	"testing"
	"time"
)

// TestPersonIsPerPersonPresent has 20 people for 10 s of whom all take the same, another 100 coming one by one.
func TestPersonIsPerPersonPresent(t *testing.T) {
	e := &engine{}
	at := func(seconds float64) int64 { return int64(seconds * float64(time.Second)) }
	for range 20 {
		e.came(at(1))
	}
	var w window
	w.begin = mark{at: at(5), presence: e.presence(at(5)), server: usage{known: true}}
	personSeconds := 20 * 10.0
	for i := range 100 {
		now := 5 + float64(i)/10
		e.came(at(now))
		personSeconds += 15 - now
	}
	w.people = 120
	w.end = mark{
		at: at(15), presence: e.presence(at(15)), sent: [2]uint64{uint64(10 * personSeconds), uint64(1000 * personSeconds)},
		received: meter{packets: uint64(200 * personSeconds)}, server: usage{known: true, cpu: 0.003 * personSeconds},
	}
	p := w.person()
	if p.PacketsOut < 199.9 || p.PacketsOut > 200.1 || p.PacketsIn < 9.99 || p.PacketsIn > 10.01 || p.BytesIn < 999 ||
		p.CPU < 0.00299 || p.CPU > 0.00301 {
		t.Errorf("%+v", p)
	}
	for range 120 {
		e.went(at(15))
	}
	if later := e.presence(at(99)) - w.end.presence; later > 1e-6 || later < -1e-6 || e.joined != 0 {
		t.Errorf("%v person-seconds of nobody, %d people", later, e.joined)
	}
}

// TestPausedTilesAreOfTheWindow leaves out what was before.
func TestPausedTilesAreOfTheWindow(t *testing.T) {
	var w window
	for _, m := range []*mark{&w.begin, &w.end} {
		m.frames = new(distribution)
		for i := range m.looks {
			m.looks[i] = new(distribution)
		}
	}
	w.begin.paused, w.end.paused = 3, 5
	if p := w.pictures(Options{Shown: 1}); p.Paused != 2 {
		t.Errorf("%d paused", p.Paused)
	}
}
