// Run measures Parley against the targets that it has to meet: the Go benchmarks of its pure parts, then the whole
// server on one core with `parley load` on another, in turn with a stock forwarder (bench/stock) and with the least
// that the same packets can cost (bench/floor). It prints a table of targets and exits with status 1 where one is
// missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errMissed is returned when a target is missed.
var errMissed = errors.New("a target is missed")

// errUsage is returned for flags that make no sense.
var errUsage = errors.New("bad flags")

// Options say what to measure, and how long.
type Options struct {
	Scenarios []string // all if empty
	Runs      int
	Quick     bool // few people and short windows: shows that it works, and nothing about the targets
	Warmup    time.Duration
	Duration  time.Duration // of each measurement
	ServerCPU int           // negative: any
	LoadCPU   int
	Packing   float64 // of the floor where the server's metrics do not tell
	Also      []Watched

	Parley, Stock, Floor string // binaries, built if empty
	Benchmarks           bool   // run the Go benchmarks

	JSON  string // result file, none if empty
	Add   bool   // keep what the result file has of other scenarios
	Plots bool   // write docs/performance
	Docs  string // directory of performance.md
}

// Watched is a process that is not ours, watched while ours are measured.
type Watched struct {
	Name string
	PID  int
}

func parseFlags(args []string, out io.Writer) (Options, bool, error) {
	o := Options{}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(out)
	scenario := flags.String("scenario", "", "comma-separated scenarios, all if empty; `list` lists them")
	flags.IntVar(&o.Runs, "runs", 0, "times that each is measured; 0: 5, or 2 with -quick")
	flags.BoolVar(&o.Quick, "quick", false, "few people and short windows, to see that it works")
	flags.DurationVar(&o.Warmup, "warmup", 0, "before each measurement; 0: 3 s, or 500 ms with -quick")
	flags.DurationVar(&o.Duration, "duration", 0, "of each measurement; 0: 8 s, or 1 s with -quick")
	flags.IntVar(&o.ServerCPU, "server-cpu", 0, "CPU of the servers; negative: any")
	flags.IntVar(&o.LoadCPU, "load-cpu", 1, "CPU of the load; negative: any")
	flags.Float64Var(&o.Packing, "packing", 4, "packets per message of the floor where the server's metrics do not tell")
	flags.Func("also-pid", "`NAME=PID` of a process to watch meanwhile; may be repeated", func(s string) error {
		name, number, ok := strings.Cut(s, "=")
		pid, err := strconv.Atoi(number)
		if !ok || name == "" || err != nil || pid <= 0 {
			return fmt.Errorf("%w: not NAME=PID", errUsage)
		}
		o.Also = append(o.Also, Watched{name, pid})
		return nil
	})
	flags.StringVar(&o.Parley, "parley", "", "binary to measure, instead of building bin/parley")
	flags.StringVar(&o.Stock, "stock", "", "binary, instead of building bench/stock")
	flags.StringVar(&o.Floor, "floor", "", "binary, instead of building bench/floor")
	flags.BoolVar(&o.Benchmarks, "benchmarks", true, "run the Go benchmarks of sfu/... first")
	flags.StringVar(&o.JSON, "json", "bin/bench.json", "result file, none if empty")
	flags.BoolVar(&o.Add, "add", false, "keep what the result file has of scenarios that are not measured now")
	flags.BoolVar(&o.Plots, "plots", false, "write the figures of docs/performance.md, and the plots beside it")
	flags.StringVar(&o.Docs, "docs", "docs", "directory of performance.md")
	only := flags.Bool("only-report", false, "measure nothing, report on the result file")
	if err := flags.Parse(args); err != nil {
		return o, false, err
	}
	o.defaults()
	if *scenario != "" {
		o.Scenarios = strings.Split(*scenario, ",")
	}
	if flags.NArg() > 0 || o.Runs < 1 || *only && o.JSON == "" {
		return o, false, fmt.Errorf("%w: %s", errUsage, strings.Join(args, " "))
	}
	return o, *only, nil
}

// defaults fills in what depends on Quick.
func (o *Options) defaults() {
	runs, warmup, duration := 5, 3*time.Second, 8*time.Second
	if o.Quick {
		runs, warmup, duration = 2, 500*time.Millisecond, time.Second
	}
	if o.Runs == 0 {
		o.Runs = runs
	}
	if o.Warmup == 0 {
		o.Warmup = warmup
	}
	if o.Duration == 0 {
		o.Duration = duration
	}
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	o, only, err := parseFlags(os.Args[1:], os.Stderr)
	if err == nil {
		err = run(ctx, o, only, os.Stdout)
	}
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "run:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, o Options, only bool, out io.Writer) error {
	if slices.Equal(o.Scenarios, []string{"list"}) {
		for _, s := range scenarios() {
			fmt.Fprintf(out, "%-10s %s\n", s.name, s.about)
		}
		return nil
	}
	chosen, err := choose(o.Scenarios)
	if err != nil {
		return err
	}
	result := newResult(o)
	if only || o.Add {
		if err := result.readFile(o.JSON); err != nil && (only || !errors.Is(err, os.ErrNotExist)) {
			return err
		}
	}
	if !only {
		if err := measureAll(ctx, o, chosen, result, out); err != nil {
			return err
		}
	}
	result.Rows = result.judge()
	if o.JSON != "" && !only {
		if err := result.writeFile(o.JSON); err != nil {
			return err
		}
	}
	writeRows(out, result.Rows)
	if o.Plots {
		if err := writeDocument(o.Docs, result); err != nil {
			return err
		}
	}
	for _, row := range result.Rows {
		if !row.Pass {
			return errMissed
		}
	}
	return nil
}

// measureAll fills in the result. A scenario that cannot be measured is reported as missed, the others go on.
func measureAll(ctx context.Context, o Options, chosen []scenario, result *Result, out io.Writer) error {
	if o.Benchmarks {
		measured := Scenario{}
		allocations, err := benchmarks(ctx, out)
		if err != nil {
			fmt.Fprintf(out, "%v\n", err)
			measured.Error = err.Error()
		}
		result.Allocations, result.Scenarios[goBenchmarks] = allocations, measured
	}
	if err := build(ctx, &o, out); err != nil {
		return err
	}
	b := &bench{Options: o, out: out}
	for _, s := range chosen {
		fmt.Fprintf(out, "\n%s: %s\n", s.name, s.about)
		points, err := s.measure(ctx, b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		scenario := Scenario{Points: points}
		if err != nil {
			fmt.Fprintf(out, "  %v\n", err)
			scenario.Error = err.Error()
		}
		result.Scenarios[s.name] = scenario
		if o.JSON != "" { // what there is, should it be broken off
			if err := result.writeFile(o.JSON); err != nil {
				return err
			}
		}
	}
	return nil
}

// build makes the binaries that were not given.
func build(ctx context.Context, o *Options, out io.Writer) error {
	for _, binary := range []struct {
		path *string
		name string
		pkg  string
	}{
		{&o.Parley, "parley", "./cmd/parley"},
		{&o.Stock, "bench-stock", "./bench/stock"},
		{&o.Floor, "bench-floor", "./bench/floor"},
	} {
		if *binary.path != "" {
			continue
		}
		*binary.path = filepath.Join("bin", binary.name)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", *binary.path, binary.pkg) //nolint:gosec // ours
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %s (from the top of the tree, after make build): %w", binary.pkg, err)
		}
	}
	return nil
}
