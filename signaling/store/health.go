package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// probe is the file that Writable writes.
const probe = "writable"

// Writable reports whether what has to be kept can be: the directory takes a file, on the disk, and the server in this
// process answers. It waits for the disk.
func (s *Store) Writable(ctx context.Context) error {
	if s.engine != nil {
		if err := tryWrite(filepath.Join(s.engine.dir, probe)); err != nil {
			return fmt.Errorf("write to the data directory: %w", err)
		}
	}
	if _, err := s.users.Status(ctx); err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	return nil
}

// tryWrite writes a file, and removes it.
func tryWrite(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	_, err = file.Write([]byte("x"))
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
