package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/signaling/protocol"
)

func TestEnterAndLeave(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	awaitRooms(t, store)
	store.Enter("zoo", "a")
	store.Enter("Bücher", "b")
	store.Enter("zoo", "c")
	store.Enter("zoo", "c")
	awaitRooms(t, store, protocol.Room{Name: "Bücher", People: 1}, protocol.Room{Name: "zoo", People: 2})
	store.Leave("zoo", "a")
	store.Enter("Bücher", "a")
	store.Leave("zoo", "nobody")
	awaitRooms(t, store, protocol.Room{Name: "Bücher", People: 2}, protocol.Room{Name: "zoo", People: 1})
	store.Leave("zoo", "c")
	store.Leave("Bücher", "a")
	store.Leave("Bücher", "b")
	awaitRooms(t, store)
}

func TestMalformedPresenceIsIgnored(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	store.Enter("", "a")
	store.Enter("room", "")
	store.Enter("room", "a.b")
	store.Enter("room", "*")
	store.Enter("room", "ok")
	awaitRooms(t, store, protocol.Room{Name: "room", People: 1})
}

// TestManyAtOnce has many goroutines enter, move and leave. What counts in the end is what each did last.
func TestManyAtOnce(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			name := fmt.Sprint("c", i)
			for range 5 {
				store.Enter("first", name)
				store.Leave("first", name)
				store.Enter("second", name)
				store.Leave("second", name)
			}
			if i%2 == 0 {
				store.Enter("second", name)
			}
		})
	}
	all.Wait()
	awaitRooms(t, store, protocol.Room{Name: "second", People: 100})
}

func TestWatchStops(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	changes, stop := store.Watch()
	store.Enter("room", "a")
	<-changes
	stop()
	stop()
	store.Enter("room", "b")
	awaitRooms(t, store, protocol.Room{Name: "room", People: 2})
	// The second entry may have been signalled to others only.
	if len(changes) > 0 {
		t.Fatal("signalled after stop")
	}
}

// failingBucket records what is written and fails while broken is positive.
type failingBucket struct {
	jetstream.KeyValue

	mu     sync.Mutex
	broken int
	log    []string
}

var errBroken = errors.New("broken")

func (b *failingBucket) record(what, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken > 0 {
		b.broken--
		return errBroken
	}
	b.log = append(b.log, what+" "+key)
	return nil
}

func (b *failingBucket) Put(_ context.Context, key string, _ []byte) (uint64, error) {
	return 0, b.record("put", key)
}

func (b *failingBucket) Purge(_ context.Context, key string, _ ...jetstream.KVDeleteOpt) error {
	return b.record("purge", key)
}

// TestWritesAreRetriedInOrder lets the first writes fail.
func TestWritesAreRetriedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := &failingBucket{broken: 3}
		p := newPresence(bucket, "node", logger(t))
		ctx, cancel := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() { p.run(ctx) })
		start := time.Now()
		p.set(place{"r", "a"}, true)
		synctest.Wait() // the first attempt has failed
		p.set(place{"r", "b"}, true)
		p.set(place{"r", "c"}, true)
		p.set(place{"r", "b"}, false)
		time.Sleep(time.Minute)
		cancel()
		writer.Wait()

		want := []string{"put cg.a", "purge cg.b", "put cg.c"}
		if !slices.Equal(bucket.log, want) {
			t.Errorf("wrote %v, want %v", bucket.log, want)
		}
		if got := time.Since(start); got != time.Minute {
			t.Errorf("posting took %v", got-time.Minute)
		}
	})
}

// TestHangingStoreCostsNoMemory has one person come and go while nothing can be written.
func TestHangingStoreCostsNoMemory(t *testing.T) {
	p := newPresence(&failingBucket{}, "node", logger(t))
	for range 1000 {
		p.set(place{"r", "a"}, true)
		p.set(place{"r", "a"}, false)
	}
	if len(p.queue.keys) != 1 || len(p.here) != 0 {
		t.Fatalf("%d queued, %d here", len(p.queue.keys), len(p.here))
	}
}

// TestNothingIsLeftBehind looks into the bucket: there must be no marker for good of each who ever was there.
func TestNothingIsLeftBehind(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	store.Enter("room", "a")
	awaitRooms(t, store, protocol.Room{Name: "room", People: 1})
	store.Leave("room", "a")
	awaitRooms(t, store)
	stream, err := jetstream.New(store.conn)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := stream.Stream(t.Context(), "KV_presence")
	if err != nil {
		t.Fatal(err)
	}
	message, err := kv.GetLastMsgForSubject(t.Context(), "$KV.presence."+place{"room", "a"}.key())
	if err != nil {
		t.Fatal(err)
	}
	if ttl := message.Header.Get(jetstream.MsgTTLHeader); ttl != markerTTL.String() {
		t.Fatalf("the marker lives for %q, headers %v", ttl, slices.Collect(maps.Keys(message.Header)))
	}
}

// BenchmarkEnterAndLeave has a room of 500 come and go, until the last is seen and gone.
func BenchmarkEnterAndLeave(b *testing.B) {
	store := open(b, Config{Dir: b.TempDir()})
	names := make([]string, 500)
	for i := range names {
		names[i] = fmt.Sprint("c", i)
	}
	for b.Loop() {
		for _, name := range names {
			store.Enter("room", name)
		}
		awaitRooms(b, store, protocol.Room{Name: "room", People: len(names)})
		for _, name := range names {
			store.Leave("room", name)
		}
		awaitRooms(b, store)
	}
}
