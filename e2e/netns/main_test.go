package netns

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// namesBegin is how the names of all our namespaces begin; the process that made them follows.
const namesBegin = "parley-"

// TestMain removes at the end what this run has left behind, and before, what one left that was killed.
func TestMain(m *testing.M) {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "network namespaces need root: skipped")
		os.Exit(0)
	}
	abandoned := func(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH }
	sweep(abandoned)
	status := m.Run()
	sweep(func(pid int) bool { return pid == os.Getpid() })
	os.Exit(status)
}

// sweep removes the namespaces of those processes.
func sweep(of func(pid int) bool) {
	entries, err := os.ReadDir("/run/netns")
	if err != nil {
		return // there never was one
	}
	for _, entry := range entries {
		rest, ours := strings.CutPrefix(entry.Name(), namesBegin)
		pid, err := strconv.Atoi(strings.Split(rest, "-")[0])
		if ours && err == nil && of(pid) {
			_ = exec.Command("ip", "netns", "del", entry.Name()).Run()
			_ = os.RemoveAll("/etc/netns/" + entry.Name())
		}
	}
}
