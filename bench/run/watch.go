package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errStat is returned for a process that cannot be watched.
var errStat = errors.New("no CPU time to be read")

const (
	watchEvery = 100 * time.Millisecond
	tick       = 10 * time.Millisecond // of /proc: USER_HZ is 100 on every Linux
)

// usedCPU is the CPU time of a process so far (Linux only).
func usedCPU(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(data))
}

// parseStat reads utime and stime, fields 14 and 15 of proc_pid_stat(5); the second, a name, may contain anything.
func parseStat(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 13 {
		return 0, errStat
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, errStat
		}
		sum += time.Duration(ticks) * tick
	}
	return sum, nil
}

// reading is what a process had used at a time.
type reading struct {
	at   time.Time
	used time.Duration
}

// readings are of each process by name, in order.
type readings map[string][]reading

// watcher reads the CPU time of processes until it is stopped.
type watcher struct {
	over     chan struct{}
	running  sync.WaitGroup
	readings readings // owned by the goroutine while it runs
}

func watch(processes []Watched) *watcher {
	w := &watcher{over: make(chan struct{}), readings: make(readings)}
	if len(processes) == 0 {
		return w
	}
	w.running.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			for _, p := range processes {
				if used, err := usedCPU(p.PID); err == nil {
					w.readings[p.Name] = append(w.readings[p.Name], reading{time.Now(), used})
				}
			}
			select {
			case <-ticker.C:
			case <-w.over:
				return
			}
		}
	})
	return w
}

func (w *watcher) stop() readings {
	close(w.over)
	w.running.Wait()
	return w.readings
}

// busiest is the CPU time per second of each process over its busiest stretch as long as the window. The load does not
// say when its window was, but it is when most was to be done.
func (r readings) busiest(window float64) map[string]float64 {
	shares := make(map[string]float64)
	for name, all := range r {
		most := 0.0
		start := 0
		for i := range all {
			for start+1 < i && all[i].at.Sub(all[start+1].at).Seconds() >= window {
				start++
			}
			if span := all[i].at.Sub(all[start].at).Seconds(); span >= window && span > 0 {
				most = math.Max(most, (all[i].used-all[start].used).Seconds()/span)
			}
		}
		shares[name] = most
	}
	if len(shares) == 0 {
		return nil
	}
	return shares
}
