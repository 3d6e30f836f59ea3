package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestLoadOrCreateKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "some.key")
	key, err := LoadOrCreateKey(file, 64)
	if err != nil {
		t.Fatal(err)
	}
	if len(key) != 64 || bytes.Equal(key, make([]byte, 64)) {
		t.Errorf("got %x", key)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := LoadOrCreateKey(file, 64)
	if err != nil || !bytes.Equal(again, key) {
		t.Errorf("the key changed: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestLoadOrCreateKeyRefuses(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short.key")
	if err := os.WriteFile(short, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{short, dir, filepath.Join(dir, "missing", "some.key")} {
		if key, err := LoadOrCreateKey(file, 32); err == nil {
			t.Errorf("%s: got %x", file, key)
		}
	}
	if kept, err := os.ReadFile(short); err != nil || string(kept) != "short" {
		t.Errorf("a key of another size was overwritten: %q, %v", kept, err)
	}
}

func TestLoadOrCreateKeyRace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "some.key")
	keys := make([][]byte, 16)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			key, err := LoadOrCreateKey(file, 32)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	group.Wait()
	for _, key := range keys {
		if !bytes.Equal(key, keys[0]) {
			t.Fatal("two keys for one file")
		}
	}
}
