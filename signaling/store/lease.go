package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// lease keeps this node alive in the eyes of all others, and clears up after those that are not.
type lease struct {
	// Static after construction.
	bucket   jetstream.KeyValue
	node     string
	label    string
	lifetime time.Duration
	presence *presence
	rooms    *rooms
	log      *slog.Logger

	revision uint64 // owned by take, then by run, then by release
}

// take writes the lease for the first time, or again after it was lost.
func (l *lease) take(ctx context.Context) error {
	revision, err := l.bucket.Put(ctx, l.node, []byte(l.label))
	if err != nil {
		return err
	}
	l.revision = revision
	return nil
}

// run renews the lease until ctx ends.
func (l *lease) run(ctx context.Context) {
	ticker := time.NewTicker(l.lifetime / 3)
	defer ticker.Stop()
	faults := faults{log: l.log, what: "lease not renewed"}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := l.tick(ctx)
		switch {
		case err == nil:
			faults.resolved()
		case ctx.Err() == nil:
			faults.happened(err)
		}
	}
}

func (l *lease) tick(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.lifetime/3)
	defer cancel()
	if err := l.renew(ctx); err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	return l.presence.sweep(ctx, l.rooms.orphans())
}

func (l *lease) renew(ctx context.Context) error {
	revision, err := l.bucket.Update(ctx, l.node, []byte(l.label), l.revision)
	if err == nil {
		l.revision = revision
		return nil
	}
	if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return err
	}
	// The key is nobody else's, so it expired: others may have swept our presence.
	if err := l.take(ctx); err != nil {
		return err
	}
	l.log.Warn("store: lease was lost, writing presence again")
	l.presence.rewrite()
	return nil
}

// release ends the lease, as far as the server still listens.
func (l *lease) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := l.bucket.Purge(ctx, l.node, jetstream.PurgeTTL(markerTTL)); err != nil {
		l.log.Debug("store: lease not released, it will expire", "error", err)
	}
}
