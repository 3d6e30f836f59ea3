package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// processCPU is what /proc says of a process's CPU time, in s, without rounding it to ticks: each process has a clock,
// whose number is made of the process's (clock_getcpuclockid(3)).
func processCPU(pid int) (float64, bool) {
	const schedulerClock = 2
	var t unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|schedulerClock), &t) != nil {
		return 0, false
	}
	return time.Duration(t.Nano()).Seconds(), true
}
