// Package e2e tests the built server from outside. The Go tests here use the project's own client, many of them at
// once; those in JavaScript beside them use browsers.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/e2e/ports"
	"parley/signaling/client"
)

// patience bounds every wait. Nothing that works comes near it, on a busy machine either.
const patience = 60 * time.Second

// TestMain looks for goroutines left behind by the clients, but for one that pion leaves: it waits for the first packet
// of a track that never had one, such as those of parked lines, when the connection closes meanwhile.
//
// Its clients believe the authority that signs the certificates of servers with TLS.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "parley-e2e-")
	if err == nil {
		err = makeAuthority(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/pion/webrtc/v4.(*PeerConnection).startReceiver.func1"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(dir)
			os.Exit(code)
		}))
}

// maxLog is how much of what the server wrote a failure shows, in bytes: enough for where all goroutines are.
const maxLog = 200 << 10

// server is one `parley serve` with ports and a data directory of its own.
type server struct {
	t   *testing.T
	url string // of the pages
	cmd *exec.Cmd
	out *output
}

// output is what a process writes, readable while it does.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// program is the binary under test; TEST_BINARY names another build of it, e.g. with the race detector.
func program() string {
	if path := os.Getenv("TEST_BINARY"); path != "" {
		return path
	}
	return "../bin/parley"
}

// start runs a server until the test ends. It must exit with status 0 then, and without a data race.
func start(t *testing.T, flags ...string) *server {
	t.Helper()
	flags = append([]string{
		"--media-port", fmt.Sprint(freePort(t)), "--turn-port", fmt.Sprint(freePort(t)), "--announce", "127.0.0.1",
	}, flags...)
	return launch(t, flags...)
}

// launch is start, with the flags that say where media goes among the flags.
func launch(t *testing.T, flags ...string) *server {
	t.Helper()
	return launchAs(t, exec.Command(program()), append([]string{"--data-dir", t.TempDir()}, flags...)...)
}

// launchAs is launch of a command that lacks its arguments, with the flags that say where data goes among the flags. At
// the end it waits for no call, unless the flags say otherwise.
func launchAs(t *testing.T, cmd *exec.Cmd, flags ...string) *server {
	t.Helper()
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd.Args = append(cmd.Args, append([]string{"serve", "--listen", listen, "--drain-limit", "0s"}, flags...)...)
	scheme := "http"
	if slices.Contains(flags, "--tls-cert-file") {
		scheme = "https"
	}
	s := &server{t: t, url: scheme + "://" + listen, cmd: cmd, out: new(output)}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "PARLEY_") })
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("%v (run make build)", err)
	}
	t.Cleanup(s.stop)
	s.awaitAnswer()
	return s
}

// awaitAnswer waits until the pages are there.
func (s *server) awaitAnswer() {
	s.t.Helper()
	answers := func() bool {
		resp, err := http.Get(s.url + "/login/")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		return resp.StatusCode == http.StatusOK
	}
	for deadline := time.Now().Add(patience); !answers(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not answer:\n%s", s.out)
		}
	}
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	hangs := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Signal(syscall.SIGQUIT) }) // says where
	err := s.cmd.Wait()
	hangs.Stop()
	log := s.out.String()
	if err != nil || strings.Contains(log, "DATA RACE") {
		s.t.Errorf("the server ended with %v", err)
	}
	if s.t.Failed() {
		s.t.Logf("the server wrote, in the end:\n%s", log[max(0, len(log)-maxLog):])
	}
}

// freePort is free for UDP and TCP.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// guest is a client of somebody who is logged in; it is closed when the test ends.
func (s *server) guest(name string, options client.Options) *client.Client {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := client.LogIn(ctx, s.url, name, "The real "+name)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := account.Dial(ctx, "lobby", options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return c
}

// await waits until c has seen what is wanted.
func await(t *testing.T, c *client.Client, what string, wanted func(client.Snapshot) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Await(ctx, wanted); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, describe(c.Snapshot()))
	}
}

func join(t *testing.T, c *client.Client, room string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.JoinAndWait(ctx, room); err != nil {
		t.Fatalf("join %s: %v\n%s", room, err, describe(c.Snapshot()))
	}
}

// describe shows what a client has seen, for a failure.
func describe(s client.Snapshot) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s in %q, %s over %s, %d people, %d offers, %d resets, errors %v, closed %v\n",
		s.ChannelName, s.Room, s.Connection, s.LocalPath, len(s.People), s.Offers, s.Resets, s.Errors, s.Closed)
	for source, r := range s.Received {
		fmt.Fprintf(&out, "  from %+v: %+v\n", source, r)
	}
	for encoding, e := range s.Sent {
		fmt.Fprintf(&out, "  sent %+v: %+v\n", encoding, e)
	}
	return out.String()
}
