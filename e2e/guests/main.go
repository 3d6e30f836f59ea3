// Command guests fills a room with Go clients for the browser tests: guests URL ROOM N. Each publishes a picture and a
// tone. It prints "joined" when all of them are in, and stays until its standard input ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"parley/signaling/client"
)

const patience = time.Minute

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "guests:", err)
		os.Exit(1)
	}
}

func run(args []string, until io.Reader, out io.Writer) error {
	if len(args) != 3 {
		return errors.New("usage: guests URL ROOM N")
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("number of guests: %w", err)
	}
	clients := make([]*client.Client, count)
	errs := make([]error, count)
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() { clients[i], errs[i] = join(args[0], args[1], fmt.Sprint("Guest ", i+1)) })
	}
	wg.Wait()
	defer func() {
		for _, c := range clients {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, "joined"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, until)
	return err
}

// join takes one guest into the room.
func join(url, room, name string) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := client.LogIn(ctx, url, name, name+" of the tests")
	if err != nil {
		return nil, err
	}
	c, err := account.Dial(ctx, room, client.Options{
		Audio: true, Video: true, Features: map[string]any{"audio": true, "video": true},
	})
	if err != nil {
		return nil, err
	}
	return c, c.JoinAndWait(ctx, room)
}
