package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// goBenchmarks is the scenario that is no scenario.
const goBenchmarks = "benchmarks"

// errNoBenchmark is returned when nothing measures the allocations of forwarding.
var errNoBenchmark = errors.New("no BenchmarkForward* in parley/sfu")

// benchmarks runs the Go benchmarks of the SFU and its parts, prints what they say, and returns the allocations of the
// worst that forwards.
func benchmarks(ctx context.Context, out io.Writer) (*float64, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "./sfu/...")
	cmd.Stdout, cmd.Stderr = io.MultiWriter(out, &said), out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("benchmarks: %w", err)
	}
	return forwardAllocations(&said)
}

// forwardAllocations finds the most allocations among sfu.BenchmarkForward* in what go test printed: allocs/packet
// where a benchmark reports them, for an operation may be many packets.
func forwardAllocations(said io.Reader) (*float64, error) {
	var worst *float64
	var pkg string
	for lines := bufio.NewScanner(said); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 2 && fields[0] == "pkg:" {
			pkg = fields[1]
		}
		if len(fields) < 4 || pkg != "parley/sfu" || !strings.HasPrefix(fields[0], "BenchmarkForward") {
			continue
		}
		figures := make(map[string]float64)
		for i := 2; i+1 < len(fields); i += 2 {
			if n, err := strconv.ParseFloat(fields[i], 64); err == nil {
				figures[fields[i+1]] = n
			}
		}
		n, ok := figures["allocs/packet"]
		if !ok {
			n, ok = figures["allocs/op"]
		}
		if ok && (worst == nil || n > *worst) {
			worst = &n
		}
	}
	if worst == nil {
		return nil, errNoBenchmark
	}
	return worst, nil
}
