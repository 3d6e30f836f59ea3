package sfu

import (
	"math"
	"time"

	"parley/sfu/alloc"
	"parley/sfu/congestion"
	"parley/sfu/selection"
)

// choice is what a receiver is to get of a track, and what it depends on. It is guarded by the sender's mu.
type choice struct {
	shown  tileSize
	ladder *ladder // that the decision is about
	rung   int     // of it; -1: paused
	layer  *layer  // that the rung is of; nil: paused
	target selection.Target
	told   Quality
	stalls bool      // the publisher was kept from sending when that was told
	paused time.Time // since when nothing flows for want of bandwidth, not told yet
}

// tellPausedAfter is how long a picture must have been paused for want of bandwidth until its receiver is told.
const tellPausedAfter = 300 * time.Millisecond

// tileSize is how a receiver shows a track.
type tileSize struct {
	known  bool
	pixels int
	pinned bool
	hidden time.Time // since when, if it is
}

// await asks for a keyframe of the layer that is chosen, unless d is about to begin with one that came just now.
func (d *downTrack) await(now time.Time) {
	if l := d.choice.layer; l == nil || d.missed(&l.run) && l.run.flows(now) {
		return
	}
	d.choice.request(now)
}

// request asks for a keyframe of the layer that is chosen.
func (c *choice) request(now time.Time) {
	if c.layer != nil {
		c.layer.keyframes.request(now)
	}
}

// release lets go of the layer.
func (c *choice) release(now time.Time) {
	if c.layer != nil {
		c.layer.demand.remove(now)
		c.layer = nil
	}
}

// changed reports whether a ladder leads over other rungs than the former one.
func (b *ladder) changed(former *ladder) bool {
	return b != former && (b == nil || former == nil || b.shape != former.shape)
}

// Squeeze sends all participants less from now on, by the same rule, as the level says; 0 ends that.
func (s *SFU) Squeeze(level alloc.Squeeze) { s.clock.squeeze.Store(int32(level)) }

// review decides anew what each track gets. mu is held.
func (s *sender) review(now time.Time) {
	s.reviewed, s.stale = now, false
	s.inputs = s.inputs[:0]
	for _, d := range s.tracks {
		if d.up.ladder.Load() != nil {
			s.inputs = append(s.inputs, d.input())
		}
	}
	squeeze := alloc.Squeeze(s.clock.squeeze.Load())
	if s.control != nil {
		s.control.Squeeze(squeeze)
		s.decided = s.control.Allocate(now, s.inputs, s.decided)
	} else {
		s.fixed.Squeeze(squeeze)
		s.decided = s.fixed.Allocate(now, math.MaxInt/4, 0, s.inputs, s.decided)
	}
	s.limited = false
	i := 0
	for _, d := range s.tracks {
		if d.choice.ladder == nil || i == len(s.decided) || s.inputs[i].ID != d.id {
			continue
		}
		s.limited = s.limited || s.decided[i].Why == alloc.Bandwidth
		s.decide(now, d, s.decided[i])
		i++
	}
}

// input is what the allocator has to know of a track.
func (d *downTrack) input() alloc.Track {
	c := &d.choice
	c.ladder = d.up.ladder.Load()
	input := alloc.Track{
		ID: d.id, Detail: d.up.source.screen, Shown: alloc.Unlimited, Rungs: c.ladder.rungs,
		Current: c.ladder.find(d.selector.Current()),
	}
	if c.shown.known {
		input.Shown = c.shown.pixels
	}
	switch {
	case d.up.source.screen:
		input.Priority = alloc.Screen
	case c.shown.pinned:
		input.Priority = alloc.Pinned
	case d.up.speaks():
		input.Priority = alloc.Speaker
	}
	return input
}

// decide has a track get what was decided. mu is held.
func (s *sender) decide(now time.Time, d *downTrack, decision alloc.Decision) {
	c := &d.choice
	var target selection.Target
	var l *layer
	if decision.Rung >= 0 {
		at := c.ladder.steps[decision.Rung]
		target, l = at.target, at.layer
		// What is shown smaller goes on until the smaller picture comes; what there is far too little bandwidth for does not.
		target.Hold = decision.Hold || decision.Why != alloc.Bandwidth || !s.lower(d, decision)
	}
	c.rung = decision.Rung
	if l != c.layer {
		if !target.Hold {
			s.flush(d)
		}
		if l != nil && l.demand.add() {
			d.up.wake()
		}
		c.release(now)
		c.layer = l
	}
	if target != c.target {
		c.target = target
		d.selector.SetTarget(target)
		if _, waits := d.selector.Waiting(); waits && d.open && d != s.forwarding {
			d.await(now) // it is repeated as long as none comes
		}
	}
	s.report(now, d, decision)
}

// lower reports whether a decision is for a smaller picture than the one that flows.
func (s *sender) lower(d *downTrack, decision alloc.Decision) bool {
	current := d.choice.ladder.find(d.selector.Current())
	return current >= 0 && d.choice.ladder.steps[decision.Rung].tier < d.choice.ladder.steps[current].tier
}

// report tells the receiver what it gets of a track, if that has changed.
func (s *sender) report(now time.Time, d *downTrack, decision alloc.Decision) {
	if !d.open || len(d.choice.ladder.rungs) == 0 {
		return
	}
	quality := Quality{
		Publisher: d.up.publisher, Screen: d.up.source.screen, Layer: -1, Layers: d.choice.ladder.tiers,
		Why: d.up.why(decision.Why),
	}
	if decision.Rung >= 0 {
		at := d.choice.ladder.steps[decision.Rung]
		quality.Layer, quality.Width, quality.Height = at.tier, at.width, at.height
	}
	if d.choice.stalls = d.up.stalled.Load(); d.choice.stalls && (quality.Layer >= 0 || quality.Why != ForChoice) {
		quality.Layer, quality.Width, quality.Height, quality.Why = -1, 0, 0, d.up.why(alloc.Free)
	}
	if quality.Layer < 0 && quality.Why == ForBandwidth && d.choice.told.Layer >= 0 {
		// While a queue drains, pictures pause for a moment. That is not worth telling.
		if d.choice.paused.IsZero() {
			d.choice.paused = now
		}
		if now.Sub(d.choice.paused) < tellPausedAfter {
			return
		}
	}
	d.choice.paused = time.Time{}
	if quality != d.choice.told {
		d.choice.told = quality
		var state congestion.State
		if s.control != nil {
			state = s.control.State()
		}
		s.tell(d.up, quality, state)
	}
}

// why puts the reasons of allocator and publisher together.
func (t *upTrack) why(of alloc.Why) Why {
	switch of {
	case alloc.Bandwidth:
		return ForBandwidth
	case alloc.Choice:
		return ForChoice
	case alloc.Server:
		return ForServer
	default:
		if limited := t.limited.Load(); limited != nil {
			return *limited
		}
		return Unlimited
	}
}
