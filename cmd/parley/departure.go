package main

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"parley/cmd/parley/control"
	"parley/signaling"
)

// departure decides when the server goes. It is what the control socket controls.
type departure struct {
	hub *signaling.Hub // static
	log *slog.Logger   // static

	due     chan struct{}  // closed when it is time
	waiting sync.WaitGroup // for the last calls to end

	mu       sync.Mutex
	stopping bool               // guarded by mu: was told to stop, which cannot be taken back
	replaced bool               // guarded by mu: another process waits
	ended    bool               // guarded by mu: due is closed
	until    time.Time          // guarded by mu: when it goes at the latest, zero if it does not
	cancel   context.CancelFunc // guarded by mu: ends the wait, nil if there is none
}

func newDeparture(hub *signaling.Hub, log *slog.Logger) *departure {
	return &departure{hub: hub, log: log, due: make(chan struct{})}
}

// Status implements [control.Target].
func (d *departure) Status() control.Status {
	people, rooms := d.hub.Calls()
	status := control.Status{
		PID: os.Getpid(), Draining: d.hub.Draining(), People: people, Rooms: rooms, Safe: rooms == 0,
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.until.IsZero() {
		until := d.until
		status.Until = &until
	}
	return status
}

// Drain implements [control.Target].
func (d *departure) Drain(limit time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopping {
		return control.ErrStopping
	}
	if limit == 0 {
		d.forget()
		d.hub.Drain(time.Time{})
		d.log.Info("draining")
		return nil
	}
	d.leave(limit)
	return nil
}

// Undrain implements [control.Target].
func (d *departure) Undrain() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopping {
		return control.ErrStopping
	}
	d.forget()
	d.hub.Undrain()
	d.log.Info("draining no more")
	return nil
}

// HandOver implements [control.Target].
func (d *departure) HandOver() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopping, d.replaced = true, true
	d.end()
}

// stop lets calls finish within a limit. It is what a signal does.
func (d *departure) stop(limit time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopping = true
	d.leave(limit)
}

// wasReplaced reports whether another process waits for this one to go.
func (d *departure) wasReplaced() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.replaced
}

// close ends what it has begun.
func (d *departure) close() error {
	d.mu.Lock()
	d.forget()
	d.mu.Unlock()
	d.waiting.Wait()
	return nil
}

// leave goes when the last call ends, or the limit is over. It is called with mu held.
func (d *departure) leave(limit time.Duration) {
	d.forget()
	until := time.Now().Add(limit)
	d.until = until
	d.hub.Drain(until)
	people, rooms := d.hub.Calls()
	d.log.Info("draining, then stopping", "limit", limit, "people", people, "rooms", rooms)
	ctx, cancel := context.WithDeadline(context.Background(), until)
	d.cancel = cancel
	d.waiting.Go(func() {
		defer cancel()
		err := d.hub.AwaitNoCalls(ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.until.Equal(until) { // it was decided otherwise
			return
		}
		if err != nil {
			people, rooms := d.hub.Calls()
			d.log.Warn("the time for calls to end is over", "people", people, "rooms", rooms)
		}
		d.end()
	})
}

// forget takes back that the server goes. It is called with mu held.
func (d *departure) forget() {
	d.until = time.Time{}
	if d.cancel != nil {
		d.cancel()
		d.cancel = nil
	}
}

// end is called with mu held.
func (d *departure) end() {
	if !d.ended {
		d.ended = true
		close(d.due)
	}
}
