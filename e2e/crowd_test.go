package e2e

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"parley/e2e/shaper"
	"parley/signaling/client"
)

// startShaped runs a server behind a shaper, which is the only way to its media.
func startShaped(t *testing.T, flags ...string) (*server, *shaper.Shaper) {
	t.Helper()
	media, loopback := freePort(t), netip.AddrFrom4([4]byte{127, 0, 0, 1})
	path, err := shaper.Listen(loopback, netip.AddrPortFrom(loopback, uint16(media)), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = path.Close() })
	flags = append([]string{"--media-port", fmt.Sprint(media), "--turn-port", "0", "--announce", path.Address().String()},
		flags...)
	return launch(t, flags...), path
}

const (
	crowd     = 8
	top       = 2 // the best encoding
	watched   = 10 * time.Second
	settling  = 3 * time.Second
	moreDelay = 30 * time.Millisecond // at the 95th percentile, which a machine at work may add
	maxStall  = 100 * time.Millisecond
	attempts  = 3
)

// TestOneOnABadNetwork has one of eight get no more than 300 kbit/s: the other seven see what they saw before, in the
// same encodings, without freezes, and as fast.
func TestOneOnABadNetwork(t *testing.T) {
	s, path := startShaped(t)
	good := shaper.Path{Up: shaper.Link{Delay: 10}, Down: shaper.Link{Delay: 10}}
	bad := shaper.Path{Up: shaper.Link{Delay: 10}, Down: shaper.Link{Rate: 300_000, Queue: 20_000, Delay: 10}}
	path.SetDefault(good)
	began := time.Now()
	c := &company{viewers: make([]*viewer, crowd)}
	clients := make([]*client.Client, crowd)
	for i := range c.viewers {
		c.viewers[i] = s.viewer(fmt.Sprint("viewer", i), path.Address(), began, i < 2)
		clients[i] = c.viewers[i].Client
	}
	slow := c.viewers[crowd-1]
	shape := func(p shaper.Path) {
		if err := path.Set(slow.port(), p); err != nil {
			t.Fatal(err)
		}
	}
	each(clients, func(_ int, c *client.Client) { join(t, c, "red") })

	// A machine that stops for a while says nothing about the network.
	for attempt := 1; ; attempt++ {
		since := time.Since(began)
		each(clients, func(i int, v *client.Client) {
			await(t, v, "the best pictures of all others", func(client.Snapshot) bool {
				return c.viewers[i].allAt(top, since) == crowd-1
			})
		})
		t.Logf("all are shown the best after %v", (time.Since(began) - since).Round(time.Millisecond))
		stall := watchStalls(t)
		time.Sleep(settling) // what the joins have queued
		c.before = time.Since(began)
		time.Sleep(watched)
		c.change = time.Since(began)
		shape(bad)
		time.Sleep(settling)
		c.slowed = time.Since(began)
		path.Clients(true)
		came, lost := slow.heard()
		time.Sleep(watched)
		c.end = time.Since(began)
		cameThen, lostThen := slow.heard()
		worst := stall()
		t.Logf("the machine stood still for %v at most", worst.Round(time.Millisecond))
		if worst > maxStall && attempt < attempts {
			shape(good)
			continue
		}
		c.check(t)
		c.checkSlow(t, path, cameThen-came, lostThen-lost)
		break
	}

	shape(good)
	freed := time.Since(began)
	await(t, slow.Client, "the best pictures again", func(client.Snapshot) bool {
		return slow.allAt(top, freed) == crowd-1
	})
	t.Logf("it has the best pictures again after %v", (time.Since(began) - freed).Round(time.Millisecond))
}

// company is a room of people of whom the last is on a bad network from some moment on.
type company struct {
	viewers                     []*viewer
	before, change, slowed, end time.Duration // since the test began
}

// watchStalls looks how long the machine lets nobody run. The function that it returns ends that, and tells.
func watchStalls(t *testing.T) func() time.Duration {
	t.Helper()
	done, longest := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		worst, last := time.Duration(0), time.Now()
		beat(10*time.Millisecond, done, func(uint32) {
			worst, last = max(worst, time.Since(last)), time.Now()
		})
		longest <- worst
	}()
	return func() time.Duration {
		close(done)
		return <-longest
	}
}

// check compares what the others saw.
func (c *company) check(t *testing.T) {
	t.Helper()
	for i, v := range c.viewers[:crowd-1] {
		unshaped, shaped := v.views(c.before, c.change), v.views(c.change, c.end)
		for j, other := range c.viewers {
			if i != j {
				compare(t, fmt.Sprintf("%d of %d", i, j), unshaped[name(other.Client)], shaped[name(other.Client)])
			}
		}
	}
}

// compare looks for what has become worse.
func compare(t *testing.T, who string, before, after view) {
	t.Helper()
	switch {
	case before.frames < int(watched.Seconds())*pictureRate*9/10 || before.best() < 0.99 || before.freezes > 0:
		t.Errorf("%s, before: %v", who, before)
	case after.best() < before.best()-0.01:
		t.Errorf("%s, worse pictures: %v, before %v", who, after, before)
	case after.frames < int((settling+watched).Seconds())*pictureRate*9/10 || after.freezes > 0:
		t.Errorf("%s, freezes: %v, before %v", who, after, before)
	case after.delay > before.delay+moreDelay:
		t.Errorf("%s, later: %v, before %v", who, after, before)
	}
}

// checkSlow looks at what becomes of the one at 300 kbit/s: it hears everybody, and what it sees does not queue.
func (c *company) checkSlow(t *testing.T, path *shaper.Shaper, came, lost int) {
	t.Helper()
	slow := c.viewers[crowd-1]
	did, err := path.Client(slow.port())
	if err != nil {
		t.Fatal(err)
	}
	flowing := 0
	for _, w := range slow.views(c.slowed, c.end) {
		if w.frames > 0 {
			flowing++
		}
		t.Logf("at 300 kbit/s: %v", w)
	}
	t.Logf("at 300 kbit/s: %d voices' packets came, %d did not; %+v", came, lost, did.Down)
	if came < 900 || lost*20 > came {
		t.Errorf("at 300 kbit/s %d packets of voices came and %d did not", came, lost)
	}
	if flowing < 2 {
		t.Errorf("at 300 kbit/s %d pictures move", flowing)
	}
	if did.Down.QueueMax > 400 {
		t.Errorf("at 300 kbit/s packets wait up to %v ms", did.Down.QueueMax)
	}
}
