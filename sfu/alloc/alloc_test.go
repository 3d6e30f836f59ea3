package alloc

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// ladder is that of a camera with three encodings and two temporal layers each.
func ladder() []Rung {
	var rungs []Rung
	pixels := []int{320 * 180, 640 * 360, 1280 * 720}
	for i, rate := range []int{90_000, 150_000, 300_000, 500_000, 1_020_000, 1_700_000} {
		rungs = append(rungs, Rung{rate, pixels[i/2], 15 * float64(1+i%2), uint8(i / 2), uint8(i % 2)})
	}
	return rungs
}

func camera(id uint32) Track { return Track{ID: id, Shown: Unlimited, Rungs: ladder(), Current: -1} }

// bench is an allocator with a subscriber who gets what was decided, at once.
type bench struct {
	Allocator
	now       time.Time
	tracks    []Track
	decisions []Decision
}

func newBench(tracks ...Track) *bench { return &bench{now: time.Unix(1e9, 0), tracks: tracks} }

func (b *bench) allocate(estimate, audio int) []int {
	b.decisions = b.Allocate(b.now, estimate, audio, b.tracks, b.decisions)
	rungs := make([]int, len(b.tracks))
	for i, d := range b.decisions {
		rungs[i], b.tracks[i].Current = d.Rung, d.Rung
	}
	return rungs
}

// settle lets time pass until nothing waits any more.
func (b *bench) settle(estimate, audio int) []int {
	var rungs []int
	for range 50 {
		b.now = b.now.Add(250 * time.Millisecond)
		rungs = b.allocate(estimate, audio)
	}
	return rungs
}

func (b *bench) sum() int {
	sum := 0
	for i, d := range b.decisions {
		if d.Rung >= 0 {
			sum += b.tracks[i].Rungs[d.Rung].Bitrate
		}
	}
	return sum
}

func TestWhatIsShared(t *testing.T) {
	screen := Track{ID: 9, Priority: Screen, Detail: true, Shown: Unlimited, Current: -1, Rungs: []Rung{
		{150_000, 1920 * 1080 / 4, 5, 0, 0}, {250_000, 1920 * 1080 / 4, 30, 0, 1},
		{400_000, 1920 * 1080, 5, 1, 0}, {1_200_000, 1920 * 1080, 30, 1, 1},
	}}
	with := func(t Track, change func(*Track)) Track { change(&t); return t }
	slow := with(camera(1), func(t *Track) { // three temporal layers: 7.5, 15 and 30 frames per second
		t.Rungs = []Rung{
			{100_000, 640 * 360, 7.5, 0, 0}, {160_000, 640 * 360, 15, 0, 1}, {220_000, 640 * 360, 30, 0, 2},
			{250_000, 1280 * 720, 7.5, 1, 0}, {420_000, 1280 * 720, 15, 1, 1}, {600_000, 1280 * 720, 30, 1, 2},
		}
	})
	cases := []struct {
		name     string
		estimate int
		tracks   []Track
		rungs    []int
	}{
		{"nothing", 0, []Track{camera(1)}, []int{-1}},
		{"less than audio", 50_000, []Track{camera(1)}, []int{-1}},
		{"all there is", 10_000_000, []Track{camera(1), camera(2), camera(3)}, []int{5, 5, 5}},
		{"1 Mbit/s", 1_000_000, []Track{camera(1), camera(2), camera(3)}, []int{2, 2, 1}},
		{"500 kbit/s", 510_000, []Track{camera(1), camera(2), camera(3)}, []int{1, 1, 0}},
		{"300 kbit/s", 300_000, []Track{camera(1), camera(2), camera(3)}, []int{0, 0, -1}},
		{"2 Mbit/s", 2_000_000, []Track{camera(1), camera(2), camera(3)}, []int{3, 3, 3}},
		{"one base layer, for the speaker", 200_000,
			[]Track{camera(1), with(camera(2), func(t *Track) { t.Priority = Speaker })}, []int{-1, 0}},
		{"for the pinned one rather", 200_000, []Track{with(camera(1), func(t *Track) { t.Priority = Pinned }),
			with(camera(2), func(t *Track) { t.Priority = Speaker })}, []int{0, -1}},
		{"for the screen rather", 260_000, []Track{with(camera(1), func(t *Track) { t.Priority = Pinned }), screen},
			[]int{-1, 0}},
		{"for the larger of the rest", 200_000, []Track{with(camera(1), func(t *Track) { t.Shown = 1000 }),
			with(camera(2), func(t *Track) { t.Shown = 2000 })}, []int{-1, 0}},
		{"hidden", 10_000_000, []Track{with(camera(1), func(t *Track) { t.Shown = 0 }), camera(2)}, []int{-1, 5}},
		{"small tile", 10_000_000, []Track{with(camera(1), func(t *Track) { t.Shown = 320 * 180 })}, []int{1}},
		{"tile a little larger than the picture", 10_000_000,
			[]Track{with(camera(1), func(t *Track) { t.Shown = 340 * 200 })}, []int{1}},
		{"tile between two pictures", 10_000_000, []Track{with(camera(1), func(t *Track) { t.Shown = 480 * 270 })}, []int{3}},
		{"no rungs", 10_000_000, []Track{{ID: 1, Shown: Unlimited, Current: -1}}, []int{-1}},
		{"detail before motion", 600_000, []Track{screen}, []int{2}},
		{"motion before detail", 550_000, []Track{slow}, []int{4}},
		{"15 frames before the top resolution", 380_000, []Track{slow}, []int{2}},
		{"nothing known but rates", 500_000, []Track{{ID: 1, Shown: Unlimited, Current: -1,
			Rungs: []Rung{{Bitrate: 100_000}, {Bitrate: 300_000, Spatial: 1}, {Bitrate: 900_000, Spatial: 2}}}}, []int{1}},
		{"a base layer that is too large gives way", 350_000, []Track{with(screen, func(t *Track) { t.Rungs = t.Rungs[2:] }),
			camera(1), camera(2)}, []int{-1, 1, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(c.tracks...)
			if got := b.settle(c.estimate, 96_000); !slices.Equal(got, c.rungs) {
				t.Errorf("rungs %v, not %v", got, c.rungs)
			}
		})
	}
}

func TestWhyNotMore(t *testing.T) {
	small, hidden, none := camera(1), camera(2), camera(3)
	small.Shown, hidden.Shown, none.Rungs = 320*180, 0, nil
	b := newBench(small, hidden, none, camera(4))
	b.settle(1_000_000, 0)
	want := []Decision{{1, Choice, false}, {-1, Choice, false}, {-1, Free, false}, {3, Bandwidth, false}}
	if !slices.Equal(b.decisions, want) {
		t.Errorf("%v, not %v", b.decisions, want)
	}
	b.settle(2_500_000, 0)
	if b.decisions[3] != (Decision{5, Free, false}) {
		t.Errorf("%v, not the best", b.decisions[3])
	}
}

func TestFiguresForTheProber(t *testing.T) {
	b := newBench(camera(1), camera(2), camera(3))
	b.settle(1_000_000, 96_000)
	if b.Used() != 846_000 || b.Wanted() != 5_196_000 {
		t.Errorf("used %d, wanted %d", b.Used(), b.Wanted())
	}
	if need := b.Need(); need < 96_000+945_000 || need > 96_000+945_002 {
		t.Errorf("needs %d", need)
	}
	before := b.Need()
	if b.settle(before-2000, 96_000); b.Used() != 846_000 {
		t.Error("went up for less than it said")
	}
	if b.settle(before, 96_000); b.Used() != 996_000 {
		t.Error("does not go up for what it said")
	}
	if b.settle(100_000_000, 96_000); b.Need() != 0 {
		t.Errorf("needs %d although it has all", b.Need())
	}
}

func TestDownAtOnceUpAfterAWhile(t *testing.T) {
	b := newBench(camera(1), camera(2), camera(3))
	b.settle(2_000_000, 96_000)
	b.Congested(b.now)
	if got := b.allocate(1_400_000, 96_000); !slices.Equal(got, []int{3, 3, 2}) {
		t.Errorf("rungs %v: not down in temporal layers, at once", got)
	}
	if got := b.allocate(520_000, 96_000); !slices.Equal(got, []int{1, 1, 0}) {
		t.Errorf("rungs %v: not down at once", got)
	}
	b.Congested(b.now)
	b.now = b.now.Add(900 * time.Millisecond)
	if got := b.allocate(2_000_000, 96_000); !slices.Equal(got, []int{1, 1, 0}) {
		t.Errorf("rungs %v: up too soon", got)
	}
	for i, want := range [][]int{{3, 1, 0}, {3, 3, 0}, {3, 3, 3}} {
		b.now = b.now.Add(200 * time.Millisecond)
		if got := b.allocate(2_000_000, 96_000); !slices.Equal(got, want) {
			t.Errorf("step %d: rungs %v, not %v", i, got, want)
		}
	}
}

func TestPausedComesBackSoon(t *testing.T) {
	b := newBench(camera(1), camera(2))
	b.settle(500_000, 96_000)
	b.Congested(b.now)
	if got := b.allocate(96_000, 96_000); !slices.Equal(got, []int{-1, -1}) {
		t.Fatalf("rungs %v", got)
	}
	b.now = b.now.Add(resumeAfter)
	if got := b.allocate(300_000, 96_000); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("rungs %v: not back", got)
	}
}

func TestWhatFailedIsHeld(t *testing.T) {
	b := newBench(camera(1))
	b.settle(400_000, 0)
	fail := func() (held time.Duration) {
		for b.allocate(600_000, 0)[0] != 3 {
			b.now = b.now.Add(10 * time.Millisecond)
		}
		b.now = b.now.Add(2 * time.Second)
		b.Congested(b.now)
		b.allocate(400_000, 0)
		start := b.now
		for b.allocate(600_000, 0)[0] != 3 {
			b.now = b.now.Add(10 * time.Millisecond)
		}
		return b.now.Sub(start)
	}
	for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
		if held := fail(); held != want*time.Second {
			t.Errorf("held for %s, not %d s", held, want)
		}
	}
	b.now = b.now.Add(time.Second)
	b.Congested(b.now)
	b.allocate(400_000, 0)
	if b.Probed(450_000); b.allocate(600_000, 0)[0] == 3 {
		t.Error("a probe below what failed forgave it")
	}
	if b.Probed(530_000); b.allocate(600_000, 0)[0] != 3 {
		t.Error("a probe above what failed did not forgive it")
	}
}

func TestJitterOfRatesMakesNoSwitches(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for estimate := 300_000; estimate < 2_500_000; estimate += 50_000 {
		b := newBench(camera(1), camera(2), camera(3))
		b.settle(estimate, 96_000)
		before, switches := slices.Clone(b.decisions), 0
		noise := make([]float64, 18)
		for range 1200 { // a minute
			b.now = b.now.Add(50 * time.Millisecond)
			for i := range b.tracks {
				for r := range b.tracks[i].Rungs {
					n := &noise[6*i+r]
					*n += -0.05**n + 0.012*random.NormFloat64() // a standard deviation of about 4 %, over a second
					b.tracks[i].Rungs[r].Bitrate = int(float64(ladder()[r].Bitrate) * (1 + *n))
				}
			}
			b.allocate(estimate+int(float64(estimate)*0.01*random.NormFloat64()), 96_000)
			for i := range before {
				if before[i].Rung != b.decisions[i].Rung {
					switches++
				}
			}
			copy(before, b.decisions)
		}
		if switches > 4 {
			t.Errorf("%d switches in a minute at %d kbit/s", switches, estimate/1000)
		}
	}
}

func TestSpeakersChangeTheOrderNotTooOften(t *testing.T) {
	b := newBench(camera(1), camera(2))
	speak := func(who int) []int {
		b.tracks[who].Priority, b.tracks[1-who].Priority = Speaker, Other
		return b.allocate(200_000, 96_000)
	}
	speak(0)
	b.settle(200_000, 96_000)
	if got := speak(1); !slices.Equal(got, []int{-1, 0}) {
		t.Errorf("rungs %v: the speaker is not seen", got)
	}
	b.now = b.now.Add(time.Second)
	if got := speak(0); !slices.Equal(got, []int{-1, 0}) {
		t.Errorf("rungs %v: changed after a second", got)
	}
	b.now = b.now.Add(time.Second)
	if got := speak(0); !slices.Equal(got, []int{0, -1}) {
		t.Errorf("rungs %v: not changed after two", got)
	}
}

func TestOldEncodingHeldIfItDoesLittleHarm(t *testing.T) {
	b := newBench(camera(1))
	b.settle(400_000, 0)
	b.Congested(b.now)
	if b.allocate(280_000, 0); b.decisions[0] != (Decision{1, Bandwidth, true}) {
		t.Errorf("%v: not held", b.decisions[0])
	}
	b = newBench(camera(1))
	b.settle(400_000, 0)
	b.Congested(b.now)
	if b.allocate(160_000, 0); b.decisions[0] != (Decision{1, Bandwidth, false}) {
		t.Errorf("%v: held", b.decisions[0])
	}
}

func TestTracksComeAndGo(t *testing.T) {
	b := newBench(camera(1), camera(2), camera(3))
	b.settle(1_000_000, 96_000)
	one := b.tracks[0]
	b.tracks = []Track{camera(4), one}
	b.now = b.now.Add(time.Second)
	if got := b.allocate(10_000_000, 96_000); got[0] != 1 || got[1] != 5 {
		t.Errorf("rungs %v: the new one has not begun, or the old one was forgotten", got)
	}
	b.tracks[1].Rungs = b.tracks[1].Rungs[:2] // its better encodings are gone
	if got := b.allocate(10_000_000, 96_000); got[1] != 1 {
		t.Errorf("rungs %v", got)
	}
}

func TestAllocatesNothingInSteadyState(t *testing.T) {
	b := crowd(50)
	estimate := 3_000_000
	if n := testing.AllocsPerRun(100, func() {
		b.now = b.now.Add(50 * time.Millisecond)
		estimate = 5_000_000 - estimate
		b.decisions = b.Allocate(b.now, estimate, 96_000, b.tracks, b.decisions)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// crowd are many cameras, of which one speaks.
func crowd(n int) *bench {
	b := newBench()
	for i := range n {
		b.tracks = append(b.tracks, camera(uint32(i)))
		b.tracks[i].Shown = 640 * 360 / (1 + i%3)
	}
	b.tracks[n/2].Priority = Speaker
	b.settle(3_000_000, 96_000)
	return b
}

func benchmark(b *testing.B, n, estimate int) {
	c := crowd(n)
	b.ReportAllocs()
	for b.Loop() {
		c.now = c.now.Add(50 * time.Millisecond)
		c.decisions = c.Allocate(c.now, estimate, 96_000, c.tracks, c.decisions)
	}
}

func BenchmarkAllocate9(b *testing.B)        { benchmark(b, 9, 3_000_000) }
func BenchmarkAllocate50(b *testing.B)       { benchmark(b, 50, 3_000_000) }
func BenchmarkAllocate200(b *testing.B)      { benchmark(b, 200, 20_000_000) }
func BenchmarkAllocate200Ample(b *testing.B) { benchmark(b, 200, 1_000_000_000) }
