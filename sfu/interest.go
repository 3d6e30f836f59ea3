package sfu

import (
	"maps"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	// maxTiles bounds what a participant may say of how it shows the others.
	maxTiles = 2048

	// outOfSight is how long a picture that is hidden stays in the description: who turns back sees it at once.
	outOfSight = 3 * time.Second
	// maxHidden is how many may, beside as many as are shown.
	maxHidden = 16
)

// interest is what a participant wants of what the others publish. It is owned by the peer's loop.
type interest struct {
	others  map[tileKey][]*upTrack // what they publish
	tiles   map[tileKey]tileSize   // as the participant shows them
	only    bool                   // pictures that it never mentioned are left out
	guessed []tileKey              // of tiles: what nobody has said yet
	slots   []*upTrack             // in place of the others' microphones
	voices  bool                   // it has asked for slots, be it for none
}

// tileKey is a picture of somebody.
type tileKey struct {
	publisher string
	screen    bool
}

func newInterest() interest {
	return interest{others: make(map[tileKey][]*upTrack), tiles: make(map[tileKey]tileSize)}
}

func keyOf(up *upTrack) tileKey { return tileKey{up.publisher, up.source.screen} }

// wants reports whether a track is to be described to the participant.
func (i *interest) wants(up *upTrack) bool {
	switch {
	case up.microphone != nil:
		return !i.voices
	case up.kind != webrtc.RTPCodecTypeVideo || !i.only:
		return true
	}
	return i.tiles[keyOf(up)].pixels > 0
}

// discover takes in what somebody else has published.
func (p *Peer) discover(up *upTrack) {
	key := keyOf(up)
	p.interest.others[key] = append(p.interest.others[key], up)
	if p.interest.wants(up) {
		p.conn.lines.want(up)
	}
}

// lose is called when that has ended.
func (p *Peer) lose(up *upTrack) {
	key := keyOf(up)
	left := slices.DeleteFunc(p.interest.others[key], func(other *upTrack) bool { return other == up })
	if p.interest.others[key] = left; len(left) == 0 {
		delete(p.interest.others, key)
	}
	p.conn.lines.unwant(up)
}

// see takes how the participant shows the others. What comes into view is subscribed to at once.
func (p *Peer) see(tiles []Tile, only *bool, now time.Time) {
	for _, tile := range tiles {
		p.look(tile, now)
	}
	if len(tiles) > 0 {
		p.takeGuessBack(tiles)
	}
	if only != nil && *only != p.interest.only {
		p.interest.only = *only
		p.chooseAll()
	} else if p.interest.only {
		for _, tile := range tiles {
			p.choose(p.interest.others[tileKey{tile.Publisher, tile.Screen}])
		}
		p.loseSight(now)
	}
	p.conn.sender.show(now, p.shown)
}

// look takes how the participant shows a picture.
func (p *Peer) look(tile Tile, now time.Time) {
	key := tileKey{tile.Publisher, tile.Screen}
	former, known := p.interest.tiles[key]
	if !known && len(p.interest.tiles) >= maxTiles {
		maps.DeleteFunc(p.interest.tiles, func(key tileKey, _ tileSize) bool { return !p.room.has(key.publisher) })
		if len(p.interest.tiles) >= maxTiles {
			return
		}
	}
	size := tileSize{known: true, pixels: max(0, tile.Width) * max(0, tile.Height), pinned: tile.Pinned}
	if size.pixels == 0 {
		if size.hidden = former.hidden; size.hidden.IsZero() {
			size.hidden = now
		}
	}
	p.interest.tiles[key] = size
}

// shown is how the participant shows a track.
func (p *Peer) shown(up *upTrack) tileSize {
	size := p.interest.tiles[keyOf(up)]
	if p.interest.only { // what was not mentioned has been taken out of the description, or is about to be
		size.known = true
	}
	return size
}

// chooseAll wants what is of interest of all tracks.
func (p *Peer) chooseAll() {
	var tracks []*upTrack
	for _, group := range p.interest.others {
		tracks = append(tracks, group...)
	}
	slices.SortFunc(tracks, byOrder)
	p.choose(tracks)
}

// choose wants what is of interest of these tracks, and no longer the microphones and pictures that are not. Pictures
// that were just hidden are left to loseSight.
func (p *Peer) choose(tracks []*upTrack) {
	for _, up := range tracks {
		switch {
		case p.interest.wants(up):
			p.conn.lines.want(up)
		case up.microphone != nil || p.interest.tiles[keyOf(up)].hidden.IsZero():
			p.conn.lines.unwant(up)
		}
	}
}

// loseSight takes pictures out of the description that have been hidden for long, or are too many.
func (p *Peer) loseSight(now time.Time) {
	if !p.interest.only {
		return
	}
	var hidden []*upTrack
	shown := 0
	for _, up := range p.conn.lines.wanted {
		switch since := p.interest.tiles[keyOf(up)].hidden; {
		case up.kind != webrtc.RTPCodecTypeVideo:
		case since.IsZero():
			shown++
		default:
			hidden = append(hidden, up)
		}
	}
	slices.SortFunc(hidden, func(a, b *upTrack) int {
		return p.interest.tiles[keyOf(a)].hidden.Compare(p.interest.tiles[keyOf(b)].hidden)
	})
	for i, up := range hidden {
		if now.Sub(p.interest.tiles[keyOf(up)].hidden) >= outOfSight || len(hidden)-i > max(maxHidden, shown) {
			p.conn.lines.unwant(up)
		}
	}
}

// listen gives the participant so many audio slots in place of the others' microphones.
func (p *Peer) listen(slots int) {
	former := p.interest.slots
	p.interest.slots = p.room.voices.listen(p, slots)
	p.interest.voices = true
	for i, up := range former {
		if i >= slots {
			p.conn.lines.unwant(up)
		}
	}
	p.describeSlots()
	p.chooseAll()
}

// describeSlots wants the slots that bring somebody, and one more, so that whoever comes next is heard without a round.
// What was described once stays.
func (p *Peer) describeSlots() {
	used := 0
	for i, up := range p.interest.slots {
		if up.slot.from.Load() != nil {
			used = i + 1
		}
	}
	for _, up := range p.interest.slots[:min(used+1, len(p.interest.slots))] {
		p.conn.lines.want(up)
	}
}
