package alloc

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// anyTracks are tracks as the bytes say, each used up.
func anyTracks(data []byte) []Track {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	var tracks []Track
	for n := next() % 8; n > 0; n-- {
		t := Track{ID: uint32(n), Priority: Priority(next() % 4), Detail: next()%4 == 0, Shown: Unlimited}
		if shown := next(); shown < 200 {
			t.Shown = shown * 4096
		}
		rate := 0
		for r := next() % 10; r > 0; r-- {
			rate += 1000 * (10 + next())
			i := len(t.Rungs)
			t.Rungs = append(t.Rungs, Rung{rate, 1000 * next() * (1 + i), float64(next()), uint8(i / 3), uint8(i % 3)})
		}
		t.Current = next()%(len(t.Rungs)+1) - 1
		tracks = append(tracks, t)
	}
	return tracks
}

func FuzzAllocate(f *testing.F) {
	f.Add(uint32(1_000_000), uint32(500_000), uint16(96), []byte{3, 1, 1, 255, 6, 80, 57, 15, 60, 57, 30, 150, 230, 15})
	f.Add(uint32(300_000), uint32(3_000_000), uint16(0), []byte{7, 3, 0, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3})
	f.Add(uint32(0), uint32(0), uint16(0), []byte{})
	f.Fuzz(func(t *testing.T, first, second uint32, audio uint16, data []byte) {
		b := newBench(anyTracks(data)...)
		for i := range 60 {
			estimate := int([]uint32{first, second}[i/20%2])
			b.now = b.now.Add(time.Duration(i%7) * 50 * time.Millisecond)
			if i%20 == 10 {
				b.Squeeze(Squeeze((int(audio) + i/20) % int(MostSqueeze+1)))
			}
			if i%13 == 0 {
				b.Congested(b.now)
			}
			if i%29 == 0 {
				b.Probed(estimate)
			}
			if rungs := b.allocate(estimate, int(audio)*1000); len(rungs) != len(b.tracks) {
				t.Fatalf("%d decisions for %d tracks", len(rungs), len(b.tracks))
			}
			check(t, b, estimate, int(audio)*1000)
		}
	})
}

// check looks whether decisions are sound.
func check(t *testing.T, b *bench, estimate, audio int) {
	t.Helper()
	lowest := true
	for i, d := range b.decisions {
		track := &b.tracks[i]
		switch {
		case d.Rung < -1 || d.Rung >= len(track.Rungs):
			t.Fatalf("rung %d of %d", d.Rung, len(track.Rungs))
		case track.Shown == 0 && d != Decision{-1, Choice, false}:
			t.Fatalf("%v for what is hidden", d)
		case d.Why == Server && b.squeeze == 0:
			t.Fatal("withheld without a squeeze")
		case d.Rung >= b.squeeze.offered(track.Rungs):
			t.Fatalf("rung %d at squeeze %d", d.Rung, b.squeeze)
		case d.Why == Free && len(track.Rungs) > 0 && d.Rung < 0:
			t.Fatal("nothing limits it, but it is paused")
		}
		lowest = lowest && b.Allocator.tracks[i].at <= 1
	}
	limit := slack
	if lowest {
		limit = lowestSlack
	}
	if sum := b.sum(); sum > 0 && float64(sum) > limit*float64(estimate-audio) {
		t.Fatalf("%d bit/s given of %d", sum, estimate-audio)
	}
	if b.Used() != b.sum()+audio || b.Wanted() < b.Used() {
		t.Fatalf("%d used, not %d; %d wanted", b.Used(), b.sum()+audio, b.Wanted())
	}
	if (b.Need() == 0) != (b.Wanted() == b.Used()) {
		t.Fatalf("needs %d with %d of %d", b.Need(), b.Used(), b.Wanted())
	}
}

// several calls f with several sets of tracks.
func several(f func(random *rand.Rand, tracks []Track)) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		data := make([]byte, 400)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		data[0] = byte(1 + random.IntN(7))
		f(random, anyTracks(data))
	}
}

// shareOf is what each track gets of an estimate in the end, without a past.
func shareOf(tracks []Track, estimate int) []int {
	return newBench(slices.Clone(tracks)...).settle(estimate, 0)
}

func TestMoreBandwidthIsNeverLess(t *testing.T) {
	several(func(_ *rand.Rand, tracks []Track) {
		b, lowest := newBench(tracks...), 0 // from there on all tracks are shown
		b.allocate(0, 0)
		for _, track := range b.Allocator.tracks {
			if len(track.steps) > 0 {
				lowest += track.steps[0].rate
			}
		}
		last := slices.Repeat([]int{-1}, len(tracks))
		for estimate := lowest*11/10 + 1; estimate < 8_000_000; estimate += estimate/4 + 1000 {
			got := shareOf(tracks, estimate)
			for i := range got {
				if got[i] < last[i] {
					t.Fatalf("%v of %d, but less of %d: %v", last, estimate*4/5, estimate, got)
				}
			}
			last = got
		}
	})
}

func TestOrderOfTracksDoesNotMatter(t *testing.T) {
	several(func(random *rand.Rand, tracks []Track) {
		estimate := 100_000 + random.IntN(5_000_000)
		want := shareOf(tracks, estimate)
		order := random.Perm(len(tracks))
		mixed := make([]Track, len(tracks))
		for i, from := range order {
			mixed[i] = tracks[from]
		}
		for i, got := range shareOf(mixed, estimate) {
			if got != want[order[i]] {
				t.Fatalf("track %d gets %d in another order, not %d", mixed[i].ID, got, want[order[i]])
			}
		}
	})
}

func TestHiddenTracksCostNothing(t *testing.T) {
	several(func(random *rand.Rand, tracks []Track) {
		estimate := 100_000 + random.IntN(5_000_000)
		want := shareOf(tracks, estimate)
		hidden := camera(77)
		hidden.Shown, hidden.Priority = 0, Screen
		got := shareOf(append(slices.Clone(tracks), hidden), estimate)
		if !slices.Equal(got, append(want, -1)) {
			t.Fatalf("%v beside a hidden track, not %v", got, want)
		}
	})
}

func TestPrioritiesComeFirst(t *testing.T) {
	several(func(random *rand.Rand, tracks []Track) {
		for i := range tracks {
			tracks[i].Rungs, tracks[i].Shown = ladder(), Unlimited
		}
		got := shareOf(tracks, 100_000+random.IntN(1_000_000))
		for i := range tracks {
			for j := range tracks {
				if tracks[i].Priority > tracks[j].Priority && got[i] < 0 && got[j] >= 0 {
					t.Fatalf("priority %d is paused for %d", tracks[i].Priority, tracks[j].Priority)
				}
			}
		}
	})
}
