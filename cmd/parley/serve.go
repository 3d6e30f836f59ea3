package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"parley/configs"
)

// runFunc serves until ctx ends and calls have ended too, or have had their time, then stops everything and returns nil.
// An error says why it could not start or go on.
type runFunc func(ctx context.Context, cfg configs.Config, o order, log *slog.Logger) error

// order says how to serve.
type order struct {
	replace bool             // take over from the process that uses the data directory, if there is one
	now     <-chan struct{}  // closed to stop at once; nil for never
	ready   func(url string) // called once, with the URL to open, when it serves
}

func newServe(run runFunc) *cobra.Command {
	var file string
	var replace, detached bool
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve calls until SIGTERM or SIGINT",
		Long: "Serve calls until SIGTERM or SIGINT, after which calls may finish for the time of drain_limit; the second " +
			"ends\nthem. Each flag is also a key of the configuration file (--data-dir is data_dir) and an environment " +
			"variable\n(PARLEY_DATA_DIR); flags win over the environment, which wins over the file. \"parley config\" " +
			"prints a file to\nstart from.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now, release := secondSignal()
			defer release()
			cfg, err := configs.Load(file, os.Environ(), cmd.Flags())
			if err != nil {
				return err
			}
			if detached {
				return detach(cmd.Context(), cfg.Store.DataDir)
			}
			log, err := newLogger(cmd.ErrOrStderr(), cfg.Log)
			if err != nil {
				return err
			}
			collectOften()
			err = run(cmd.Context(), cfg, order{replace: replace, now: now, ready: func(url string) {
				fmt.Fprintf(cmd.OutOrStdout(), "parley serving on %s\n", url)
			}}, log)
			if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
				return nil // told to stop while starting
			}
			return err
		},
	}
	addFileFlag(serve, &file)
	configs.AddFlags(serve.Flags())
	serve.Flags().BoolVar(&replace, "replace", false, "take over from the server that runs on the data directory")
	serve.Flags().BoolVar(&detached, "detach", false, "go on in the background, and return when that serves")
	return serve
}

// secondSignal returns a channel that is closed at the second SIGTERM or SIGINT; a third one kills. The first ends the
// context of the command.
func secondSignal() (now <-chan struct{}, release func()) {
	signals, second := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer signal.Stop(signals)
		for range 2 {
			select {
			case <-signals:
			case <-done:
				return
			}
		}
		close(second)
	}()
	return second, func() { close(done) }
}

func addFileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "config", "", "configuration `FILE`, YAML (or "+configs.FileVariable+")")
}

// collectOften makes the heap grow by half, not double, between collections: forwarding allocates nothing, so they are
// rare, and memory is what many viewers cost.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

func newLogger(out io.Writer, cfg configs.Log) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, options)), nil
	}
	return slog.New(slog.NewTextHandler(out, options)), nil
}
