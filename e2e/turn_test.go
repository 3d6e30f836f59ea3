package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/auth"
)

// Somebody else's TURN client is coturn's turnutils_uclient. It asks for an even port by the toss of a coin, as people
// did who had RTCP on the next one, and gives up when it does not get that; so it is run until it did not ask.
const tosses = 60

// uclient runs it against a TURN server on loopback until it says what is expected, or ends. It fails the test if it
// says neither that nor that it got no even port.
func uclient(t *testing.T, port int, expected string, credentials func() auth.TURNCredentials, flags ...string) {
	t.Helper()
	program, err := exec.LookPath("turnutils_uclient")
	if err != nil {
		t.Fatalf("%v (.ci/packages installs it, with coturn)", err)
	}
	var said string
	for range tosses {
		c := credentials()
		args := append([]string{"-v", "-c", "-n", "1", "-p", fmt.Sprint(port), "-u", c.Username, "-w", c.Password}, flags...)
		if said = runUntil(t, expected, program, append(args, "127.0.0.1")...); strings.Contains(said, expected) {
			return
		}
		if !strings.Contains(said, "error 508") {
			break
		}
	}
	t.Errorf("%s: it did not say %q, but:\n%s", strings.Join(flags, " "), expected, said)
}

// runUntil returns what a program says, until it ends or has said what is expected, when it is ended.
func runUntil(t *testing.T, expected, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // its status tells nothing that its words do not
		_ = write.Close()
	}()
	var said strings.Builder
	for lines := bufio.NewScanner(read); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), expected) {
			cancel()
		}
	}
	<-done
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Errorf("%s %q took too long", program, args)
	}
	return said.String()
}

// Somebody else's TURN client gets what it may, by its own reading of the RFCs, and nothing else; all is counted.
func TestOutsideTURNClient(t *testing.T) {
	port, metrics, dir := freePort(t), freePort(t), t.TempDir()
	media := freePort(t)
	start(t, "--turn-port", fmt.Sprint(port), "--media-port", fmt.Sprint(media), "--data-dir", dir,
		"--metrics-listen", fmt.Sprintf("127.0.0.1:%d", metrics))
	secret, err := os.ReadFile(filepath.Join(dir, "turn.key"))
	if err != nil {
		t.Fatal(err)
	}
	issuer, users := auth.NewTURN(secret, time.Hour), 0
	good := func() auth.TURNCredentials { // of another user each time, whom no quota stops
		users++
		return issuer.Issue(fmt.Sprint("guest", users), time.Now())
	}
	forged := func() auth.TURNCredentials {
		c := good()
		c.Password = "guessed"
		return c
	}
	expired := func() auth.TURNCredentials { return issuer.Issue("guest", time.Now().Add(-2*time.Hour)) }
	counted := func(name string) int {
		t.Helper()
		return metric(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", metrics), name)
	}

	for _, network := range [][]string{{}, {"-t"}} { // UDP, TCP
		run := func(expected string, as func() auth.TURNCredentials, flags ...string) {
			t.Helper()
			uclient(t, port, expected, as, slices.Concat(network, flags)...)
		}
		before := counted("parley_turn_allocated_total")
		run("Received relay addr: 127.0.0.1:", good, "-e", "127.0.0.1", "-r", fmt.Sprint(media))
		if now := counted("parley_turn_allocated_total"); now <= before {
			t.Errorf("%d allocations counted", now-before)
		}
		for _, to := range []struct{ peer, port string }{
			{"10.0.0.1", "80"}, {"169.254.169.254", "80"}, {"100.64.0.1", "80"}, {"198.51.100.1", "443"}, {"0.0.0.0", "7000"},
			{"127.0.0.2", fmt.Sprint(media)},
		} {
			before := counted(`parley_turn_refused_total{reason="peer"}`)
			run("channel bind: error 403", good, "-e", to.peer, "-r", to.port)
			run("create permission error 403", good, "-s", "-e", to.peer, "-r", to.port)
			if now := counted(`parley_turn_refused_total{reason="peer"}`); now < before+2 {
				t.Errorf("%s: %d refusals counted", to.peer, now-before)
			}
		}
		run("channel bind: error 403", good, "-e", "127.0.0.1", "-r", "22")

		for reason, as := range map[string]func() auth.TURNCredentials{"forged": forged, "expired": expired} {
			name := fmt.Sprintf("parley_turn_refused_total{reason=%q}", reason)
			refused, allocated := counted(name), counted("parley_turn_allocated_total")
			run("Cannot complete Allocation", as, "-e", "127.0.0.1", "-r", fmt.Sprint(media))
			if now := counted(name); now <= refused {
				t.Errorf("%s: %d refusals counted", reason, now-refused)
			}
			if now := counted("parley_turn_allocated_total"); now != allocated {
				t.Errorf("%s: %d allocations", reason, now-allocated)
			}
		}
	}
}
