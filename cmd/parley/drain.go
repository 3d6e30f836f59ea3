package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"parley/cmd/parley/control"
	"parley/configs"
)

var errNotSafe = errors.New("not safe to restart")

// drainFlags are those of drain that are no settings.
type drainFlags struct {
	file               string
	limit              time.Duration
	status, undo, wait bool
	json               bool
}

func newDrain() *cobra.Command {
	var flags drainFlags
	cmd := &cobra.Command{
		Use:   "drain",
		Short: "Let calls on the running server come to an end, and say when it is safe to restart",
		Long: "Let calls on the running server come to an end: nobody can begin a new one, those in a call are told. Run " +
			"it with the\nconfiguration of serve, and as the same user. The exit status is 1 where it is asked whether " +
			"a restart is safe and\npeople are in calls.",
		Example: "  parley drain --wait --config /etc/parley/parley.yaml && systemctl restart parley",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configs.Load(flags.file, os.Environ(), cmd.Flags())
			if err != nil {
				return err
			}
			client, err := control.NewClient(cfg.Store.DataDir)
			if err == nil {
				err = flags.run(cmd.Context(), client, cmd.OutOrStdout())
			}
			if errors.Is(err, control.ErrNone) {
				return fmt.Errorf("drain: no server runs on %s", cfg.Store.DataDir)
			} else if err != nil {
				return fmt.Errorf("drain: %w", err)
			}
			return nil
		},
	}
	addFileFlag(cmd, &flags.file)
	configs.AddFlags(cmd.Flags(), "data_dir")
	f := cmd.Flags()
	f.DurationVar(&flags.limit, "limit", 0, "the server stops when the last call ends, after `DURATION` at the latest")
	f.BoolVar(&flags.status, "status", false, "only say whether it is safe to restart")
	f.BoolVar(&flags.undo, "undo", false, "take new calls again")
	f.BoolVar(&flags.wait, "wait", false, "wait until it is safe to restart")
	f.BoolVar(&flags.json, "json", false, "write JSON")
	cmd.MarkFlagsMutuallyExclusive("status", "undo", "limit")
	cmd.MarkFlagsMutuallyExclusive("undo", "wait")
	return cmd
}

// run asks for what the flags say, and writes how it stands then.
func (f drainFlags) run(ctx context.Context, client *control.Client, out io.Writer) error {
	if f.limit < 0 {
		return errors.New("--limit: expected a positive duration")
	}
	status, err := f.order(ctx, client)
	if err == nil && f.wait {
		status, err = awaitQuiet(ctx, client)
	}
	if err != nil {
		return err
	}
	if f.json {
		if err := json.NewEncoder(out).Encode(status); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(out, describe(status)); err != nil {
		return err
	}
	if f.status && !status.Safe {
		return fmt.Errorf("%w: %s", errNotSafe, counted(status))
	}
	return nil
}

// order tells the server to do something, or asks how it stands.
func (f drainFlags) order(ctx context.Context, client *control.Client) (control.Status, error) {
	switch {
	case f.status:
		return client.Status(ctx)
	case f.undo:
		return client.Undrain(ctx)
	}
	return client.Drain(ctx, f.limit)
}

// awaitQuiet waits until nobody is in a call, or the server has stopped, which is as good.
func awaitQuiet(ctx context.Context, client *control.Client) (control.Status, error) {
	status, err := client.AwaitQuiet(ctx)
	if err == nil || ctx.Err() != nil {
		return status, errors.Join(err, ctx.Err())
	}
	if _, again := client.Status(ctx); errors.Is(again, control.ErrNone) {
		return control.Status{Safe: true}, nil
	}
	return status, err
}

// describe is a status in a line.
func describe(s control.Status) string {
	text := "not safe to restart: " + counted(s)
	switch {
	case s.PID == 0:
		return "safe to restart: the server has stopped"
	case s.Safe && s.Draining:
		text = "safe to restart: nobody is in a call, and none can begin"
	case s.Safe:
		text = "safe to restart: nobody is in a call (but new ones may begin)"
	case s.Draining:
		text += "; no new call can begin"
	}
	if s.Until != nil {
		text += "; the server stops by itself, " + s.Until.Local().Format(time.TimeOnly) + " at the latest"
	}
	return text
}

func counted(s control.Status) string {
	people, rooms := "people", "rooms"
	if s.People == 1 {
		people = "person"
	}
	if s.Rooms == 1 {
		rooms = "room"
	}
	return fmt.Sprintf("%d %s in %d %s", s.People, people, s.Rooms, rooms)
}
