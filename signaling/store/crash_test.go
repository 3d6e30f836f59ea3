package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"parley/auth"
	"parley/signaling/protocol"
)

// childEnv makes the test binary a process that uses the store in that directory until it is killed.
const childEnv = "STORE_TEST_CHILD_DIR"

const (
	childUsers = 50
	childKeeps = 1000
)

// runChild writes users, a revocation, rooms and presence, tells so, and waits for its end.
func runChild(dir string) {
	err := func() error {
		ctx := context.Background()
		store, err := Open(ctx, Config{Dir: dir}, slog.Default())
		if err != nil {
			return err
		}
		changes, _ := store.Watch()
		store.Enter("lobby", "one")
		store.Enter("lobby", "two")
		for rooms := store.Rooms(); len(rooms) != 1 || rooms[0].People != 2; rooms = store.Rooms() {
			<-changes
		}
		store.Keep("lobby", []byte(`{"n":1}`))
		if err := awaitWritten(ctx, store, "lobby", `{"n":1}`); err != nil {
			return err
		}
		for n := range childKeeps { // in the midst of which it is killed
			store.Keep("lobby", fmt.Appendf(nil, `{"n":%d}`, n+1))
		}
		if err := store.Revoke(ctx, "logged out"); err != nil {
			return err
		}
		for i := range childUsers {
			if err := store.Create(ctx, auth.User{Name: fmt.Sprint("user ", i), ScreenName: "u"}); err != nil {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

// startChild returns when the child has said its first line, which is also returned.
func startChild(t *testing.T, dir string) (child *exec.Cmd, line string) {
	t.Helper()
	child = exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return child, strings.TrimSpace(line)
}

func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	child, line := startChild(t, dir)
	if line != "ready" {
		t.Fatal(line)
	}
	_, err := Open(t.Context(), Config{Dir: dir}, logger(t))
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("by process ", child.Process.Pid)) {
		t.Fatalf("while the child has the directory: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()

	store := open(t, Config{Dir: dir, Lease: time.Second})
	for i := range childUsers {
		if _, err := store.Get(t.Context(), fmt.Sprint("user ", i)); err != nil {
			t.Errorf("user %d: %v", i, err)
		}
	}
	if !store.Revoked("logged out") {
		t.Error("the revocation is lost")
	}
	state, ok := store.Recall("lobby")
	var lobby struct{ N int }
	if err := json.Unmarshal(state, &lobby); !ok || err != nil || lobby.N < 1 || lobby.N > childKeeps {
		t.Errorf("the lobby is %s, %t", state, ok)
	}
	awaitRooms(t, store)
	store.Enter("lobby", "three")
	awaitRooms(t, store, protocol.Room{Name: "lobby", People: 1})
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, Config{Dir: dir})
	_, line := startChild(t, dir)
	want := fmt.Sprintf("open store: %v: %s, by process %d", ErrLocked, dir, os.Getpid())
	if line != want {
		t.Fatalf("got %q, want %q", line, want)
	}
}
