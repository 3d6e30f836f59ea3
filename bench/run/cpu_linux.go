package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// usedCPU is the CPU time of a process so far, by its own clock (clock_getcpuclockid(3)): /proc counts in ticks of
// 10 ms.
func usedCPU(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED: what the scheduler has counted, user and system
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &used); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}
