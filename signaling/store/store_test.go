package store

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/auth"
	"parley/signaling/protocol"
)

var (
	_ auth.Users       = (*Store)(nil)
	_ auth.Revocations = (*Store)(nil)
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		runChild(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// open opens a store that the test closes at its end, unless it did so itself, and then looks for leaks.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	before := goleak.IgnoreCurrent()
	store, err := Open(t.Context(), cfg, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, before)
	})
	return store
}

// second makes another node on the server of store.
func second(t testing.TB, store *Store, cfg Config) *Store {
	t.Helper()
	cfg.applyDefaults()
	other, err := join(t.Context(), store.engine, cfg, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return other
}

// awaitRooms waits until the store shows exactly these rooms.
func awaitRooms(t testing.TB, store *Store, want ...protocol.Room) {
	t.Helper()
	changes, stop := store.Watch()
	defer stop()
	deadline := time.After(20 * time.Second)
	for {
		got := store.Rooms()
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-changes:
		case <-deadline:
			t.Fatalf("rooms are %v, want %v", got, want)
		}
	}
}

func TestOpenTwiceIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	first := open(t, Config{Dir: dir})
	_, err := Open(t.Context(), Config{Dir: dir}, logger(t))
	want := fmt.Sprintf("open store: data directory is in use: %s, by process %d", dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %v", err, want)
	}
	// The refusal must leave the lock alone, and closing must release it.
	if _, err := Open(t.Context(), Config{Dir: dir}, logger(t)); err == nil {
		t.Fatal("a third store got the directory")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir})
}

func TestOpenStopsWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Config{Dir: t.TempDir()}, logger(t)); err == nil {
		t.Fatal("opened with a context that had ended")
	}
}

func TestCloseTwice(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	for range 2 {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	store.Enter("room", "late")
	store.Leave("room", "late")
	if _, err := store.Get(t.Context(), "Ada"); err == nil {
		t.Fatal("a closed store answered")
	}
}

func TestNothingIsLoggedAboveDebug(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	for range 2 {
		store, err := Open(t.Context(), Config{Dir: dir}, slog.New(slog.NewTextHandler(&out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		store.Enter("room", "a")
		awaitRooms(t, store, protocol.Room{Name: "room", People: 1})
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() > 0 {
		t.Fatalf("logged: %s", out.String())
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		store, err := Open(b.Context(), Config{Dir: dir}, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
