// Command shaper shapes the way to a media server for tests that are no Go: shaper [-at ADDRESS] [-seed N] SERVER. It
// prints a line of JSON with the address to announce ("announce") and the URL of [shaper.Shaper.Control] ("control"),
// and works until its standard input ends.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"parley/e2e/shaper"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "shaper:", err)
		os.Exit(1)
	}
}

func run(args []string, until io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("shaper", flag.ContinueOnError)
	at := flags.String("at", "127.0.0.1", "`address` of this machine that clients send to")
	seed := flags.Uint64("seed", 1, "of loss and jitter")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: shaper [-at ADDRESS] [-seed N] SERVER, such as 127.0.0.1:7000")
	}
	server, err := netip.ParseAddrPort(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	address, err := netip.ParseAddr(*at)
	if err != nil {
		return fmt.Errorf("-at: %w", err)
	}
	s, err := shaper.Listen(address, server, *seed)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	listener, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return fmt.Errorf("open the control: %w", err)
	}
	control := &http.Server{Handler: s.Control(), ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = control.Serve(listener) }) // until it is closed
	defer func() {
		_ = control.Close()
		serving.Wait()
	}()
	if err := json.NewEncoder(out).Encode(map[string]string{
		"announce": s.Address().String(), "control": "http://" + listener.Addr().String() + "/",
	}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, until)
	return err
}
