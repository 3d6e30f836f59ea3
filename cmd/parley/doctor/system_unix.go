//go:build unix

package doctor

import "golang.org/x/sys/unix"

// openFiles is how many files this process may open, 0 if unknown. Go raises the soft limit to the hard one by itself.
func openFiles() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return max(uint64(limit.Cur), uint64(limit.Max)) //nolint:unconvert // signed on some systems
}

// freeSpace is what an ordinary user may still write to the file system of dir, in bytes.
func freeSpace(dir string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize), nil //nolint:unconvert // of other types on other systems
}
