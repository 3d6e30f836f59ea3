package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// lockDir creates dir if it is missing and locks it for this process. NATS itself starts twice on one directory
// without an error, and then each server overwrites the other's files.
func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	file := filepath.Join(dir, "lock")
	lock := flock.New(file)
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if !locked {
		return nil, fmt.Errorf("%w: %s%s", ErrLocked, dir, holder(file))
	}
	// The process id is for the error message of others; the lock holds without it.
	_ = os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
	return lock, nil
}

// holder names the process that wrote file, as the end of a sentence; empty if unknown.
func holder(file string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", by process %d", pid)
}
