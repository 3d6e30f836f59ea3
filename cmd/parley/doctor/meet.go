package doctor

import (
	"context"
	"crypto/rand"
	"net/netip"
	"strings"
	"sync"

	"parley/signaling/client"
)

const (
	aboutCalls = "call"
	atOnce     = 2 // calls: more would disturb a small server
)

// newRoom names a room that nobody else is in.
func newRoom() string { return "doctor-" + strings.ToLower(rand.Text()[:10]) }

// logIn logs two people in. They have the same names each time, since a server remembers everybody.
func (v *venue) logIn(ctx context.Context, login client.Login) error {
	for i, name := range []string{"Doctor A", "Doctor B"} {
		login.ScreenName, login.Name = name, "Parley "+name
		account, err := login.Do(ctx)
		if err != nil {
			return err
		}
		v.accounts[i] = account
	}
	return nil
}

// calls has one call by each path, several at once unless all have to be in one room, and tells what came of them in
// the order of the paths.
func calls(ctx context.Context, v *venue, by []path, tell func(outcome)) {
	results := make([]chan outcome, len(by))
	for i := range results {
		results[i] = make(chan outcome, 1)
	}
	next := make(chan int)
	var running sync.WaitGroup
	defer running.Wait()
	workers := atOnce
	if v.room != "" {
		workers = 1
	}
	for range workers {
		running.Go(func() {
			for i := range next {
				results[i] <- v.call(ctx, by[i])
			}
		})
	}
	running.Go(func() {
		defer close(next)
		for i := range by {
			next <- i
		}
	})
	for i := range by {
		tell(<-results[i])
	}
}

// callTo has a call over UDP to one announced address, as it is announced.
func (v *venue) callTo(ctx context.Context, announced netip.AddrPort) error {
	there := *v
	there.only, there.moved, there.patience = announced, nil, nearWait
	return there.call(ctx, path{name: "UDP", network: "udp"}).err
}
