package store

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/auth"
)

// userFiles is where the users bucket is in a data directory.
const userFiles = "jetstream/$G/streams/KV_users"

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenRefuses damages a data directory with a user in it. The start must fail with one line that names it, and
// must not touch the messages.
func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   error // nil: any
	}{
		{"stream description overwritten", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, userFiles, "meta.inf"), "{")
		}, ErrUnusable},
		{"stream description gone", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, userFiles, "meta.inf")); err != nil {
				t.Fatal(err)
			}
		}, ErrUnusable},
		{"checksum gone", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, userFiles, "meta.sum")); err != nil {
				t.Fatal(err)
			}
		}, ErrUnusable},
		{"a file in place of the JetStream directory", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "jetstream"), "")
		}, ErrUnusable},
		{"a file in place of the directory", func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "")
		}, nil},
		{"a directory in place of the lock", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "lock"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			store := open(t, Config{Dir: dir})
			if err := store.Create(t.Context(), auth.User{Name: "Ada", ScreenName: "A."}); err != nil {
				t.Fatal(err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			test.damage(t, dir)
			before := messages(t, dir)

			_, err := Open(t.Context(), Config{Dir: dir}, logger(t))
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			t.Log(err)
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), dir) {
				t.Errorf("not one line that names the directory: %v", err)
			}
			if after := messages(t, dir); after != before {
				t.Error("the messages were touched")
			}
		})
	}
}

// TestDroppedUsersAreReported cuts the file of users short, which NATS takes without a word.
func TestDroppedUsersAreReported(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	for _, name := range []string{"Ada", "Grace"} {
		if err := store.Create(t.Context(), auth.User{Name: name, ScreenName: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(dir, userFiles, "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks %v, %v", blocks, err)
	}
	if err := os.Remove(filepath.Join(dir, userFiles, "msgs", "index.db")); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(blocks[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{0xff, 0xff, 0xff, 0xff}, store.engine.stored("users")/2); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer
	store, err = Open(t.Context(), Config{Dir: dir}, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if _, err := store.Get(t.Context(), "Ada"); err != nil {
		t.Errorf("the user before the damage: %v", err)
	}
	if _, err := store.Get(t.Context(), "Grace"); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("the user after the damage: %v", err)
	}
	if got := out.String(); !strings.Contains(got, "damaged records of users were dropped") {
		t.Errorf("logged %q", got)
	}
}

// messages returns the contents of all message blocks under dir.
func messages(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".blk" {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestCreationInterrupted has a bucket of which only the directory was made before the process was killed: nothing is
// lost, so the start goes on.
func TestCreationInterrupted(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, userFiles, "msgs"), 0o700); err != nil {
		t.Fatal(err)
	}
	store := open(t, Config{Dir: dir})
	if err := store.Create(t.Context(), auth.User{Name: "Ada", ScreenName: "A."}); err != nil {
		t.Fatal(err)
	}
}
