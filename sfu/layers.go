package sfu

import (
	"maps"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"
)

// off lists the encodings that are switched off.
func off(layers map[string]bool) (rids []string) {
	for rid, active := range layers {
		if !active {
			rids = append(rids, rid)
		}
	}
	slices.Sort(rids)
	return rids
}

// switchLayers tells the participant which of its encodings anybody receives, where that has changed. Others are
// switched off after a while: they cost its uplink and its battery.
func (p *Peer) switchLayers(now time.Time) {
	for mid, up := range p.conn.published {
		if up.kind != webrtc.RTPCodecTypeVideo {
			continue
		}
		active, wanted := make(map[string]bool), false
		for _, l := range up.allLayers() {
			active[l.rid] = l.demand.decide(now, l.absent(now))
			wanted = wanted || l.demand.missed(now)
		}
		p.tellLayers(mid, active)
		up.stall(now, wanted)
	}
}

// tellLayers tells the participant which encodings of a line are wanted, if others are switched off than before.
func (p *Peer) tellLayers(mid string, active map[string]bool) {
	former := p.conn.told[mid]
	p.conn.told[mid] = active
	if !slices.Equal(off(active), off(former)) {
		p.deliver(LayersWanted{Mid: mid, Active: active})
	}
}

// wantAll takes back what the participant was told of a line whose track is a new one: of encodings that it leaves out
// nobody would ever learn that they could be had.
func (p *Peer) wantAll(mid string) {
	all := maps.Clone(p.conn.told[mid])
	for rid := range all {
		all[rid] = true
	}
	p.tellLayers(mid, all)
}
