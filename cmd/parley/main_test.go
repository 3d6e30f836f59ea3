package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/configs"
)

// childEnv makes the test binary a parley whose wiring behaves as the value says.
const childEnv = "MAIN_TEST_CHILD"

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(childEnv); behaviour != "" {
		os.Exit(execute(fakeRun(behaviour)))
	}
	os.Exit(m.Run())
}

func fakeRun(behaviour string) runFunc {
	return func(ctx context.Context, cfg configs.Config, o order, log *slog.Logger) error {
		if behaviour == "fail" {
			return errors.Join(errors.New("open store"), errors.New("and close it"))
		}
		o.ready("http://" + cfg.HTTP.Listen + "/")
		<-ctx.Done()
		log.Info("stopping")
		switch behaviour {
		case "drain":
			<-o.now
		case "hang":
			select {}
		case "canceled":
			return fmt.Errorf("start: %w", ctx.Err())
		}
		return nil
	}
}

// start runs the child and returns its standard output and error.
func start(t *testing.T, behaviour string, args ...string) (child *exec.Cmd, out *bufio.Reader, errors io.Reader) {
	t.Helper()
	child = exec.Command(os.Args[0], args...)
	child.Env = append(os.Environ(), childEnv+"="+behaviour)
	child.Dir = t.TempDir()
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := child.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	return child, bufio.NewReader(stdout), stderr
}

func TestServeUntilSignal(t *testing.T) {
	for _, behaviour := range []string{"serve", "canceled"} {
		for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
			child, out, stderr := start(t, behaviour, "serve", "--listen", "127.0.0.1:1")
			if line, err := out.ReadString('\n'); err != nil || line != "parley serving on http://127.0.0.1:1/\n" {
				t.Fatalf("printed %q, %v", line, err)
			}
			if err := child.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
				t.Errorf("printed %q as well, %v", rest, err)
			}
			if log, err := io.ReadAll(stderr); err != nil || !strings.Contains(string(log), "level=INFO msg=stopping") {
				t.Errorf("logged %q, %v", log, err)
			}
			if err := child.Wait(); err != nil {
				t.Errorf("%s, %v: %v", behaviour, signal, err)
			}
		}
	}
}

// TestMoreSignals wants calls ended by the second one, and the process by the third.
func TestMoreSignals(t *testing.T) {
	t.Run("second", func(t *testing.T) {
		t.Parallel()
		if err := signalUntilGone(t, "drain"); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("third", func(t *testing.T) {
		t.Parallel()
		var exit *exec.ExitError
		err := signalUntilGone(t, "hang")
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
			t.Errorf("ended with %v", err)
		}
	})
}

// signalUntilGone sends SIGTERM to a child until it ends, and returns how it did.
func signalUntilGone(t *testing.T, behaviour string) error {
	child, out, stderr := start(t, behaviour, "serve")
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = child.Process.Signal(syscall.SIGTERM)
	if line, err := bufio.NewReader(stderr).ReadString('\n'); err != nil { // it has got that one
		t.Fatalf("logged %q, %v", line, err)
	}
	done := make(chan error, 1)
	go func() { done <- child.Wait() }()
	if behaviour == "drain" {
		_ = child.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			t.Fatal("outlived the second signal")
		}
	}
	for deadline := time.After(20 * time.Second); ; {
		_ = child.Process.Signal(syscall.SIGTERM) // fails when the child is gone
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("outlived all signals")
		}
	}
}

// TestFailures wants an exit code of 1, one line that says why, and nothing else.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "parley.yaml")
	if err := os.WriteFile(file, []byte("media_prot: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		behaviour string
		args      []string
		want      string
	}{
		{"fail", []string{"serve"}, "parley: open store; and close it\n"},
		{"serve", []string{"serve", "--listen", "8000"},
			"parley: listen (flag --listen): expected HOST:PORT, such as 127.0.0.1:8000 or :8000, not \"8000\"\n"},
		{"serve", []string{"serve", "--config", file}, "parley: media_prot (file " + file + "): expected a known name"},
		{"serve", []string{"serve", "--config", dir + "/none"}, "parley: configuration from file " + dir + "/none: open"},
		{"serve", []string{"serve", "--lisen", ":80"}, "parley: unknown flag: --lisen\n"},
		{"serve", []string{"serve", "more"}, "parley: unknown command \"more\" for \"parley serve\"\n"},
		{"serve", []string{"server"}, "parley: unknown command \"server\" for \"parley\"\n"},
	}
	for _, test := range tests {
		child, out, stderr := start(t, test.behaviour, test.args...)
		printed, _ := io.ReadAll(out)
		said, _ := io.ReadAll(stderr)
		_ = child.Wait()
		if code := child.ProcessState.ExitCode(); code != 1 || len(printed) > 0 {
			t.Errorf("%v: exit code %d, printed %q", test.args, code, printed)
		}
		if !strings.HasPrefix(string(said), test.want) || strings.Count(string(said), "\n") != 1 {
			t.Errorf("%v: said %q, want %q", test.args, said, test.want)
		}
	}
}

func TestPrintedOnly(t *testing.T) {
	for arg, want := range map[string]string{"version": "parley ", "config": configs.Sample(), "--help": "Group video"} {
		var out bytes.Buffer
		root := newRoot(fakeRun("fail"))
		root.SetOut(&out)
		root.SetArgs([]string{arg})
		if err := root.Execute(); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s printed %q, %v", arg, out.String(), err)
		}
	}
}

func TestLogger(t *testing.T) {
	for _, test := range []struct {
		cfg  configs.Log
		want string
	}{
		{configs.Log{Level: "debug", Format: "text"}, "level=DEBUG msg=d\ntime"},
		{configs.Log{Level: "warn", Format: "json"}, `"level":"WARN","msg":"w"}`},
	} {
		var out bytes.Buffer
		log, err := newLogger(&out, test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("d")
		log.Warn("w")
		if got := out.String(); !strings.Contains(got, test.want) || strings.Contains(got, "msg\":\"d") {
			t.Errorf("%+v logged %s", test.cfg, got)
		}
	}
}
