package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"parley/configs"
)

// runFunc serves until ctx ends, then stops everything and returns nil. It calls ready once, with the URL to open, when
// it serves; an error says why it could not start.
type runFunc func(ctx context.Context, cfg configs.Config, log *slog.Logger, ready func(url string)) error

func newServe(run runFunc) *cobra.Command {
	var file string
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve calls until SIGTERM or SIGINT",
		Long: "Serve calls until SIGTERM or SIGINT. Each flag is also a key of the configuration file (--data-dir is " +
			"data_dir)\nand an environment variable (PARLEY_DATA_DIR); flags win over the environment, which wins over " +
			"the file.\n\"parley config\" prints a file to start from.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configs.Load(file, os.Environ(), cmd.Flags())
			if err != nil {
				return err
			}
			log, err := newLogger(cmd.ErrOrStderr(), cfg.Log)
			if err != nil {
				return err
			}
			collectOften()
			err = run(cmd.Context(), cfg, log, func(url string) {
				fmt.Fprintf(cmd.OutOrStdout(), "parley serving on %s\n", url)
			})
			if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
				return nil // told to stop while starting
			}
			return err
		},
	}
	addFileFlag(serve, &file)
	configs.AddFlags(serve.Flags())
	return serve
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
