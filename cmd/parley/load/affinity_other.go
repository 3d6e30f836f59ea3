//go:build !linux

package load

import (
	"errors"
	"fmt"
)

// Pin keeps this process on some CPUs.
func Pin([]int) error { return fmt.Errorf("pin to CPUs: %w", errors.ErrUnsupported) }
