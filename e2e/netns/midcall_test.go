package netns

import (
	"testing"
	"time"
)

// comeback is how long a call may be without pictures when its path has died.
const comeback = 10 * time.Second

// TestUDPCutInMidCall lets a router drop all UDP of a call that goes over it: the page restarts ICE, and the media
// comes back another way.
func TestUDPCutInMidCall(t *testing.T) {
	l := build(t, place{nats: []nat{symmetric}})
	s := l.serve(serving{})
	olga, cora := l.call(l.other, s, "Olga", ""), l.browse(l.guest, s, "Cora")
	flows("media of both", arrival, olga, cora)
	if seen, _ := cora.last(); seen.Path != DirectUDP {
		t.Fatalf("Cora is over %q", seen.Path)
	}
	cut := time.Now()
	l.edge.sh(string(noUDP))
	cora.awaitState("another way", arrival, func(s State) bool { return s.Path != DirectUDP && s.Path != "" })
	flows("media of both, another way", arrival, olga, cora)
	seen, _ := cora.last()
	received, sent := cora.gap(olga.name, cut), olga.gap(cora.name, cut)
	t.Logf("over %s, connection %d; without pictures for %v, seen by others after %v",
		seen.Path, seen.Connections, received.Round(100*time.Millisecond), sent.Round(100*time.Millisecond))
	if max(received, sent) > comeback {
		t.Errorf("the media was away for %v", max(received, sent))
	}
}
