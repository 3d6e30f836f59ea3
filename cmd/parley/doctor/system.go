package doctor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	wantedBuffer = 4 << 20 // bytes; what sfu/egress asks for, each way
	wantedFiles  = 4096    // a connection each for page, TURN and ICE-TCP of a thousand people
	wantedQueue  = 1024    // connections that wait to be accepted

	sysctlFile = "/etc/sysctl.d/60-parley.conf"
)

// examineSystem looks at the limits of the kernel and of this process.
func examineSystem() []Finding {
	return []Finding{
		judgeBuffers(kernel("rmem_max"), kernel("wmem_max")),
		judgeQueue(kernel("somaxconn")),
		judgeFiles(openFiles()),
	}
}

// kernel reads a number of /proc/sys/net/core, 0 if it cannot be known.
func kernel(name string) int {
	content, err := os.ReadFile("/proc/sys/net/core/" + name)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	return n
}

// judgeBuffers looks at the ceilings of socket buffers, in bytes; 0 is unknown.
func judgeBuffers(receive, send int) Finding {
	const name = "UDP buffers"
	if receive == 0 || send == 0 {
		return ok(name, "the kernel does not tell its limits here (in a container they are those of the host)")
	}
	var set []string
	if receive < wantedBuffer {
		set = append(set, fmt.Sprintf("net.core.rmem_max=%d", wantedBuffer))
	}
	if send < wantedBuffer {
		set = append(set, fmt.Sprintf("net.core.wmem_max=%d", wantedBuffer))
	}
	if len(set) == 0 {
		return ok(name, "up to %s in and %s out", kibibytes(receive), kibibytes(send))
	}
	do := fmt.Sprintf("sysctl -w %s\nto make it last: printf '%s\\n' > %s", strings.Join(set, " "),
		strings.Join(set, `\n`), sysctlFile)
	return warning(name, do, "the kernel allows %s in and %s out, large rooms want %s: bursts of media are dropped",
		kibibytes(receive), kibibytes(send), kibibytes(wantedBuffer))
}

func kibibytes(n int) string { return fmt.Sprintf("%d KiB", n>>10) }

// judgeQueue looks at how many connections may wait to be accepted; 0 is unknown.
func judgeQueue(length int) Finding {
	const name = "TCP queue"
	if length > 0 && length < wantedQueue {
		set := fmt.Sprintf("net.core.somaxconn=%d", wantedQueue)
		return warning(name, fmt.Sprintf("sysctl -w %s\nto make it last: echo %s >> %s", set, set, sysctlFile),
			"%d connections may wait: some fail when a large room comes back at once", length)
	}
	if length == 0 {
		return ok(name, "the kernel does not tell its limit here")
	}
	return ok(name, "%d connections may wait", length)
}

// judgeFiles looks at how many files this process may open; 0 is unknown.
func judgeFiles(limit uint64) Finding {
	const name = "open files"
	switch {
	case limit == 0:
		return ok(name, "the system does not tell its limit")
	case limit < wantedFiles:
		return warning(name, "LimitNOFILE=65536 in the systemd unit, or ulimit -n 65536 before the start",
			"%d at most: each guest takes two or three", limit)
	}
	return ok(name, "%d at most", limit)
}
