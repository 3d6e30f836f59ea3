package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
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
	allLetGoWithin = 15 * time.Minute // after thousands: what the store remembers of who is gone goes by and by
)

// counts is where a server tells what it holds: URLs.
type counts struct{ metrics, profiles string }

// countsFlags are the flags of a server that tells.
func countsFlags(t *testing.T) (at counts, flags []string) {
	t.Helper()
	metrics, profiles := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	return counts{"http://" + metrics + "/metrics", "http://" + profiles + "/debug/pprof"},
		[]string{"--metrics-listen", metrics, "--pprof-listen", profiles}
}

// startCounted runs a server that tells what it holds.
func startCounted(t *testing.T, flags ...string) (*server, counts) {
	t.Helper()
	at, more := countsFlags(t)
	return start(t, append(more, flags...)...), at
}

// measure collects the server's garbage, and looks what is left.
func measure(t *testing.T, at counts) usage {
	t.Helper()
	for range 2 { // what has a finalizer goes the second time
		resp, err := http.Get(at.profiles + "/heap?gc=1")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return usage{
		goroutines: metric(t, at.metrics, "go_goroutines"), files: metric(t, at.metrics, "process_open_fds"),
		heap: metric(t, at.metrics, "go_memstats_heap_alloc_bytes"),
	}
}

// flat waits until the server holds no more than it did, give or take what does not grow.
func flat(t *testing.T, at counts, what string, before usage) usage {
	t.Helper()
	within := letGoWithin
	if os.Getenv("LEAKS") != "" {
		within = allLetGoWithin
	}
	for deadline := time.Now().Add(within); ; time.Sleep(500 * time.Millisecond) {
		now := measure(t, at)
		if now.goroutines <= before.goroutines+moreGoroutines && now.files <= before.files+moreFiles &&
			now.heap <= before.heap+before.heap/10+moreHeap {
			t.Logf("%s: %+v, before %+v", what, now, before)
			return now
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: it holds %+v, before %+v\n%s", what, now, before, goroutines(t, at))
			return now
		}
	}
}

// goroutines tells what those of a server do, for a failure.
func goroutines(t *testing.T, at counts) string {
	t.Helper()
	resp, err := http.Get(at.profiles + "/goroutine?debug=1")
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
