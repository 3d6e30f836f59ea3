package netns

import (
	"slices"
	"testing"
	"time"
)

// arrival is how long the first media may take, gathering and failed attempts included.
const arrival = 40 * time.Second

// way is a network, and how media finds through it.
type way struct {
	name string
	place
	flags   []string // of the server
	via     string   // the guest is to use nothing else
	paths   []string // one of which is in use in the end
	browser bool     // a Chromium comes too
}

func ways() []way {
	announced := []string{"--announce", serverAddress}
	return []way{
		{name: "full cone", place: place{nats: []nat{fullCone}}, paths: []string{DirectUDP}},
		{name: "symmetric", place: place{nats: []nat{symmetric}}, paths: []string{DirectUDP}, browser: true},
		{name: "two NATs", place: place{nats: []nat{symmetric, symmetric}}, paths: []string{DirectUDP}},
		{name: "IPv6 only", place: place{ipv6: true}, paths: []string{DirectUDP}, browser: true},
		{
			name: "UDP blocked", place: place{nats: []nat{symmetric}, firewall: noUDP},
			paths: []string{DirectTCP, TURNTCP}, browser: true,
		},
		{
			name: "443 only", place: place{nats: []nat{symmetric}, firewall: only443},
			paths: []string{DirectTCP, TURNTLS}, browser: true,
		},
		{name: "TLS only", place: place{nats: []nat{symmetric}, firewall: onlyTLS}, paths: []string{TURNTLS}},
		{name: "server behind 1:1 NAT", place: place{server: oneToOne}, flags: announced, paths: []string{DirectUDP}},
		{
			name: "server behind 1:1 NAT, media port closed", place: place{server: oneToOne, closed: string(noMedia)},
			flags: announced, paths: []string{TURNUDP},
		},
		{
			name: "server behind 1:1 NAT, UDP blocked", place: place{server: oneToOne, firewall: noUDP},
			flags: announced, paths: []string{DirectTCP, TURNTCP},
		},
		{
			name: "ports forwarded to the server", place: place{nats: []nat{symmetric}, server: forwarded},
			flags: []string{"--announce", serverAddress + ":" + forwardedPort}, paths: []string{DirectUDP},
		},
		{name: "TURN over UDP", place: place{nats: []nat{symmetric}}, via: TURNUDP, paths: []string{TURNUDP}},
		{name: "TURN over TCP", place: place{nats: []nat{symmetric}}, via: TURNTCP, paths: []string{TURNTCP}},
		{name: "TURN over TLS", place: place{nats: []nat{symmetric}}, via: TURNTLS, paths: []string{TURNTLS}},
	}
}

// TestEveryWayIn has a guest in each network call somebody elsewhere, and both receive.
func TestEveryWayIn(t *testing.T) {
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			if !way.browser { // one browser at a time
				t.Parallel()
			}
			l := build(t, way.place)
			s := l.serve(serving{flags: way.flags})
			people := []*participant{l.call(l.other, s, "Olga", ""), l.call(l.guest, s, "Gina", way.via)}
			flows("media of both", arrival, people...)
			guests := people[1:]
			if way.browser {
				people = append(people, l.browse(l.guest, s, "Cora"))
				guests = people[1:]
				flows("media of all", arrival, people...)
			}
			for _, p := range guests {
				seen, _ := p.last()
				t.Logf("%s: over %s, connected after %v", p.name, seen.Path, p.joined())
				if !slices.Contains(way.paths, seen.Path) || seen.Connections != 1 {
					t.Errorf("%s, connection %d, is over %q, not %q", p.name, seen.Connections, seen.Path, way.paths)
				}
			}
		})
	}
}
