package load

import "time"

// clock is the time of a run. The zero value is not ready.
type clock struct{ began time.Time }

// at is when something was, as now would have said.
func (c clock) at(t time.Time) int64 { return int64(t.Sub(c.began)) + 1 }

// now is in ns since the run began, by the monotonic clock. It is never 0.
func (c clock) now() int64 { return int64(time.Since(c.began)) + 1 }
