package main

import (
	"math"
	"sync"
	"time"
)

const watchEvery = 100 * time.Millisecond

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
