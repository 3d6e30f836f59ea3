package capacity

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parley/sfu/alloc"
)

// plant is a server with people, whose use of CPU and of the network is what the test says.
type plant struct {
	*Estimator
	now    time.Time
	people int
	noise  *rand.Rand

	// What is used for n people, squeezed that much: cores and bit/s.
	cores, bits func(n int, level alloc.Squeeze) float64

	cpu  float64 // seconds so far
	sent float64 // bytes so far

	squeezes []alloc.Squeeze // each new level
}

func newPlant(l Limits) *plant {
	none := func(int, alloc.Squeeze) float64 { return 0 }
	return &plant{
		Estimator: NewEstimator(l), now: time.Unix(1e9, 0), cores: none, bits: none, noise: rand.New(rand.NewPCG(1, 2)),
	}
}

// run lets seconds pass, a sample each. What is used is off by up to 4 %.
func (p *plant) run(seconds int) State {
	for range seconds {
		before := p.State().Squeeze
		p.now = p.now.Add(time.Second + time.Duration(p.noise.IntN(20)-10)*time.Millisecond)
		jitter := func() float64 { return 0.96 + 0.08*p.noise.Float64() }
		p.cpu += p.cores(p.people, before) * jitter()
		p.sent += p.bits(p.people, before) / 8 * jitter()
		s := p.Add(p.now, Sample{
			CPU: time.Duration(p.cpu * float64(time.Second)), Sent: uint64(p.sent), People: p.people,
		})
		if s.Squeeze != before {
			p.squeezes = append(p.squeezes, s.Squeeze)
		}
	}
	return p.State()
}

func TestJoinsAreNoCostOfPeople(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 1})
	joins := 0
	p.cores = func(n int, _ alloc.Squeeze) float64 { return 0.0015*float64(n) + 0.015*float64(joins) }
	p.people = 30
	p.run(20)
	for joins = 20; p.people < 300; {
		p.people += joins
		p.run(1)
		if h := p.headroom(); h.Known && h.People < 20 {
			t.Fatalf("%+v with %d people while others join", h, p.people)
		}
	}
}

func (p *plant) headroom() Headroom { return p.State().Headroom(p.people) }

func TestCostOfPeopleIsLearned(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 4})
	p.cores = func(n int, _ alloc.Squeeze) float64 { return 0.1 + 0.01*float64(n) }
	p.run(30)
	if h := p.headroom(); h.Known {
		t.Fatalf("%+v with nobody there", h)
	}
	p.people = 2
	p.run(60)
	if h := p.headroom(); h.Known {
		t.Fatalf("%+v with two there", h)
	}
	p.people = 10
	p.run(9)
	if h := p.headroom(); h.Known {
		t.Fatalf("%+v after 9 s", h)
	}
	const fit = (0.95*3.6 - 0.1) / 0.01 // 332
	for _, n := range []int{10, 3, 30, 100, 200, 300, 150} {
		p.people = n
		p.run(60)
		h := p.headroom()
		if want := fit - float64(n); math.Abs(float64(h.People)-want) > 0.08*fit+5 || !h.Known || h.Limit != LimitCPU {
			t.Errorf("with %d people %+v, though %.0f fit", n, h, want)
		}
	}
	if p.people = 1; !p.headroom().Known {
		t.Error("forgot what people cost when they left")
	}
	if len(p.squeezes) > 0 {
		t.Errorf("squeezed: %v", p.squeezes)
	}
}

// TestIdleProcessSaysNothing has people who do nothing in a process that hardly does more.
func TestIdleProcessSaysNothing(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 8})
	p.cores = func(int, alloc.Squeeze) float64 { return 0.02 }
	p.run(20)
	p.people = 5
	p.run(300)
	if h := p.headroom(); h.Known {
		t.Errorf("%+v", h)
	}
}

func TestHeadroomFollowsTheTighterLimit(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 2, Egress: 100_000_000})
	p.cores = func(n int, _ alloc.Squeeze) float64 { return 0.01 * float64(n) }
	p.bits = func(n int, _ alloc.Squeeze) float64 { return 2_000_000 * float64(n) }
	p.people = 20
	p.run(30)
	if h := p.headroom(); h.Limit != LimitEgress || h.People < 23 || h.People > 30 {
		t.Errorf("%+v, though 27 fit", h)
	}
}

// TestHeadroomWhileMany join has 100 come in 10 s: those who just came are off the headroom before they cost anything.
func TestHeadroomWhileManyJoin(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 2})
	p.cores = func(n int, _ alloc.Squeeze) float64 { return 0.01 * float64(n) }
	p.people = 20
	p.run(30)
	for range 10 {
		p.people += 10
		p.run(1)
		h, fit := p.headroom(), 171-p.people
		if h.People > fit+15 || h.People < fit-25 {
			t.Errorf("with %d people %+v, though %d fit", p.people, h, fit)
		}
	}
}

// TestHeadroomWhileARoomGrows has one more come each second, of whom everybody sees nine.
func TestHeadroomWhileARoomGrows(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 2})
	p.cores = func(n int, _ alloc.Squeeze) float64 { return float64(n) * (0.001 + 0.0005*float64(min(n-1, 9))) }
	const fit = 0.95 * 1.8 / 0.0055 // 311
	for p.people = 3; p.people < 300; p.people++ {
		p.run(1)
		h := p.headroom()
		if left := fit - float64(p.people); p.people > 30 && math.Abs(float64(h.People)-left) > 0.1*fit {
			t.Errorf("with %d people %+v, though %.0f fit", p.people, h, left)
		}
	}
	if len(p.squeezes) > 0 {
		t.Errorf("squeezed: %v", p.squeezes)
	}
}

// TestHeadroomDoesNotJump has the same people there for ten minutes.
func TestHeadroomDoesNotJump(t *testing.T) {
	p := newPlant(Limits{CPU: 0.9, Cores: 2})
	p.cores = func(n int, _ alloc.Squeeze) float64 { return 0.01 * float64(n) }
	p.people = 30
	p.run(60)
	before, changes := p.headroom(), 0
	for range 600 {
		p.run(1)
		if h := p.headroom(); h != before {
			before = h
			changes++
		}
	}
	if changes > 2 {
		t.Errorf("%d changes in ten minutes", changes)
	}
}

func TestOverTheLimitNobodyFits(t *testing.T) {
	p := newPlant(Limits{Egress: 10_000_000})
	p.bits = func(n int, _ alloc.Squeeze) float64 { return 1_000_000 * float64(n) }
	p.people = 9
	p.run(30)
	p.people = 13
	p.run(2)
	if h := p.headroom(); p.State().Squeeze > 0 || h != (Headroom{0, true, LimitEgress}) {
		t.Errorf("%+v at squeeze %d", h, p.State().Squeeze)
	}
}

func FuzzEstimator(f *testing.F) {
	f.Add(uint16(2), uint32(1000), []byte{1, 3, 200, 100, 0, 0, 0, 255, 1, 255, 9, 255, 255, 0, 7, 7})
	f.Add(uint16(0), uint32(0), []byte{})
	f.Add(uint16(50), uint32(80_000), slices.Repeat([]byte{10, 40, 255, 10}, 20))
	f.Fuzz(func(t *testing.T, people uint16, egress uint32, data []byte) {
		e := NewEstimator(Limits{Cores: 2, Egress: int(egress), People: int(people)})
		now, sample := time.Unix(1e9, 0), Sample{}
		for ; len(data) >= 4; data = data[4:] {
			before := e.State().Squeeze
			now = now.Add(time.Duration(data[0]) * 100 * time.Millisecond)
			sample.People = int(data[1])
			sample.CPU += time.Duration(data[2]) * 20 * time.Millisecond
			sample.Sent += uint64(data[3]) * 1000
			if data[0]%16 == 1 {
				sample.Sent /= 2 // counters that begin anew
			}
			s := e.Add(now, sample)
			if s.Squeeze < 0 || s.Squeeze > alloc.MostSqueeze || s.Squeeze > before+1 ||
				s.Squeeze < before-1 && sample.People > 0 {
				t.Fatalf("squeeze %d after %d", s.Squeeze, before)
			}
			h := s.Headroom(sample.People)
			if most := max(int(people), sample.People); h.People < 0 || h.Known != (h.Limit != "") ||
				people > 0 && (!h.Known || sample.People+h.People > most) {
				t.Fatalf("%+v with %d people, of whom %d may come", h, sample.People, people)
			}
			if s.Squeeze > 0 && (h.People > 0 || !h.Known) {
				t.Fatalf("%+v while squeezed", h)
			}
			if s.CPU < 0 || s.CPU > spike || s.Egress < 0 || s.Egress > spike {
				t.Fatalf("%+v", s)
			}
		}
	})
}
