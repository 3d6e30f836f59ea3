package alloc

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const plenty = 1_000_000_000

func TestLevelsOfTheSqueeze(t *testing.T) {
	single := camera(4)
	single.Rungs = ladder()[:2]
	small := camera(5)
	small.Shown = 320 * 180
	hidden := camera(6)
	hidden.Shown = 0
	for level, want := range [][]Decision{
		{{5, Free, false}, {1, Free, false}, {1, Choice, false}, {-1, Choice, false}},
		{{3, Server, false}, {1, Free, false}, {1, Choice, false}, {-1, Choice, false}},
		{{1, Server, false}, {1, Free, false}, {1, Choice, false}, {-1, Choice, false}},
		{{0, Server, false}, {0, Server, false}, {0, Server, false}, {-1, Choice, false}},
		{{0, Server, false}, {0, Server, false}, {0, Server, false}, {-1, Choice, false}}, // there are no more than 9
	} {
		b := newBench(camera(3), single, small, hidden)
		b.Squeeze(Squeeze(level))
		if b.settle(plenty, 96_000); !slices.Equal(b.decisions, want) {
			t.Errorf("level %d: %v, not %v", level, b.decisions, want)
		}
	}
}

// TestThoseLookedAtLeastGoFirst has tiles of several sizes, a speaker, a pinned one and a screen.
func TestThoseLookedAtLeastGoFirst(t *testing.T) {
	b := newBench()
	for i := range 12 {
		b.tracks = append(b.tracks, camera(uint32(i)))
		b.tracks[i].Shown = 1000 * (1 + i)
	}
	b.tracks[0].Priority, b.tracks[1].Priority, b.tracks[2].Priority = Speaker, Pinned, Screen
	b.tracks[11].Shown = 0
	for level, want := range map[Squeeze][]int{
		fewer - 1:       {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		fewer:           {0, 1, 2, 5, 6, 7, 8, 9, 10},
		fewer + 1:       {0, 1, 2, 8, 9, 10},
		fewer + 2:       {0, 1, 2, 10},
		fewer + 3:       {1, 2},
		fewer + 4:       {2},
		MostSqueeze:     nil,
		MostSqueeze + 1: nil,
	} {
		b.Squeeze(level)
		b.settle(plenty, 96_000)
		var kept []int
		for i, d := range b.decisions {
			if d.Rung >= 0 {
				kept = append(kept, i)
			} else if i != 11 && d.Why != Server {
				t.Errorf("level %d: track %d is paused, %v", level, i, d)
			}
		}
		if !slices.Equal(kept, want) {
			t.Errorf("level %d keeps %v, not %v", level, kept, want)
		}
	}
}

func TestSqueezeIsAtOnceAndItsEndGradual(t *testing.T) {
	b := newBench(camera(1), camera(2), camera(3))
	b.settle(plenty, 0)
	b.Squeeze(lowest)
	if got := b.allocate(plenty, 0); !slices.Equal(got, []int{1, 1, 1}) || b.Need() != 0 {
		t.Errorf("rungs %v, and needs %d", got, b.Need())
	}
	b.Squeeze(MostSqueeze)
	if got := b.allocate(plenty, 0); !slices.Equal(got, []int{-1, -1, -1}) || b.Need() != 0 || b.Used() != 0 {
		t.Errorf("rungs %v, used %d, and needs %d", got, b.Used(), b.Need())
	}
	b.Squeeze(0)
	if got := b.allocate(plenty, 0); slices.Contains(got, -1) {
		t.Errorf("rungs %v: not back", got)
	}
	if got := b.settle(plenty, 0); !slices.Equal(got, []int{5, 5, 5}) {
		t.Errorf("rungs %v in the end", got)
	}
}

// TestMoreSqueezeIsNeverMore has tracks of all kinds, without want of bandwidth.
func TestMoreSqueezeIsNeverMore(t *testing.T) {
	several(func(_ *rand.Rand, tracks []Track) {
		last := shareOf(tracks, plenty)
		for level := topless; level <= MostSqueeze; level++ {
			b := newBench(slices.Clone(tracks)...)
			b.Squeeze(level)
			got := b.settle(plenty, 0)
			for i := range got {
				if got[i] > last[i] {
					t.Fatalf("level %d gives %v, the one below %v", level, got, last)
				}
			}
			last = got
		}
	})
}

func TestSqueezeAllocatesNothing(t *testing.T) {
	b := crowd(50)
	for level := Squeeze(0); level <= MostSqueeze; level++ {
		b.Squeeze(level)
		b.settle(plenty, 0)
		if n := testing.AllocsPerRun(20, func() {
			b.decisions = b.Allocate(b.now, plenty, 0, b.tracks, b.decisions)
		}); n != 0 {
			t.Errorf("%v allocations at level %d", n, level)
		}
	}
}

func BenchmarkAllocate50Squeezed(b *testing.B) {
	c := crowd(50)
	c.Squeeze(fewer)
	b.ReportAllocs()
	for b.Loop() {
		c.decisions = c.Allocate(c.now, 3_000_000, 96_000, c.tracks, c.decisions)
	}
}
