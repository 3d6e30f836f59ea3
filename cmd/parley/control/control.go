// Package control is how commands talk to the server that runs on a data directory: HTTP over a Unix socket in there,
// which nobody but its user can open.
//
//	GET    /status    how it stands: Status
//	GET    /quiet     likewise, when nobody is in a call any more
//	POST   /drain     no new rooms; with limit=<duration> it stops when the last call ends, then at the latest
//	DELETE /drain     new rooms again
//	POST   /handover  make way for another process: the answer ends when all is closed
package control

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

var (
	// ErrNone is returned where no server answers on the data directory.
	ErrNone = errors.New("no server answers there")
	// ErrStopping is returned for what a server that is told to stop does not do any more.
	ErrStopping = errors.New("the server is stopping")
	// ErrPath is returned for a data directory whose path is too long for a socket in it.
	ErrPath = errors.New("the path is too long for a Unix socket")
)

// Status is how it stands with a server.
type Status struct {
	PID      int        `json:"pid"`
	Draining bool       `json:"draining"`
	Until    *time.Time `json:"until"` // when it stops, at the latest; null if it does not
	People   int        `json:"people"`
	Rooms    int        `json:"rooms"` // with somebody in them
	Safe     bool       `json:"safe"`  // to restart: nobody is in a call
}

// Target is what is controlled.
type Target interface {
	Status() Status
	// Drain takes no new rooms. With a limit the server stops by itself, when the last call ends or the time is over;
	// 0: it stays.
	Drain(limit time.Duration) error
	Undrain() error
	// HandOver has the server stop at once, for another one that waits.
	HandOver()
}

// socketPath is where the socket of a data directory is.
func socketPath(dir string) (string, error) {
	path := filepath.Join(dir, "control.sock")
	if most := len(syscall.RawSockaddrUnix{}.Path) - 1; len(path) > most { // a zero byte ends it, unix(7)
		return "", fmt.Errorf("%w: %s has %d bytes, %d are possible: take a shorter data_dir", ErrPath, path, len(path), most)
	}
	return path, nil
}
