package sim

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"parley/sfu/pace"
)

func TestOracle(t *testing.T) {
	cases := []struct {
		rate  int
		loss  float64
		rungs [videoTracks]int
	}{
		{90_000, 0, [...]int{-1, -1, -1}},
		{300_000, 0, [...]int{0, 0, -1}},
		{500_000, 0, [...]int{1, 1, 0}},
		{700_000, 0, [...]int{1, 1, 1}},
		{1_000_000, 0, [...]int{2, 2, 1}},
		{1_000_000, 0.1, [...]int{2, 2, 1}},
		{2_000_000, 0, [...]int{3, 3, 3}},
		{20_000_000, 0, [...]int{5, 5, 5}},
	}
	for _, c := range cases {
		s := constant(c.rate, time.Minute)
		s.Loss = c.loss
		if got := s.Oracle(0, 0); got != c.rungs {
			t.Errorf("%d kbit/s: %v, not %v", c.rate/1000, got, c.rungs)
		}
	}
}

func TestLeavingTheQueue(t *testing.T) {
	rates := []Step{{0, 1_000_000}, {time.Second, 500_000}}
	cases := []struct{ start, leaves time.Duration }{
		{0, 10 * time.Millisecond},
		{2 * time.Second, 2*time.Second + 20*time.Millisecond},
		{time.Second - 5*time.Millisecond, time.Second + 10*time.Millisecond}, // half of it at either rate
	}
	for _, c := range cases {
		if got := leave(c.start, 1250, rates); got.Round(time.Microsecond) != c.leaves {
			t.Errorf("from %s: %s, not %s", c.start, got, c.leaves)
		}
	}
}

func TestQueueDropsAtItsTail(t *testing.T) {
	random := func() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
	c := &clock{}
	l := &link{clock: c, rate: []Step{{0, 1_000_000}}, room: 5000, random: random(), voices: random()}
	arrived := 0
	for i := range 5 {
		got := l.send(1250, pace.Video, func() { arrived++ })
		if want := time.Duration(i+1) * 10 * time.Millisecond; i < 4 && got.queued != want || got.overflow != (i == 4) {
			t.Errorf("packet %d: %+v", i, got)
		}
	}
	c.run(25*time.Millisecond, nil)
	if arrived != 2 {
		t.Errorf("%d arrived in time for two", arrived)
	}
	// What is left is 15 ms of two packets; padding adds to what waits behind it, and only that.
	l.send(1250, pace.Padding, nil)
	if got := l.send(1250, pace.Video, nil); got.added != 10*time.Millisecond {
		t.Errorf("padding of 10 ms added %s", got.added)
	}
}

func TestPublisherKeepsItsRates(t *testing.T) {
	c := &clock{}
	p := newPublisher(c, rand.New(rand.NewPCG(1, 2)), 0)
	p.receivers = nil
	var sums [2 * encodings]float64
	n := 0
	c.every(2*time.Second, 100*time.Millisecond, func() {
		n++
		for i, r := range p.rungs {
			sums[i] += float64(r.Bitrate)
		}
		if n%50 == 0 {
			p.request(n / 50 % encodings) // keyframes must not change the mean
		}
	})
	c.run(2*time.Minute, nil)
	for i, rate := range ladder() {
		if got := sums[i] / float64(n); math.Abs(got-float64(rate)) > 0.03*float64(rate) {
			t.Errorf("rung %d: %.0f bit/s, not %d", i, got, rate)
		}
	}
}

func TestKeyframeComesSoonAfterItsRequest(t *testing.T) {
	c := &clock{}
	p := newPublisher(c, rand.New(rand.NewPCG(1, 2)), 0)
	p.request(1)
	requested := c.now
	for p.keyAt[1] != 0 && c.now < time.Second {
		c.run(c.now+10*time.Millisecond, nil)
		c.now += 10 * time.Millisecond
	}
	if took := c.now - requested; took < 70*time.Millisecond || took > 150*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

func TestDecodingByDependency(t *testing.T) {
	c := &clock{}
	tally := &tally{clock: c}
	track := &videoTrack{}
	s := &stream{track: track, highest: -1}
	r := &receiver{clock: c, link: &link{}, tally: tally, streams: []*stream{s}}
	key := &picture{captured: 0, key: true, packets: 1, first: 0}
	upper := &picture{captured: 33 * time.Millisecond, packets: 1, first: 1, needs: key}
	base := &picture{captured: 66 * time.Millisecond, packets: 2, first: 2, needs: key}
	next := &picture{captured: 133 * time.Millisecond, packets: 1, first: 4, needs: base}
	steps := []struct {
		sequence int
		of       *picture
		shown    int
	}{{0, key, 1}, {2, base, 1}, {4, next, 1}, {3, base, 3}, {3, base, 3}, {1, upper, 4}}
	for i, step := range steps {
		r.take(&packet{track: track, sequence: step.sequence, picture: step.of})
		if got := len(tally.Pictures); got != step.shown {
			t.Errorf("step %d: %d pictures, not %d", i, got, step.shown)
		}
	}
	if len(s.missing) != 0 {
		t.Errorf("still missing: %v", s.missing)
	}
}

func BenchmarkTwoMinutes(b *testing.B) {
	for b.Loop() {
		Run(constant(1_000_000, 2*time.Minute), Options{Seed: 1, Epoch: time.Unix(1e9, 0)})
	}
}
