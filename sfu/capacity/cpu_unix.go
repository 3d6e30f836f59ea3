//go:build unix

package capacity

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used of all cores so far, in user space and in the kernel.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
