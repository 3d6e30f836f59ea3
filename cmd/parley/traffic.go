package main

import (
	"sync/atomic"
	"time"

	"parley/sfu/egress"
)

// trafficEvery is what traffic averages over.
const trafficEvery = 2 * time.Second

// traffic watches how much the media socket sends.
type traffic struct {
	// Static after construction.
	stats func() egress.Stats
	stop  chan struct{}
	done  chan struct{}

	rate atomic.Pointer[sending]
}

// sending is how much is sent.
type sending struct {
	bits    int     // a second, with IP and UDP around the packets
	packets float64 // a second
}

// watchTraffic measures until it is closed.
func watchTraffic(stats func() egress.Stats) *traffic {
	t := &traffic{stats: stats, stop: make(chan struct{}), done: make(chan struct{})}
	t.rate.Store(&sending{})
	go t.run()
	return t
}

func (t *traffic) close() {
	close(t.stop)
	<-t.done
}

// latest is how much was sent lately.
func (t *traffic) latest() sending { return *t.rate.Load() }

func (t *traffic) run() {
	defer close(t.done)
	ticker := time.NewTicker(trafficEvery)
	defer ticker.Stop()
	before, at := t.stats(), time.Now()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
		}
		now, sent := time.Now(), t.stats()
		passed := now.Sub(at).Seconds()
		packets := float64(sent.PacketsOut - before.PacketsOut)
		bytes := float64(sent.BytesOut-before.BytesOut) + 28*packets
		t.rate.Store(&sending{bits: int(bytes * 8 / passed), packets: packets / passed})
		before, at = sent, now
	}
}
