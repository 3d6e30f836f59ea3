package load

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pin keeps this process on some CPUs.
func Pin(cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	// Threads inherit it from those that start them, so once all there are have it, all to come will.
	for pinned := map[int]bool{}; ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("pin to CPUs %v: %w", cpus, err)
		}
		before := len(pinned)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil || pinned[id] {
				continue
			}
			if err := unix.SchedSetaffinity(id, &set); err != nil {
				return fmt.Errorf("pin to CPUs %v: %w", cpus, err)
			}
			pinned[id] = true
		}
		if len(pinned) == before {
			break
		}
	}
	runtime.GOMAXPROCS(len(cpus))
	return nil
}
