package bwe

import (
	"testing"
	"time"
)

// TestAim bounds the harm of every probe, and has those that are wanted show something whatever is sent.
func TestAim(t *testing.T) {
	const estimate = 500_000
	for used := 0; used <= estimate; used += 10_000 {
		for target := estimate + 10_000; target <= 2*estimate; target += 10_000 {
			for _, light := range []bool{false, true} {
				rate, length := Aim(target, used, estimate, light)
				harm := time.Duration(float64(rate-used) * length.Seconds() / estimate * float64(time.Second))
				if rate > target || harm > 80*time.Millisecond || length < brief || length > longest {
					t.Fatalf("target %d, used %d: %d for %v, which takes %v", target, used, rate, length, harm)
				}
				if target >= estimate*3/2 && rate < estimate*21/20 {
					t.Fatalf("target %d, used %d: %d shows nothing", target, used, rate)
				}
			}
		}
	}
}
