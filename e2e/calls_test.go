package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/signaling/client"
)

// everything is what a participant with camera and microphone publishes.
func everything() client.Options {
	return client.Options{Audio: true, Video: true, Features: map[string]any{"video": true, "audio": true}}
}

// guests are n clients that publish everything, every other with simulcast.
func (s *server) guests(n int) []*client.Client {
	clients := make([]*client.Client, n)
	for i := range clients {
		options := everything()
		options.Simulcast = i%2 == 1
		clients[i] = s.guest(fmt.Sprint("guest", i), options)
	}
	return clients
}

// each runs f for all clients at once.
func each(clients []*client.Client, f func(i int, c *client.Client)) {
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { f(i, c) })
	}
	wg.Wait()
}

func name(c *client.Client) string { return c.Snapshot().ChannelName }

func from(c *client.Client, kind string) client.Source {
	return client.Source{ChannelName: name(c), Kind: kind}
}

// allFlow checks that from now on everybody gets media of everybody else, and that nobody else is there.
func allFlow(t *testing.T, clients []*client.Client, kinds ...string) {
	t.Helper()
	each(clients, func(i int, c *client.Client) {
		before := c.Snapshot().Received
		await(t, c, "media of all others", func(seen client.Snapshot) bool {
			if len(seen.People) != len(clients)-1 {
				return false
			}
			for j, other := range clients {
				for _, kind := range kinds {
					source := from(other, kind)
					now := seen.Received[source]
					if i != j && (now.Packets < before[source].Packets+10 || kind == "video" && now.Keyframes == 0) {
						return false
					}
				}
			}
			return true
		})
	})
}

func TestCallsOfAllSizes(t *testing.T) {
	for _, n := range []int{2, 3, 12} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := start(t)
			s.t = t
			clients := s.guests(n)
			each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
			allFlow(t, clients, "audio", "video")
			for i, c := range clients {
				seen := c.Snapshot()
				if seen.Resets != 0 || len(seen.Errors) != 0 {
					t.Errorf("guest %d: %s", i, describe(seen))
				}
				for j, other := range clients {
					if i == j {
						continue
					}
					if audio := seen.Received[from(other, "audio")]; audio.Level != 21 || audio.Bytes < audio.Packets*40 {
						t.Errorf("guest %d hears of %d %+v", i, j, audio)
					}
					await(t, c, "features", func(seen client.Snapshot) bool {
						return strings.Contains(string(seen.Features[name(other)]), `"video":true`)
					})
				}
				if own := seen.Received[from(c, "audio")]; own.Packets != 0 {
					t.Errorf("guest %d hears itself", i)
				}
			}
		})
	}
}

func TestLeaving(t *testing.T) {
	s := start(t)
	stayers := s.guests(2)
	each(stayers, func(_ int, c *client.Client) { join(t, c, "red") })
	for what, leave := range map[string]func(c *client.Client){
		"hang-up":      (*client.Client).Hangup,
		"close":        func(c *client.Client) { _ = c.Close() },
		"lost socket":  (*client.Client).Abandon,
		"another room": func(c *client.Client) { join(t, c, "blue") },
	} {
		leaver := s.guest("leaver", everything())
		join(t, leaver, "red")
		allFlow(t, append(slices.Clone(stayers), leaver), "audio", "video")
		leave(leaver)
		for _, c := range stayers {
			await(t, c, what, func(seen client.Snapshot) bool { return len(seen.People) == 1 })
		}
		silent(t, stayers, leaver)
		allFlow(t, stayers, "audio", "video")
	}
}

// silent checks that nothing of c arrives any more.
func silent(t *testing.T, clients []*client.Client, c *client.Client) {
	t.Helper()
	audio := func(seen client.Snapshot) int64 { return seen.Received[from(c, "audio")].Packets }
	for _, other := range clients {
		last, since := int64(-1), time.Now()
		await(t, other, "silence", func(seen client.Snapshot) bool {
			if n := audio(seen); n != last {
				last, since = n, time.Now()
			}
			return time.Since(since) > 300*time.Millisecond // 15 frames
		})
	}
}

func TestRoomsNeverMix(t *testing.T) {
	s := start(t)
	clients := s.guests(6)
	rooms := [][]*client.Client{clients[:3], clients[3:]}
	for round := range 3 {
		for i, room := range rooms {
			each(room, func(_ int, c *client.Client) { join(t, c, []string{"red", "blue"}[i]) })
		}
		for i, room := range rooms {
			allFlow(t, room, "audio", "video")
			for _, c := range rooms[1-i] {
				silent(t, room, c)
			}
			for _, c := range room {
				for _, other := range rooms[1-i] {
					if _, told := c.Snapshot().People[name(other)]; told {
						t.Errorf("round %d: told of somebody in another room", round)
					}
				}
			}
		}
		rooms[0][round], rooms[1][round] = rooms[1][round], rooms[0][round]
	}
}

// maxRounds is how many offers a join of 20 at once may cost each.
const maxRounds = 8

func TestTwentyAtOnce(t *testing.T) {
	s := start(t)
	clients := make([]*client.Client, 20)
	for i := range clients {
		clients[i] = s.guest(fmt.Sprint("guest", i), client.Options{Audio: true, Video: i < 6})
	}
	each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
	allFlow(t, clients, "audio")
	var rounds []int
	for _, c := range clients {
		for _, publisher := range clients[:6] {
			if c != publisher {
				await(t, c, "video", func(seen client.Snapshot) bool { return seen.Received[from(publisher, "video")].Packets > 0 })
			}
		}
		seen := c.Snapshot()
		rounds = append(rounds, seen.Offers)
		if seen.Offers > maxRounds || seen.Resets != 0 {
			t.Errorf("%d offers, %d resets", seen.Offers, seen.Resets)
		}
	}
	t.Logf("offers to each: %v", rounds)
}

// TestJoinsAndLeaves lets people come and go beside some who stay: the description of those who stay is, in
// the end, no larger than when as many were there for the first time.
func TestJoinsAndLeaves(t *testing.T) {
	const churners = 5
	joins := loops(t, "JOINS", 100)
	s := start(t)
	stayers := s.guests(2)
	clients := append(slices.Clone(stayers), make([]*client.Client, churners)...)
	for i := range churners {
		clients[2+i] = s.guest(fmt.Sprint("churner", i), everything())
	}
	each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
	allFlow(t, clients, "audio", "video")
	first := stayers[0].Snapshot()

	each(clients[2:], func(i int, c *client.Client) {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		for range joins / churners {
			c.Hangup()
			if rng.IntN(2) == 0 {
				await(t, c, "the hang-up", func(seen client.Snapshot) bool { return seen.Room == "" })
			}
			before := c.Snapshot().Received[from(stayers[0], "audio")].Packets
			join(t, c, "red")
			await(t, c, "a voice", func(seen client.Snapshot) bool { // and 200 ms: faster would be a flood
				return seen.Received[from(stayers[0], "audio")].Packets > before+10
			})
		}
	})
	allFlow(t, clients, "audio", "video")
	last := stayers[0].Snapshot()
	t.Logf("first %d bytes, after %d offers %d", first.OfferBytes, last.Offers, last.OfferBytes)
	if last.OfferBytes > first.OfferBytes+first.OfferBytes/50 {
		t.Errorf("the description has grown from %d to %d bytes", first.OfferBytes, last.OfferBytes)
	}
	for _, c := range stayers {
		if seen := c.Snapshot(); seen.Resets != 0 || len(seen.Errors) != 0 {
			t.Errorf("one who stayed: %s", describe(seen))
		}
	}
}

func TestResetsAtRandom(t *testing.T) {
	s := start(t)
	clients := s.guests(4)
	each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
	each(clients, func(i int, c *client.Client) {
		rng := rand.New(rand.NewPCG(2, uint64(i)))
		for n := range 8 {
			c.Reset()
			await(t, c, "the reset", func(seen client.Snapshot) bool { return seen.Resets > n })
			if rng.IntN(2) == 0 {
				await(t, c, "the connection", func(seen client.Snapshot) bool { return seen.Connection == "connected" })
			}
		}
	})
	allFlow(t, clients, "audio", "video")
}

func TestRelayOnly(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			s := start(t)
			s.t = t
			options := everything()
			options.RelayOnly = true
			options.ICEServer = func(url string) bool {
				return strings.HasPrefix(url, "turn:") && strings.HasSuffix(url, "transport="+transport)
			}
			clients := []*client.Client{s.guest("ann", options), s.guest("bob", options), s.guest("cid", everything())}
			each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
			allFlow(t, clients, "audio", "video")
			for _, c := range clients[:2] {
				if path := c.Snapshot().LocalPath; path != "relay udp" {
					t.Errorf("over %s", path)
				}
			}
		})
	}
}

func TestRelayedCallOutlivesItsCredentials(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 30 s")
	}
	t.Parallel() // it waits, as the other that is
	s := start(t, "--turn-credential-lifetime", "5s")
	options := everything()
	options.RelayOnly = true
	clients := []*client.Client{s.guest("ann", options), s.guest("bob", options)}
	each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
	for began := time.Now(); time.Since(began) < 30*time.Second; {
		allFlow(t, clients, "audio", "video")
	}
	for _, c := range clients {
		if seen := c.Snapshot(); seen.Resets != 0 || seen.LocalPath != "relay udp" {
			t.Errorf("%s", describe(seen))
		}
	}
}
