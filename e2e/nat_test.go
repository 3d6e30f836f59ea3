package e2e

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"parley/signaling/client"
)

// TestBehindNAT is run by netns/run.sh in a namespace from which TURN is the only way to the media of the server.
func TestBehindNAT(t *testing.T) {
	url := os.Getenv("TEST_NAT_URL")
	if url == "" {
		t.Skip("run by netns/run.sh")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var clients []*client.Client
	for _, name := range []string{"Ada", "Bea"} {
		account, err := client.LogIn(ctx, url, name, name+" of the test")
		if err != nil {
			t.Fatal(err)
		}
		c, err := account.Dial(ctx, "nat", everything())
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}()
		if err := c.JoinAndWait(ctx, "nat"); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	allFlow(t, clients, "audio", "video")
	// Each has one allocation at least; over UDP and TCP both where both are open.
	if live := metric(t, os.Getenv("TEST_NAT_METRICS"), "parley_turn_allocations"); live < len(clients) {
		t.Errorf("%d allocations for %d clients: some found another way", live, len(clients))
	}
}

// metric reads one of a server's metrics.
func metric(t *testing.T, url, name string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), name+" "); found {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(value)
		}
	}
	t.Fatalf("the server has no metric %s", name)
	return 0
}
