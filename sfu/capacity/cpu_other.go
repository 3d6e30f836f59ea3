//go:build !unix

package capacity

import "time"

// cpuTime is 0 where it cannot be told: then CPU limits nothing.
func cpuTime() time.Duration { return 0 }
