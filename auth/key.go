package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadOrCreateKey returns the key in file, size bytes. If there is no such file it makes a random key and keeps it
// there, readable by the owner only. The file appears whole or not at all, and of several processes that create it at
// the same moment all get the same key.
func LoadOrCreateKey(file string, size int) ([]byte, error) {
	key, err := loadKey(file, size)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, size)
		_, _ = rand.Read(key) // never fails (crypto/rand)
		if err := createSecret(file, key); err != nil {
			return nil, fmt.Errorf("create key: %w", err)
		}
		key, err = loadKey(file, size)
	}
	if err != nil {
		return nil, fmt.Errorf("load key: %w", err)
	}
	return key, nil
}

func loadKey(file string, size int) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(key) != size {
		return nil, fmt.Errorf("%s holds %d bytes, not %d; restore it, or delete it to get a new one",
			file, len(key), size)
	}
	return key, nil
}

// createSecret puts a new secret in place of a missing file. Finding one there by now is no error.
func createSecret(file string, content []byte) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temporary.Name())) }()
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	// A link, other than a rename, does not replace the secret of someone who was faster.
	if err := os.Link(temporary.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// syncDir makes a new name in dir survive a crash.
func syncDir(dir string) error {
	opened, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
