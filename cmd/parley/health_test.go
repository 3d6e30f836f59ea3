package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"parley/configs"
	"parley/signaling/protocol"
)

func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, wrong := 0, error(nil)
		h := &health{checks: []check{
			{"store", func(context.Context) error { asked++; return wrong }},
			{"people", func(context.Context) error { return nil }},
		}}
		routes := http.NewServeMux()
		h.handle(routes)
		ask := func(path string, status int, body string) {
			t.Helper()
			w := httptest.NewRecorder()
			routes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != status || w.Body.String() != body {
				t.Errorf("%s: answered %d, %q", path, w.Code, w.Body)
			}
		}
		for range 100 {
			ask("/readyz", http.StatusOK, "ready\nstore: ok\npeople: ok\n")
		}
		if asked != 1 {
			t.Errorf("the disk was tried %d times", asked)
		}
		wrong = errors.New("cannot be written")
		time.Sleep(checkAgain)
		ask("/readyz", http.StatusServiceUnavailable, "not ready\nstore: cannot be written\npeople: ok\n")
		ask("/healthz", http.StatusOK, "ok\n")
		wrong = nil
		time.Sleep(checkAgain)
		ask("/readyz", http.StatusOK, "ready\nstore: ok\npeople: ok\n")
	})
}

// TestReadinessOfAServer asks a real one, at both of its listeners, while it is full.
func TestReadinessOfAServer(t *testing.T) {
	var metrics string
	url := startServer(t, func(cfg *configs.Config) {
		cfg.Limits.MaxPeople = 1
		cfg.HTTP.MetricsListen = fmt.Sprintf("127.0.0.1:%d", freePort(t))
		metrics = "http://" + cfg.HTTP.MetricsListen + "/"
	})
	const ready = "ready\nstore: ok\nmedia: ok\nrooms: ok\npeople: ok\n"
	for _, at := range []string{url, metrics} {
		if got := get(t, at+"readyz"); got != ready {
			t.Errorf("%s: %q", at, got)
		}
		if got := get(t, at+"healthz"); got != "ok\n" {
			t.Errorf("%s: %q", at, got)
		}
	}
	enter(t, person(t, url, "Anna"), protocol.Join{Room: "standup"}, "")
	const full = "not ready\nstore: ok\nmedia: ok\nrooms: ok\npeople: no more fit: max_people\n"
	for deadline := time.Now().Add(10 * time.Second); get(t, url+"readyz") != full; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still %q", get(t, url+"readyz"))
		}
	}
}
