// Package pin keeps processes on one CPU each, so that what is measured and what measures it do not share one.
package pin

import "errors"

// ErrUnsupported is returned where the system cannot pin processes.
var ErrUnsupported = errors.New("processes can be pinned to CPUs on linux only")
