package load

import (
	"context"
	"encoding/json"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// pagerTick is how soon a page takes notice of who has come or gone.
const pagerTick = 100 * time.Millisecond

// turnPages keeps what everybody's page shows up to date, and turns the pages, until ctx ends.
func (e *engine) turnPages(ctx context.Context) {
	for pause(ctx, pagerTick) {
		e.mu.Lock()
		people := e.everybody()
		e.mu.Unlock()
		for _, p := range people {
			p.look(e.env.clock.now())
		}
	}
}

// look tells the server what the participant's page shows now, if that has changed.
func (p *participant) look(now int64) {
	c := p.client.Load()
	if c == nil {
		return
	}
	self, on := p.name(), p.room.stage.now()
	tiles := p.wall.update(on, self, p.number, now)
	if every := p.env.options.PageEvery; every > 0 {
		if p.turnAt == 0 { // at a moment of their own, as people do
			p.turnAt = now + int64(every)*int64(p.number%16+1)/16
		}
		if now >= p.turnAt {
			p.turnAt = now + int64(every)
			tiles = append(tiles, p.wall.turn(on, self, p.number, now)...)
		}
	}
	if len(tiles) > 0 {
		c.View(tiles...)
	}
}

// name is the participant's channel name, "" before it has one.
func (p *participant) name() string {
	if name := p.channelName.Load(); name != nil {
		return *name
	}
	return ""
}

// happened follows the server's events. It is called on the client's loop.
func (p *participant) happened(event client.Event) {
	switch event := event.(type) {
	case client.Closed:
		p.gone.Store(true)
	case client.Frame:
		if event.Key == protocol.KeyRTC && p.env.options.Shown > 0 {
			p.told(event.Value)
		}
	}
}

// told follows what a page has to know of.
func (p *participant) told(value json.RawMessage) {
	var m struct {
		protocol.Quality
		Active map[string]bool `json:"active"`
		Mid    string          `json:"mid"`
	}
	if json.Unmarshal(value, &m) != nil {
		return
	}
	switch now := p.env.clock.now(); m.Type {
	case protocol.TypeConnect:
		p.channelName.Store(&m.ChannelName)
	case protocol.TypeOthers:
		if c := p.client.Load(); c != nil && !p.entered.Swap(true) { // later ones are newcomers
			c.ViewOnly(p.wall.join(p.room.stage.now(), p.name(), p.number, p.env.clock.at(c.Opened()), now)...)
		}
	case protocol.TypeQuality:
		p.wall.quality(m.Quality, now)
	case protocol.TypeLayers:
		if sends := p.sends.Load(); sends != nil {
			sends.switchLayers(m.Mid, m.Active)
		}
	}
}
