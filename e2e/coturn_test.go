package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/signaling/client"
)

// startCoturn runs Debian's TURN server with a secret of the REST API, and returns its address and what it writes.
func startCoturn(t *testing.T, secret string) (addr string, log *output) {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	addr = fmt.Sprintf("127.0.0.1:%d", port)
	return addr, daemon(t, addr, nil, "turnserver", "-n", "--verbose", "--log-file", "stdout", "--simple-log",
		"--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", fmt.Sprint(port),
		"--allow-loopback-peers", "--use-auth-secret", "--static-auth-secret", secret, "--realm", "example.org",
		"--no-cli", "--no-tls", "--no-dtls", "--pidfile", filepath.Join(dir, "pid"), "--userdb", filepath.Join(dir, "db"))
}

// startBehindCoturn runs a server that has no TURN of its own and sends everybody over coturn.
func startBehindCoturn(t *testing.T, coturn, transport, secret string) *server {
	t.Helper()
	s := launch(t, "--media-port", fmt.Sprint(freePort(t)), "--announce", "127.0.0.1", "--turn-port", "0",
		"--turn-external-urls", "turn:"+coturn+"?transport="+transport, "--turn-external-secret", secret,
		"--ice-transport-policy", "relay")
	return s
}

func TestCoturn(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			coturn, log := startCoturn(t, "open sesame")
			s := startBehindCoturn(t, coturn, transport, "open sesame")
			clients := []*client.Client{s.guest("ann", everything()), s.guest("bob", everything())}
			each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
			allFlow(t, clients, "audio", "video")
			for _, c := range clients {
				if path := c.Snapshot().LocalPath; path != "relay udp" {
					t.Errorf("over %s", path)
				}
			}
			if !strings.Contains(log.String(), "ALLOCATE processed, success") {
				t.Error("coturn knows nothing of it")
			}
		})
	}
}

func TestCoturnWithAnotherSecret(t *testing.T) {
	coturn, log := startCoturn(t, "open sesame")
	s := startBehindCoturn(t, coturn, "udp", "open barley")
	c := s.guest("ann", everything())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // what connects, does in a fraction of that
	defer cancel()
	if err := c.JoinAndWait(ctx, "red"); err == nil {
		t.Errorf("connected over %s", c.Snapshot().LocalPath)
	}
	said := log.String()
	if !strings.Contains(said, "error 401") || strings.Contains(said, "ALLOCATE processed, success") {
		t.Error("coturn did not refuse")
	}
}
