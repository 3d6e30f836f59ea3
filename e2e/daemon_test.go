package e2e

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// daemon runs somebody else's server in the foreground until the test ends, and waits until it listens at addr. It
// returns what it writes.
func daemon(t *testing.T, addr string, environ []string, name string, args ...string) *output {
	t.Helper()
	cmd, out := exec.Command(name, args...), new(output)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, append(os.Environ(), environ...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it starts ends with it
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (run make packages)", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, out)
		}
	})
	for deadline := time.After(patience); ; {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return out
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", name, out)
		case <-deadline:
			t.Fatalf("%s does not listen:\n%s", name, out)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
