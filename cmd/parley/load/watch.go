package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a process has used.
type usage struct {
	known bool
	cpu   float64 // s, user and system, since it began
	rss   int64   // bytes
}

// watcher looks at the server's process. The zero value sees nothing.
type watcher struct {
	url    string
	pid    int
	client *http.Client
}

const (
	clockTicks  = 100 // of /proc (times(2)): fixed on all that Go runs on
	metricsWait = 2 * time.Second
	maxMetrics  = 4 << 20
)

var errNoProcess = errors.New("cannot be watched")

// newWatcher fails if there is something to watch that cannot be seen.
func newWatcher(ctx context.Context, o Options) (*watcher, error) {
	w := &watcher{url: o.MetricsURL, pid: o.WatchPID, client: &http.Client{Timeout: metricsWait}}
	if w.pid != 0 {
		if _, err := readProcess(w.pid); err != nil {
			return nil, fmt.Errorf("--watch-pid %d: %w: %w", w.pid, errNoProcess, err)
		}
	} else if w.url != "" {
		if _, err := w.scrape(ctx); err != nil {
			return nil, fmt.Errorf("--metrics-url: %w", err)
		}
	}
	return w, nil
}

// read returns what the server has used; unknown if it cannot be seen.
func (w *watcher) read(ctx context.Context) usage {
	var u usage
	var err error
	switch {
	case w.pid != 0:
		u, err = readProcess(w.pid)
	case w.url != "":
		u, err = w.scrape(context.WithoutCancel(ctx))
	default:
		return usage{}
	}
	if err != nil {
		return usage{}
	}
	return u
}

// readProcess reads /proc (proc_pid_stat(5)).
func readProcess(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name, from the third field on
	fields := strings.Fields(rest)
	if len(fields) < 22 {
		return usage{}, fmt.Errorf("/proc/%d/stat: %w", pid, io.ErrUnexpectedEOF)
	}
	user, err1 := strconv.ParseUint(fields[11], 10, 64)
	system, err2 := strconv.ParseUint(fields[12], 10, 64)
	pages, err3 := strconv.ParseInt(fields[21], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return usage{}, fmt.Errorf("/proc/%d/stat: %w", pid, strconv.ErrSyntax)
	}
	u := usage{known: true, cpu: float64(user+system) / clockTicks, rss: pages * int64(os.Getpagesize())}
	if precise, ok := processCPU(pid); ok {
		u.cpu = precise
	}
	return u, nil
}

// scrape reads the server's metrics.
func (w *watcher) scrape(ctx context.Context) (usage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return usage{}, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return usage{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return usage{}, fmt.Errorf("%w: %s", errNoProcess, resp.Status)
	}
	return parseMetrics(io.LimitReader(resp.Body, maxMetrics))
}

// parseMetrics finds two values in Prometheus' text format.
func parseMetrics(text io.Reader) (usage, error) {
	var u usage
	var cpu, rss bool
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			continue
		}
		switch name {
		case "process_cpu_seconds_total":
			u.cpu, cpu = number, true
		case "process_resident_memory_bytes":
			u.rss, rss = int64(number), true
		}
	}
	if err := lines.Err(); err != nil {
		return usage{}, err
	}
	if !cpu || !rss {
		return usage{}, fmt.Errorf("%w: no process_cpu_seconds_total and process_resident_memory_bytes", errNoProcess)
	}
	u.known = true
	return u, nil
}

// ownCPU is what this process has used, in s.
func ownCPU() float64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
}
