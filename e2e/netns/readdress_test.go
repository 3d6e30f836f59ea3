package netns

import "testing"

// TestServerMoves gives the running server another address in place of its own: who joins then reaches its media there.
func TestServerMoves(t *testing.T) {
	l := build(t, place{nats: []nat{symmetric}})
	s := l.serve(serving{})
	people := []*participant{l.call(l.other, s, "Olga", ""), l.call(l.guest, s, "Gina", "")}
	flows("media at the first address", arrival, people...)
	for _, p := range people {
		p.leave()
	}
	l.moveServer("203.0.113.20")
	s.await(t, "addresses changed")
	moved := []*participant{l.call(l.other, s, "Otto", ""), l.call(l.guest, s, "Gaby", "")}
	flows("media at the second address", arrival, moved...)
	for _, p := range moved {
		if seen, _ := p.last(); seen.Path != DirectUDP {
			t.Errorf("%s is over %q", p.name, seen.Path)
		}
	}
}
