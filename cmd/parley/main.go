// Command parley serves group video calls through an SFU: pages, signalling, media and TURN in one process.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() { os.Exit(execute(run)) }

// execute runs the command line and returns the exit code. The first SIGTERM or SIGINT ends the context that run gets;
// from then on signals have their default effect, so a second one ends the process at once, unless the command does
// something else with it.
func execute(run runFunc) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := newRoot(run).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "parley:", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
		return 1
	}
	return 0
}
