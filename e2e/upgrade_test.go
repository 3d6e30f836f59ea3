package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/signaling/client"
)

// TestUpgradeOfAService is what systemctl reload does, and what systemd is told meanwhile: which process the service is,
// and never that it stops.
func TestUpgradeOfAService(t *testing.T) {
	dir, err := os.MkdirTemp("", "n") // a path short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = told.Close() })
	expect := func(want string) {
		t.Helper()
		message := make([]byte, 100)
		_ = told.SetReadDeadline(time.Now().Add(patience))
		if n, err := told.Read(message); err != nil || string(message[:n]) != want {
			t.Fatalf("systemd was told %q, %v, want %q", message[:n], err, want)
		}
	}
	t.Setenv("NOTIFY_SOCKET", told.LocalAddr().String())

	s := launchKept(t)
	expect("READY=1")
	alice := s.guest("alice", client.Options{Audio: true, ComesBack: true})
	join(t, alice, "red")
	first := s.cmd
	reload := exec.Command(program(), append(slices.Clone(first.Args[1:]), "--replace", "--detach")...)
	log, err := os.Create(filepath.Join(dir, "log")) // which the server writes on to
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	reload.Stdout, reload.Stderr = log, log
	if err := reload.Run(); err != nil {
		t.Fatalf("reload: %v", err)
	}
	second := s.status().PID
	expect(fmt.Sprintf("MAINPID=%d", second))
	expect("READY=1")
	s.ends(first)
	await(t, alice, "back", func(seen client.Snapshot) bool { return seen.Renewed == 1 && seen.Connection == "connected" })

	// One that cannot start leaves the other alone.
	bad := exec.Command(program(),
		append(slices.Clone(reload.Args[1:]), "--tls-cert-file", "none", "--tls-key-file", "none")...)
	if out, err := bad.CombinedOutput(); err == nil || !strings.Contains(string(out), "none") {
		t.Errorf("a reload without the certificate: %v, %s", err, out)
	}
	if now := s.status().PID; now != second {
		t.Errorf("after that process %d serves, and not %d", now, second)
	}

	if err := syscall.Kill(second, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expect("STOPPING=1")
	for deadline := time.Now().Add(patience); syscall.Kill(second, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
	}
	s.next() // it is ended with the test
	expect("READY=1")
}

// status is what `parley drain --status --json` says.
func (s *server) status() (status struct{ PID int }) {
	s.t.Helper()
	dir := s.cmd.Args[slices.Index(s.cmd.Args, "--data-dir")+1]
	out, _ := exec.Command(program(), "drain", "--data-dir", dir, "--status", "--json").Output() // the code is no matter
	if err := json.Unmarshal(out, &status); err != nil {
		s.t.Fatalf("status %q: %v", out, err)
	}
	return status
}
