//go:build !linux

package main

import (
	"time"

	"parley/bench/pin"
)

// usedCPU is for Linux only.
func usedCPU(int) (time.Duration, error) { return 0, pin.ErrUnsupported }
