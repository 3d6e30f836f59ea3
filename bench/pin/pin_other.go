//go:build !linux

package pin

import "os/exec"

// Start starts cmd; only a negative cpu, which is any, is supported.
func Start(cmd *exec.Cmd, cpu int) error {
	if cpu >= 0 {
		return ErrUnsupported
	}
	return cmd.Start()
}

// Self does nothing for a negative cpu, which is any, and cannot do anything else.
func Self(cpu int) error {
	if cpu >= 0 {
		return ErrUnsupported
	}
	return nil
}
