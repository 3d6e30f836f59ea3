package e2e

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// usage is what a server holds.
type usage struct{ goroutines, files, heap int }

const (
	moreGoroutines = 5
	moreFiles      = 3
	moreHeap       = 3 << 20 // bytes, beside a tenth of what there was
	letGoWithin    = 60 * time.Second
)

// startCounted runs a server that tells what it holds, at the URL that is returned.
func startCounted(t *testing.T, flags ...string) (s *server, metricsURL string) {
	t.Helper()
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	return start(t, append([]string{"--metrics-listen", listen}, flags...)...), "http://" + listen
}

// measure collects the server's garbage, and looks what is left.
func measure(t *testing.T, metricsURL string) usage {
	t.Helper()
	for range 2 { // what has a finalizer goes the second time
		resp, err := http.Get(metricsURL + "/debug/pprof/heap?gc=1")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	url := metricsURL + "/metrics"
	return usage{
		goroutines: metric(t, url, "go_goroutines"), files: metric(t, url, "process_open_fds"),
		heap: metric(t, url, "go_memstats_heap_alloc_bytes"),
	}
}

// flat waits until the server holds no more than it did, give or take what does not grow.
func flat(t *testing.T, metricsURL, what string, before usage) usage {
	t.Helper()
	for deadline := time.Now().Add(letGoWithin); ; time.Sleep(500 * time.Millisecond) {
		now := measure(t, metricsURL)
		if now.goroutines <= before.goroutines+moreGoroutines && now.files <= before.files+moreFiles &&
			now.heap <= before.heap+before.heap/10+moreHeap {
			t.Logf("%s: %+v, before %+v", what, now, before)
			return now
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: it holds %+v, before %+v\n%s", what, now, before, goroutines(t, metricsURL))
			return now
		}
	}
}

// goroutines tells what those of a server do, for a failure.
func goroutines(t *testing.T, metricsURL string) string {
	t.Helper()
	resp, err := http.Get(metricsURL + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 20<<10))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
