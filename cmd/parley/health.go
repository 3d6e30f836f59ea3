package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	checkAgain  = 2 * time.Second // an answer is good for that long, whoever asks and how often
	checkWithin = 5 * time.Second
)

// check is one thing that has to be so for the server to take people. Ready returns nil, or what is wrong in a few
// words, which anybody may read.
type check struct {
	name  string
	ready func(ctx context.Context) error
}

// health answers whether the process serves, and whether it should be sent people.
type health struct {
	checks []check // static after construction

	mu     sync.Mutex
	asked  time.Time // guarded by mu
	answer string    // guarded by mu
	ready  bool      // guarded by mu
}

// handle puts the two addresses into routes.
func (h *health) handle(routes *http.ServeMux) {
	routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answerHealth(w, http.StatusOK, "ok\n")
	})
	routes.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready, answer := h.look(time.Now())
		status := http.StatusOK
		if !ready {
			status = http.StatusServiceUnavailable
		}
		answerHealth(w, status, answer)
	})
}

func answerHealth(w http.ResponseWriter, status int, answer string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, answer)
}

// look makes all checks, unless that was just done. Who asks meanwhile waits.
func (h *health) look(now time.Time) (ready bool, answer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.asked.IsZero() && now.Sub(h.asked) < checkAgain {
		return h.ready, h.answer
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkWithin)
	defer cancel()
	var lines strings.Builder
	h.ready = true
	for _, check := range h.checks {
		said := "ok"
		if err := check.ready(ctx); err != nil {
			h.ready, said = false, err.Error()
		}
		fmt.Fprintf(&lines, "%s: %s\n", check.name, said)
	}
	first := "ready\n"
	if !h.ready {
		first = "not ready\n"
	}
	h.asked, h.answer = now, first+lines.String()
	return h.ready, h.answer
}
