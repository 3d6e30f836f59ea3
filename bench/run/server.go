package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"parley/bench/pin"
	"parley/e2e/ports"
)

const (
	startPatience = 20 * time.Second
	stopPatience  = 10 * time.Second
	tailBytes     = 2000
)

// errSilent is returned for a server that does not say where it serves.
var errSilent = errors.New("it does not serve")

// server is a forwarder that runs.
type server struct {
	cmd     *exec.Cmd
	cancel  context.CancelFunc
	dir     string
	url     string
	metrics string // URL, "" if it has none
	out     *announcement
	err     tail
	ended   chan struct{} // closed when the process has ended
	why     error         // of its end, then
}

// start runs a server on a CPU, or on all if it is negative, until stop.
func (b *bench) start(ctx context.Context, kind string, cpu int) (*server, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, out: newAnnouncement(), ended: make(chan struct{})}
	path, args := b.Stock, []string(nil)
	if kind == parleyServer || kind == plainServer {
		ports, err := freePorts(4)
		if err != nil {
			return nil, err
		}
		listen := func(i int) string { return "127.0.0.1:" + strconv.Itoa(ports[i]) }
		s.metrics = "http://" + listen(1) + "/metrics"
		path, args = b.Parley, []string{"serve", "--listen", listen(0), "--metrics-listen", listen(1),
			"--media-port", strconv.Itoa(ports[2]), "--turn-port", strconv.Itoa(ports[3]), "--announce", "127.0.0.1",
			"--data-dir", dir, "--log-level", "warn", fmt.Sprintf("--congestion-control=%t", kind == parleyServer)}
	}
	ctx, s.cancel = context.WithCancel(ctx)
	s.cmd = exec.CommandContext(ctx, path, args...) //nolint:gosec // ours
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = stopPatience
	s.cmd.Stdout, s.cmd.Stderr = s.out, &s.err
	s.cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "PARLEY_") || strings.HasPrefix(entry, "GOMAXPROCS=")
	})
	if err := pin.Start(s.cmd, cpu); err != nil {
		s.cancel()
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		defer close(s.ended)
		s.why = s.cmd.Wait()
	}()
	select {
	case s.url = <-s.out.url:
		return s, nil
	case <-time.After(startPatience):
	case <-s.ended:
	case <-ctx.Done():
	}
	return nil, fmt.Errorf("%w: %w%s", errSilent, errors.Join(s.stop(), ctx.Err()), s.said())
}

func (s *server) pid() int { return s.cmd.Process.Pid }

func (s *server) stop() error {
	s.cancel()
	<-s.ended
	err := s.why
	if errors.Is(err, context.Canceled) {
		err = nil // it ended as it was told
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// said is the end of what the server has written about itself, for an error.
func (s *server) said() string { return s.err.last() }

// counters are the sums of the server's metrics by name; not ok if it has none.
func (s *server) counters(ctx context.Context) (sums map[string]float64, ok bool) {
	if s.metrics == "" {
		return nil, false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metrics, nil)
	if err != nil {
		return nil, false
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return nil, false
	}
	defer func() { _ = response.Body.Close() }()
	return parseMetrics(response.Body), response.StatusCode == http.StatusOK
}

// parseMetrics adds up the samples of each name in Prometheus' text format.
func parseMetrics(text io.Reader) map[string]float64 {
	sums := make(map[string]float64)
	for lines := bufio.NewScanner(text); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		name := line[:strings.IndexAny(line+" ", "{ ")]
		rest := line[len(name):]
		if end := strings.LastIndex(rest, "}"); end >= 0 {
			rest = rest[end+1:]
		}
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		if value, err := strconv.ParseFloat(fields[0], 64); err == nil {
			sums[name] += value
		}
	}
	return sums
}

// packing is the number of packets per message to the kernel between two readings, 0 if there were none.
func packing(before, after map[string]float64) float64 {
	const packets, messages = "parley_egress_packets_total", "parley_egress_messages_total"
	n := after[messages] - before[messages]
	if n <= 0 {
		return 0
	}
	return (after[packets] - before[packets]) / n
}

// freePorts returns ports that are free for TCP and UDP.
func freePorts(n int) ([]int, error) {
	free := make([]int, 0, n)
	for len(free) < n {
		port, err := ports.Free()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(free, port) {
			free = append(free, port)
		}
	}
	return free, nil
}

// announcement finds the URL in what a server prints.
type announcement struct {
	url   chan string // has room for the one URL
	mu    sync.Mutex
	text  []byte // guarded by mu
	found bool   // guarded by mu
}

func newAnnouncement() *announcement { return &announcement{url: make(chan string, 1)} }

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.found {
		return len(p), nil
	}
	a.text = append(a.text, p...)
	line, _, whole := bytes.Cut(a.text, []byte("\n"))
	if url := regexp.MustCompile(`https?://[^\s/]+`).Find(line); whole && url != nil {
		a.found = true
		a.url <- string(url)
	}
	return len(p), nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return ""
	}
	return "\n" + strings.TrimSpace(string(t.text))
}
