package sfu

import (
	"fmt"

	"parley/sfu/congestion"
)

// Inspector looks at what is decided about what goes down to a participant.
type Inspector struct{ sender *sender }

// Given is what was decided for one video.
type Given struct {
	Publisher, RID string // no rid: paused
	Temporal       int
}

type inspected struct{ found chan<- *sender }

func (a inspected) do(p *Peer) error {
	a.found <- p.conn.sender
	return nil
}

// Inspect returns the inspector of the connection that there is now.
func (p *Peer) Inspect() Inspector {
	found := make(chan *sender, 1)
	p.post(inspected{found})
	return Inspector{<-found}
}

// State is what the congestion control believes and gives.
func (i Inspector) State() (state congestion.State, given []Given) {
	s := i.sender
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.tracks {
		if d.up.ladder.Load() == nil {
			continue
		}
		g := Given{Publisher: d.up.publisher}
		if c := &d.choice; c.layer != nil {
			g.RID, g.Temporal = c.layer.rid, int(c.target.Temporal)
		}
		given = append(given, g)
	}
	return s.control.State(), given
}

// Describe is for a trace: the ladders and what was decided.
func (i Inspector) Describe() string {
	s := i.sender
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("%+v limited %v driven %v", s.control.State(), s.limited, s.driven)
	for _, d := range s.tracks {
		ladder := d.up.ladder.Load()
		if ladder == nil {
			continue
		}
		text += fmt.Sprintf("\n  %s: chose %d, flows %d, shown %+v",
			d.up.publisher, d.choice.rung, ladder.find(d.selector.Current()), d.choice.shown)
		for i, r := range ladder.rungs {
			text += fmt.Sprintf(" %s%d=%d", ladder.steps[i].layer.rid, r.Temporal, r.Bitrate/1000)
		}
	}
	return text
}
