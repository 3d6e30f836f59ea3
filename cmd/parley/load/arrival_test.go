package load

import (
	"testing"
	"time"

	"parley/signaling/client"
)

// newcomer is a participant whose websocket was opened before all time.
func newcomer(options Options) *participant {
	e := newTestEnvironment()
	e.options = options
	p := &participant{env: e, room: &room{}, role: subscriber}
	p.client.Store(new(client.Client))
	return p
}

func TestJoinsAreCountedOnce(t *testing.T) {
	first := time.Time{}.Add(30 * time.Millisecond)
	second := first.Add(5 * time.Second) // on another socket, after a reset
	for name, test := range map[string]struct {
		do   func(*participant)
		want uint64
	}{
		"media first":   {func(p *participant) { p.mediaBegan(first); p.arrived(); p.mediaBegan(second) }, 1},
		"media later":   {func(p *participant) { p.arrived(); p.mediaBegan(first); p.mediaBegan(second) }, 1},
		"reset at once": {func(p *participant) { p.mediaBegan(first); p.mediaBegan(second); p.arrived() }, 1},
		"failed":        {func(p *participant) { p.mediaBegan(first) }, 0},
		"nothing came":  {func(p *participant) { p.arrived() }, 0},
	} {
		p := newcomer(Options{})
		test.do(p)
		if d := p.env.joins.snapshot(); d.total() != test.want || d.quantile(1) > 31*time.Millisecond {
			t.Errorf("%s: %d joins, up to %v", name, d.total(), d.quantile(1))
		}
	}
	p := newcomer(Options{Talking: 1}) // who hears nobody: it is their turn
	p.role = publisher
	p.room.publishing.Store(1)
	p.arrived()
	p.mediaBegan(first)
	p.mediaBegan(second)
	if n := p.env.joins.snapshot().total(); n != 0 {
		t.Errorf("%d joins though there was nothing to expect", n)
	}
}
