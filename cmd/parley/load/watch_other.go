//go:build !linux

package load

// processCPU is not known.
func processCPU(int) (float64, bool) { return 0, false }
