package capacity

import (
	"slices"
	"testing"
	"time"

	"parley/sfu/alloc"
)

// spared is what is used at each level, of what is used without a squeeze.
func spared(level alloc.Squeeze) float64 {
	return []float64{1, 0.8, 0.6, 0.5, 0.45, 0.35, 0.28, 0.2, 0.15, 0.1}[level]
}

// crowded are people who use that share of the limit of two cores, if they are not squeezed. There are no more than two
// cores, however much is to be done.
func crowded(share float64) *plant {
	p := newPlant(Limits{CPU: 0.9, Cores: 2})
	p.people = 50
	p.load(share)
	return p
}

func (p *plant) load(share float64) {
	p.cores = func(n int, level alloc.Squeeze) float64 { return min(1.8*share*spared(level)*float64(n)/50, 2) }
}

func TestSpikeDoesNotSqueeze(t *testing.T) {
	p := crowded(0.6)
	for range 20 {
		p.run(9)
		p.load(3)
		p.run(1)
		p.load(0.6)
	}
	if len(p.squeezes) > 0 {
		t.Errorf("squeezed: %v", p.squeezes)
	}
}

func TestOverloadSqueezesLevelByLevel(t *testing.T) {
	p := crowded(0.7)
	p.run(30)
	p.load(1.5)
	start := p.now
	p.run(4)
	if took := p.now.Sub(start); p.State().Squeeze != 1 {
		t.Errorf("squeeze %d after %v", p.State().Squeeze, took)
	}
	p.run(10)
	if want := []alloc.Squeeze{1, 2}; !slices.Equal(p.squeezes, want) {
		t.Errorf("squeezes %v, not %v", p.squeezes, want)
	}
	if h := p.headroom(); h != (Headroom{0, true, LimitCPU}) {
		t.Errorf("%+v while squeezed", h)
	}
}

func TestEgressSqueezesToo(t *testing.T) {
	p := newPlant(Limits{Egress: 50_000_000})
	p.people = 50
	p.bits = func(n int, level alloc.Squeeze) float64 { return 3_000_000 * float64(n) * spared(level) }
	p.run(60)
	s := p.State()
	if s.Squeeze != 6 || s.Egress > 1 || p.headroom().Limit != LimitEgress {
		t.Errorf("%+v", s)
	}
}

// TestNoOscillation has each overload last for ten minutes, as the squeeze permits.
func TestNoOscillation(t *testing.T) {
	for _, share := range []float64{1.02, 1.1, 1.2, 1.4, 1.7, 2, 2.5, 3.5, 5} {
		p := crowded(share)
		p.run(60)
		settled := len(p.squeezes)
		over := 0
		for range 600 {
			p.run(1)
			if p.cores(p.people, p.State().Squeeze) > 1.8 {
				over++
			}
		}
		if changes := len(p.squeezes) - settled; changes > 4 || over > 12 {
			t.Errorf("share %v: %d changes, and over the limit for %d s, in ten minutes: %v", share, changes, over, p.squeezes)
		}
	}
}

func TestSqueezeSinksWhenThereIsRoom(t *testing.T) {
	p := crowded(2.2)
	p.run(60)
	at := p.State().Squeeze
	if at < 3 {
		t.Fatalf("squeeze %d", at)
	}
	p.squeezes = nil
	p.load(0.6)
	p.run(8)
	if len(p.squeezes) > 0 {
		t.Errorf("sank within 8 s: %v", p.squeezes)
	}
	p.run(20 * int(at))
	for i, level := range p.squeezes {
		if want := at - 1 - alloc.Squeeze(i); level != want {
			t.Fatalf("sinks as %v", p.squeezes)
		}
	}
	if s := p.State().Squeeze; s != 0 {
		t.Errorf("squeeze %d in the end", s)
	}
	p.run(30)
	if h := p.headroom(); h.People == 0 {
		t.Errorf("%+v after the squeeze", h)
	}
}

// TestWhatFailedIsNotTriedSoonAgain has a level that always seems to spare nothing, and spares much.
func TestWhatFailedIsNotTriedSoonAgain(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 2})
	p.people = 50
	quiet := false
	p.cores = func(_ int, level alloc.Squeeze) float64 {
		if level == 0 && !quiet {
			return 1.95
		}
		return 1.3
	}
	var failed []time.Time
	for range 1800 {
		p.resources[0].spares[1] = 1
		before := p.State().Squeeze
		p.run(1)
		if p.State().Squeeze > before {
			failed = append(failed, p.now)
		}
	}
	if n := len(failed); n < 5 || n > 10 {
		t.Errorf("tried %d times in half an hour", n)
	}
	quiet = true
	p.run(700)
	if s := p.State().Squeeze; s != 0 {
		t.Errorf("squeeze %d although there is room", s)
	}
}

func TestEmptyServerIsNotSqueezed(t *testing.T) {
	p := crowded(5)
	p.run(60)
	p.people = 0
	p.run(1)
	if s := p.State(); s.Squeeze != 0 {
		t.Errorf("squeeze %d of nobody", s.Squeeze)
	}
	p.run(5)
	if h := p.headroom(); h.People == 0 && h.Known {
		t.Errorf("%+v when all have left", h)
	}
}

func TestNothingIsLeftToSqueeze(t *testing.T) {
	p := crowded(1.5)
	p.cores = func(int, alloc.Squeeze) float64 { return 2 }
	p.run(300)
	if s := p.State().Squeeze; s != alloc.MostSqueeze {
		t.Errorf("squeeze %d", s)
	}
}
