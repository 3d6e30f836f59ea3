package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target notes what it is told.
type target struct {
	mu     sync.Mutex
	status Status
	told   []string
	err    error
	over   chan struct{} // closed when it is to hand over
}

func (f *target) note(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, what)
	return f.err
}

func (f *target) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}
func (f *target) Drain(limit time.Duration) error { return f.note("drain " + limit.String()) }
func (f *target) Undrain() error                  { return f.note("undrain") }
func (f *target) HandOver()                       { close(f.over) }

// shortDir is a directory whose path leaves room for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func listen(t *testing.T, dir string, f *target) (*Server, *Client) {
	t.Helper()
	server, err := Listen(t.Context(), dir, f, func(context.Context) error { return nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	client, err := NewClient(dir)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestCommands(t *testing.T) {
	dir := shortDir(t)
	until := time.Now().Round(time.Millisecond)
	f := &target{status: Status{PID: 7, Draining: true, Until: &until, People: 3, Rooms: 2}}
	_, client := listen(t, dir, f)
	if info, err := os.Stat(filepath.Join(dir, "control.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	for what, ask := range map[string]func(context.Context) (Status, error){
		"status":  client.Status,
		"quiet":   client.AwaitQuiet,
		"undrain": client.Undrain,
		"drain":   func(ctx context.Context) (Status, error) { return client.Drain(ctx, 90*time.Second) },
	} {
		got, err := ask(t.Context())
		if err != nil || got.PID != 7 || !got.Draining || !got.Until.Equal(until) || got.People != 3 || got.Rooms != 2 {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if told := strings.Join(f.told, ","); told != "drain 1m30s,undrain" && told != "undrain,drain 1m30s" {
		t.Errorf("told %s", told)
	}
	f.err = ErrStopping
	if _, err := client.Undrain(t.Context()); !errors.Is(err, ErrStopping) {
		t.Errorf("refused with %v", err)
	}
}

// TestHandOver wants the successor to wait until the very end.
func TestHandOver(t *testing.T) {
	f := &target{over: make(chan struct{})}
	server, client := listen(t, shortDir(t), f)
	done := make(chan error, 1)
	go func() { done <- client.HandOver(t.Context()) }()
	<-f.over
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		t.Fatalf("does not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	server.Release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	dir := shortDir(t)
	client, err := NewClient(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Status(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("without a socket: %v", err)
	}
	// As a process leaves it that was killed.
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "control.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	_ = listener.Close()
	if err := client.HandOver(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("with a stale socket: %v", err)
	}
	_, client = listen(t, dir, &target{status: Status{PID: 8}})
	if status, err := client.Status(t.Context()); err != nil || status.PID != 8 {
		t.Errorf("in place of the stale socket: %+v, %v", status, err)
	}
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(shortDir(t), strings.Repeat("x", 100))
	if _, err := NewClient(dir); !errors.Is(err, ErrPath) {
		t.Errorf("client: %v", err)
	}
	_, err := Listen(t.Context(), dir, nil, nil, slog.New(slog.DiscardHandler))
	if !errors.Is(err, ErrPath) || !strings.Contains(err.Error(), "shorter data_dir") {
		t.Errorf("server: %v", err)
	}
}
