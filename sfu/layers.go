package sfu

import (
	"maps"
	"time"
)

// maxTiles bounds what a participant may say of how it shows the others.
const maxTiles = 2048

// tileKey is a picture of somebody.
type tileKey struct {
	publisher string
	screen    bool
}

// allActive reports whether nothing is switched off.
func allActive(layers map[string]bool) bool {
	for _, active := range layers {
		if !active {
			return false
		}
	}
	return true
}

// look takes how the participant shows a picture.
func (p *Peer) look(tile Tile) {
	key := tileKey{tile.Publisher, tile.Screen}
	if _, known := p.tiles[key]; !known && len(p.tiles) >= maxTiles {
		maps.DeleteFunc(p.tiles, func(key tileKey, _ tileSize) bool { return !p.room.has(key.publisher) })
		if len(p.tiles) >= maxTiles {
			return
		}
	}
	p.tiles[key] = tileSize{known: true, pixels: max(0, tile.Width) * max(0, tile.Height), pinned: tile.Pinned}
}

// shown is how the participant shows a track.
func (p *Peer) shown(up *upTrack) tileSize { return p.tiles[tileKey{up.publisher, up.source.screen}] }

// switchLayers tells the participant which of its encodings anybody receives, where that has changed. Others are
// switched off after a while: they cost its uplink and its battery.
func (p *Peer) switchLayers(now time.Time) {
	for mid, up := range p.conn.published {
		active := make(map[string]bool)
		for _, l := range up.allLayers() {
			if l.isVideo() {
				active[l.rid] = l.demand.decide(now, l.absent())
			}
		}
		if !maps.Equal(active, up.told) {
			first := up.told == nil
			up.told = active
			if !first || !allActive(active) {
				p.deliver(LayersWanted{Mid: mid, Active: active})
			}
		}
	}
}
