package capacity

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/sfu/alloc"
)

func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 1_000_000 // bit/s
		var people, level atomic.Int64
		start := time.Now()
		var sent atomic.Uint64
		m := launch(t, Limits{Egress: 30 * each, People: 40}, Sources{
			Sent:    sent.Load,
			People:  func() int { return int(people.Load()) },
			Squeeze: func(s alloc.Squeeze) { level.Store(int64(s)) },
		})
		run := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				if level.Load() < 2 {
					sent.Add(uint64(people.Load()) * each / 8 / 100)
				}
			}
		}
		people.Store(15)
		if h := m.Headroom(); h != (Headroom{25, true, LimitPeople}) {
			t.Errorf("at first %+v", h)
		}
		run(20 * time.Second)
		if h := m.Headroom(); h.People < 11 || h.People > 14 || h.Limit != LimitEgress {
			t.Errorf("with 15 people %+v", h)
		}
		people.Store(20)
		if h := m.Headroom(); h.People < 6 || h.People > 9 {
			t.Errorf("when five more have just come %+v", h)
		}
		people.Store(35)
		run(10 * time.Second)
		if h := m.Headroom(); level.Load() != 2 || m.State().Squeeze != 2 || h != (Headroom{0, true, LimitEgress}) {
			t.Errorf("over the limit %+v, squeeze %d told, %d published", h, level.Load(), m.State().Squeeze)
		}
		if passed := time.Since(start); passed < 30*time.Second {
			t.Errorf("%v have passed", passed)
		}
	})
}

// One reader without time left is the end, though the other cores are idle.
func TestBusiestReaderCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var share atomic.Int64 // of its time that the busier reader is at work, percent
		m := launch(t, Limits{Cores: 8}, Sources{
			Sent: func() uint64 { return 0 },
			Busy: func() []time.Duration {
				passed := time.Since(begun)
				return []time.Duration{passed / 10, passed * time.Duration(share.Load()) / 100}
			},
			People:  func() int { return 50 },
			Squeeze: func(alloc.Squeeze) {},
		})
		share.Store(50)
		time.Sleep(20 * time.Second)
		if h := m.Headroom(); !h.Known || h.People < 30 || h.Limit != LimitCPU {
			t.Errorf("half at work: %+v", h)
		}
		share.Store(100)
		time.Sleep(20 * time.Second)
		if h := m.Headroom(); h != (Headroom{0, true, LimitCPU}) || m.State().Squeeze == 0 {
			t.Errorf("always at work: %+v, squeeze %d", h, m.State().Squeeze)
		}
	})
}

// launch starts a meter of a process that uses no CPU.
func launch(t *testing.T, l Limits, from Sources) *Meter {
	if from.Busy == nil {
		from.Busy = func() []time.Duration { return nil }
	}
	m := start(l, from, func() time.Duration { return 0 })
	t.Cleanup(m.Close)
	return m
}

func TestProcessUsesCPU(t *testing.T) {
	before := cpuTime()
	if before == 0 {
		t.Skip("it cannot be told here")
	}
	for begun := time.Now(); cpuTime()-before < 20*time.Millisecond; {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("time stands still")
		}
	}
}
