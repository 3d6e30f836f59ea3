package netns

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	patience = 60 * time.Second // bounds every wait that has no bound of its own
	parting  = 15 * time.Second // to end when told to
	maxLog   = 100 << 10        // of what a failure shows of a process, in bytes
)

// process is a program that runs in a namespace until it is told to end.
type process struct {
	cmd   *exec.Cmd
	log   *output       // standard error, and standard output unless that goes elsewhere
	ended chan struct{} // closed when it has
	err   error         // how it ended, once it has
}

// launch starts a command; its standard output may have a reader already.
func launch(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, log: new(output), ended: make(chan struct{})}
	cmd.Stderr = p.log
	if cmd.Stdout == nil {
		cmd.Stdout = p.log
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = cmd.Wait()
	}()
	return p
}

// stop ends it by end, which asks it to, and says what it wrote if the test has failed, or VERBOSE is set.
func (p *process) stop(t *testing.T, what string, end func()) {
	t.Helper()
	end()
	select {
	case <-p.ended:
		if p.err != nil {
			t.Errorf("%s ended with %v", what, p.err)
		}
	case <-time.After(parting):
		t.Errorf("%s does not end", what)
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // a Go program says where it is
		select {
		case <-p.ended:
		case <-time.After(parting):
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	}
	if t.Failed() || os.Getenv("VERBOSE") != "" {
		t.Logf("%s wrote:\n%s", what, p.log)
	}
}

// await waits until the process has written that. It must not end before.
func (p *process) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(patience)
	for !strings.Contains(p.log.String(), text) {
		select {
		case <-p.ended:
			t.Fatalf("the process ended with %v:\n%s", p.err, p.log)
		case <-deadline:
			t.Fatalf("the process never said %q:\n%s", text, p.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
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

// String is the end of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.all.Bytes()
	return string(all[max(0, len(all)-maxLog):])
}

// program is the built binary of that name; TEST_BINARY names another build of the server.
func program(t *testing.T, name string) string {
	t.Helper()
	if other := os.Getenv("TEST_BINARY"); other != "" && name == "parley" {
		return other
	}
	path, err := filepath.Abs(filepath.Join("../../bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v (run make test-netns)", err)
	}
	return path
}
