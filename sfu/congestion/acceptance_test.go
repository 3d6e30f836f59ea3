package congestion_test

import (
	"fmt"
	"os"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"parley/sfu/congestion/sim"
)

// seeds is how many ways chance may turn out in each scenario.
func seeds() uint64 {
	if raceEnabled {
		return 1
	}
	return 5
}

// simulate runs a scenario in a bubble whose clock goes along with the simulation's: whoever asked the real one would
// come to the same, or be noticed.
func simulate(t *testing.T, c sim.Case, seed uint64) (result *sim.Result) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		result = sim.Run(c.Scenario, sim.Options{Seed: seed, Epoch: start, Wait: time.Sleep})
		if off := c.Scenario.Duration - time.Since(start); off < 0 || off > time.Second {
			t.Errorf("the bubble's clock is off by %s", off)
		}
	})
	return result
}

// accept runs all variants of a scenario.
func accept(t *testing.T, number int) {
	for _, c := range sim.Cases() {
		if c.Number != number {
			continue
		}
		for seed := uint64(1); seed <= seeds(); seed++ {
			t.Run(fmt.Sprintf("%s/seed %d", c.Title, seed), func(t *testing.T) {
				result := simulate(t, c, seed)
				for i := range c.Limits {
					l := &c.Limits[i]
					if got := l.Measure(result); !l.Met(got) {
						t.Errorf("%s: %s, limit %s", l.Name, l.Unit.Format(got), l.Unit.Format(l.Bound))
					}
				}
				if os.Getenv("TRACE") != "" {
					trace(t, result)
				}
			})
		}
	}
}

func trace(t *testing.T, result *sim.Result) {
	for sub := range result.Subscribers {
		for _, s := range result.Subscribers[sub].Samples {
			t.Logf("%.1f s: estimate %d kbit/s, sent %d bytes, queue %s, rungs %v", s.At.Seconds(), s.Estimate/1000, s.Sent,
				s.Queue.Round(time.Millisecond), s.Rungs)
		}
	}
}

func TestAcceptance01Steady(t *testing.T)         { accept(t, 1) }
func TestAcceptance02Drop(t *testing.T)           { accept(t, 2) }
func TestAcceptance03Recovery(t *testing.T)       { accept(t, 3) }
func TestAcceptance04DeepDrop(t *testing.T)       { accept(t, 4) }
func TestAcceptance05Loss(t *testing.T)           { accept(t, 5) }
func TestAcceptance06HeavyLoss(t *testing.T)      { accept(t, 6) }
func TestAcceptance07JitterAndDelay(t *testing.T) { accept(t, 7) }
func TestAcceptance08ShallowQueue(t *testing.T)   { accept(t, 8) }
func TestAcceptance09CrossTraffic(t *testing.T)   { accept(t, 9) }
func TestAcceptance10LittleWanted(t *testing.T)   { accept(t, 10) }
func TestAcceptance11Blackout(t *testing.T)       { accept(t, 11) }
func TestAcceptance12Two(t *testing.T)            { accept(t, 12) }
func TestAcceptance13FailingProbes(t *testing.T)  { accept(t, 13) }

func TestAcceptanceRepeatsBitByBit(t *testing.T) {
	for _, c := range sim.Cases() {
		t.Run(c.Name(), func(t *testing.T) {
			first := simulate(t, c, 1)
			// Another time of day must not matter either.
			second := sim.Run(c.Scenario, sim.Options{Seed: 1, Epoch: time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC)})
			if !reflect.DeepEqual(first.Subscribers, second.Subscribers) {
				t.Error("the same seed came out differently")
			}
			if reflect.DeepEqual(first.Subscribers, sim.Run(c.Scenario, sim.Options{Seed: 2, Epoch: time.Time{}}).Subscribers) {
				t.Error("another seed came out the same")
			}
		})
	}
}
