package congestion_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"parley/sfu/congestion/sim"
)

// TestHardPaths is of paths that the acceptance does not have, with modest limits.
func TestHardPaths(t *testing.T) {
	for _, c := range sim.Hard() {
		for seed := uint64(1); seed <= seeds(); seed++ {
			t.Run(fmt.Sprintf("%s/seed %d", c.Name(), seed), func(t *testing.T) {

				result := sim.Run(c.Scenario, sim.Options{Seed: seed, Epoch: time.Unix(1e9, 0)})
				for i := range c.Limits {
					l := &c.Limits[i]
					got := l.Measure(result)
					t.Logf("%s: %s", l.Name, l.Unit.Format(got))
					if !l.Met(got) {
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
