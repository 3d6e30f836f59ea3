package store

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/signaling/protocol"
)

// lose makes a node vanish as a killed process does: nothing is released, nothing renewed.
func lose(node *Store) {
	node.end()
	node.tasks.Wait()
	node.conn.Close()
}

func TestNodesSeeEachOther(t *testing.T) {
	one := open(t, Config{Dir: t.TempDir()})
	two := second(t, one, Config{})
	one.Enter("room", "a")
	two.Enter("room", "b")
	two.Enter("other", "c")
	want := []protocol.Room{{Name: "other", People: 1}, {Name: "room", People: 2}}
	awaitRooms(t, one, want...)
	awaitRooms(t, two, want...)
}

func TestReleasedLease(t *testing.T) {
	one := open(t, Config{Dir: t.TempDir(), Lease: time.Hour})
	two := second(t, one, Config{Lease: time.Hour})
	two.Enter("room", "a")
	awaitRooms(t, one, protocol.Room{Name: "room", People: 1})
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	awaitRooms(t, one)
}

func TestLostLease(t *testing.T) {
	const lifetime = time.Second
	one := open(t, Config{Dir: t.TempDir(), Lease: lifetime})
	two := second(t, one, Config{Lease: lifetime})
	one.Enter("room", "a")
	two.Enter("room", "b")
	awaitRooms(t, one, protocol.Room{Name: "room", People: 2})
	lose(two)
	start := time.Now()
	awaitRooms(t, one, protocol.Room{Name: "room", People: 1})
	if took := time.Since(start); took < lifetime/3 || took > 3*lifetime {
		t.Errorf("a lost node counted for %v with a lease of %v", took, lifetime)
	}
	eventually(t, "its presence is swept", func() bool {
		_, err := one.presence.bucket.Get(t.Context(), place{"room", "b"}.key())
		return errors.Is(err, jetstream.ErrKeyNotFound)
	})
	if _, err := one.presence.bucket.Get(t.Context(), place{"room", "a"}.key()); err != nil {
		t.Errorf("the presence of the living was swept as well: %v", err)
	}
}

// TestLeaseIsRenewed waits for some leases and looks for gaps.
func TestLeaseIsRenewed(t *testing.T) {
	const lifetime = 600 * time.Millisecond
	one := open(t, Config{Dir: t.TempDir(), Lease: lifetime})
	two := second(t, one, Config{Lease: lifetime})
	two.Enter("room", "a")
	awaitRooms(t, one, protocol.Room{Name: "room", People: 1})
	changes, stop := one.Watch()
	defer stop()
	select {
	case <-changes:
		t.Fatalf("the lease had a gap: %v", one.Rooms())
	case <-time.After(4 * lifetime):
	}
}

// TestLeaseRegained takes a node's lease and presence away, as others do when it is suspended for too long.
func TestLeaseRegained(t *testing.T) {
	const lifetime = time.Second
	one := open(t, Config{Dir: t.TempDir(), Lease: lifetime})
	two := second(t, one, Config{Lease: lifetime})
	two.Enter("room", "a")
	awaitRooms(t, one, protocol.Room{Name: "room", People: 1})
	if err := one.lease.bucket.Purge(t.Context(), two.lease.node); err != nil {
		t.Fatal(err)
	}
	if err := one.presence.bucket.Purge(t.Context(), place{"room", "a"}.key()); err != nil {
		t.Fatal(err)
	}
	awaitRooms(t, one)
	awaitRooms(t, one, protocol.Room{Name: "room", People: 1})
}

// TestSweepSparesWhatChanged sweeps with a revision that is no longer the last.
func TestSweepSparesWhatChanged(t *testing.T) {
	one := open(t, Config{Dir: t.TempDir()})
	one.Enter("room", "a")
	awaitRooms(t, one, protocol.Room{Name: "room", People: 1})
	key := place{"room", "a"}.key()
	old, err := one.presence.bucket.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.presence.bucket.Put(t.Context(), key, old.Value()); err != nil {
		t.Fatal(err)
	}
	if err := one.presence.sweep(t.Context(), map[string]uint64{key: old.Revision()}); err != nil {
		t.Fatal(err)
	}
	if _, err := one.presence.bucket.Get(t.Context(), key); err != nil {
		t.Fatalf("swept: %v", err)
	}
}

// TestOrphansAreSuspectedFirst sees the presence of a new node before its lease.
func TestOrphansAreSuspectedFirst(t *testing.T) {
	r := newRooms("me", logger(t))
	r.people["early"] = person{room: "room", node: "new", revision: 1}
	r.people["left"] = person{room: "room", node: "gone", revision: 2}
	r.people["mine"] = person{room: "room", node: "me", revision: 3}
	if got := r.orphans(); len(got) != 0 {
		t.Fatalf("orphans at first sight: %v", got)
	}
	r.nodes["new"] = struct{}{}
	if got := r.orphans(); len(got) != 1 || got["left"] != 2 {
		t.Fatalf("got %v, want left at 2", got)
	}
}
