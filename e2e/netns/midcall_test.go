package netns

import (
	"testing"
	"time"
)

// comeback is how long a call may be without pictures when its path has died.
const comeback = 10 * time.Second

// TestUDPCutInMidCall lets a router drop all UDP of a call that goes over it: the media comes back another way.
func TestUDPCutInMidCall(t *testing.T) {
	l := build(t, place{nats: []nat{symmetric}})
	s := l.serve(serving{})
	olga := l.call(l.other, s, "Olga", "")
	guests := []*participant{l.call(l.guest, s, "Gina", ""), l.browse(l.guest, s, "Cora")}
	people := append([]*participant{olga}, guests...)
	flows("media of all", arrival, people...)
	for _, p := range guests {
		if seen, _ := p.last(); seen.Path != DirectUDP {
			t.Fatalf("%s is over %q", p.name, seen.Path)
		}
	}
	cut := time.Now()
	l.edge.sh(string(noUDP))
	for _, p := range guests {
		p.awaitState("another way", arrival, func(s State) bool { return s.Path != DirectUDP && s.Path != "" })
	}
	flows("media of all, another way", arrival, people...)
	for _, p := range guests {
		seen, _ := p.last()
		received, sent := p.gap(olga.name, cut), olga.gap(p.name, cut)
		t.Logf("%s: over %s, connection %d; without pictures for %v, seen by others after %v",
			p.name, seen.Path, seen.Connections, received.Round(100*time.Millisecond), sent.Round(100*time.Millisecond))
		if max(received, sent) > comeback {
			t.Errorf("the media of %s was away for %v", p.name, max(received, sent))
		}
	}
}
