package load

import "time"

// clock is the time of a run. The zero value is not ready.
type clock struct{ began time.Time }

// now is in ns since the run began, by the monotonic clock. It is never 0.
func (c clock) now() int64 { return int64(time.Since(c.began)) + 1 }
