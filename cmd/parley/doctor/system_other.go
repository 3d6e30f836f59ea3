//go:build !unix

package doctor

import "errors"

// openFiles is how many files this process may open, 0 if unknown.
func openFiles() uint64 { return 0 }

// freeSpace is not known here.
func freeSpace(string) (uint64, error) { return 0, errors.ErrUnsupported }
