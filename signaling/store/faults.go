package store

import (
	"log/slog"
	"time"
)

// faultsEvery is how often a fault that goes on is reported.
const faultsEvery = 10 * time.Second

// faults reports a fault that repeats: when it begins, now and then, and when it is over. It belongs to one goroutine.
type faults struct {
	log  *slog.Logger
	what string

	count    int
	reported time.Time
}

func (f *faults) happened(err error) {
	f.count++
	if now := time.Now(); now.Sub(f.reported) >= faultsEvery {
		f.reported = now
		f.log.Warn("store: "+f.what, "failures", f.count, "error", err)
	}
}

func (f *faults) resolved() {
	if f.count > 0 {
		f.log.Info("store: recovered from: "+f.what, "failures", f.count)
		f.count, f.reported = 0, time.Time{}
	}
}
