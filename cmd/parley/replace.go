package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"parley/cmd/parley/control"
)

const (
	handedOverWithin = 20 * time.Second
	lookEvery        = 20 * time.Millisecond // whether the process in the background serves
)

// takeOver has the server that runs on the data directory stop, and returns when it has closed everything. Where none
// runs there is nothing to do.
func takeOver(ctx context.Context, dir string, log *slog.Logger) error {
	client, err := control.NewClient(dir)
	if err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	before, err := client.Status(ctx)
	if errors.Is(err, control.ErrNone) {
		log.Info("no server to replace")
		return nil
	} else if err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	// The manager has to know before it hears that its process is gone.
	if err := notify(fmt.Sprintf(notifyMainPID, os.Getpid())); err != nil {
		return err
	}
	log.Info("taking over", "from", before.PID, "people", before.People, "rooms", before.Rooms)
	ctx, cancel := context.WithTimeout(ctx, handedOverWithin)
	defer cancel()
	if err := client.HandOver(ctx); err != nil {
		err = fmt.Errorf("replace process %d: %w", before.PID, err)
		return errors.Join(err, notify(fmt.Sprintf(notifyMainPID, before.PID)))
	}
	return nil
}

// detach runs this command in the background, and returns when that serves.
func detach(ctx context.Context, dir string) error {
	client, err := control.NewClient(dir)
	if err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	child := exec.CommandContext(context.WithoutCancel(ctx), program, slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool {
		return arg == "--detach" || strings.HasPrefix(arg, "--detach=")
	})...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // the terminal's signals are not for it
	if err := child.Start(); err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ended: // it has said why
			return fmt.Errorf("detach: the server does not serve: %s", child.ProcessState)
		case <-ctx.Done():
			_ = child.Process.Signal(syscall.SIGTERM)
			return errors.Join(ctx.Err(), <-ended)
		case <-ticker.C:
			if status, err := client.Status(ctx); err == nil && status.PID == child.Process.Pid {
				return nil
			}
		}
	}
}
