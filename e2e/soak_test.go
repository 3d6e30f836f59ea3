package e2e

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/signaling/client"
)

const (
	soakPeople = 30
	lookEvery  = 250 * time.Millisecond
)

// TestSoak lets thirty people come, go, mute, share and lose their sockets and networks for as long as SOAK says, and
// checks all the time that everybody sees and hears whom they must, nobody else, and that the server stays as it is.
func TestSoak(t *testing.T) {
	duration, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		t.Skip("SOAK is no duration: make soak")
	}
	soak(t, duration, time.Minute)
}

// TestSoakShort is the same for a minute.
func TestSoakShort(t *testing.T) {
	soak(t, 45*time.Second, 18*time.Second)
}

// soakSeed decides what everybody does, and how long they wait before.
func soakSeed(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seed
	}
	return uint64(time.Now().Unix())
}

// soak repeats rounds until the duration is over, one at least: all do as they like, then they hold still until all
// is as it must be, then all leave, and the server has to hold what it held after the first round.
func soak(t *testing.T, duration, round time.Duration) {
	seed := soakSeed(t)
	t.Logf("SEED=%d", seed)
	s, at := startCounted(t, "--cpu-limit", "1")
	walkers := make([]*walker, soakPeople)
	for i := range walkers {
		walkers[i] = newWalker(t, s, i, seed)
	}
	in := newInspector(walkers)
	began := time.Now()
	var first usage
	for n := 0; n == 0 || time.Since(began) < duration; n++ {
		if !in.round(t, round) {
			break
		}
		for _, w := range walkers {
			w.leave()
		}
		for _, w := range walkers {
			await(t, w.client, "the hang-up", func(seen client.Snapshot) bool { return seen.Room == "" })
		}
		switch n {
		case 0:
			time.Sleep(time.Second) // the last connections end
			first = measure(t, at)
		default:
			flat(t, at, "after a round", first)
		}
	}
	for _, fault := range in.faults[:min(5, len(in.faults))] {
		t.Errorf("with SEED=%d: %s", seed, fault)
	}
	if log := s.out.String(); strings.Contains(log, "ERROR") || strings.Contains(log, "panic") {
		t.Error("the server has logged an error")
	}
	var resumed, renewed int
	for _, w := range walkers {
		seen := w.client.Snapshot()
		resumed += seen.Resumed
		renewed += seen.Renewed
	}
	t.Logf("%d sockets were replaced, %d sessions begun anew", resumed, renewed)
	if resumed == 0 {
		t.Error("no socket was lost")
	}
}

// round has everybody walk for a while, and then hold still. It reports false after a fault.
func (in *inspector) round(t *testing.T, d time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var walking sync.WaitGroup
	for _, w := range in.walkers {
		walking.Go(func() { w.walk(ctx) })
	}
	for ctx.Err() == nil && len(in.faults) == 0 {
		time.Sleep(lookEvery)
		in.look()
	}
	cancel()
	walking.Wait()
	still := time.Now()
	for !in.look() && len(in.faults) == 0 {
		time.Sleep(lookEvery)
	}
	t.Logf("all is as it must be %v after all hold still", time.Since(still).Round(time.Millisecond))
	return len(in.faults) == 0
}
