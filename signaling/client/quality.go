package client

import (
	"encoding/json"

	"parley/signaling/protocol"
)

// View tells the server how large the client shows pictures of others; see [protocol.View].
func (c *Client) View(tiles ...protocol.Tile) {
	c.Send(protocol.KeyRTC, protocol.View{Type: protocol.TypeView, Tiles: append([]protocol.Tile{}, tiles...)})
}

// ViewOnly is the same, and has the server leave out all pictures that no message has named.
func (c *Client) ViewOnly(tiles ...protocol.Tile) {
	only := true
	c.Send(protocol.KeyRTC, protocol.View{
		Type: protocol.TypeView, Tiles: append([]protocol.Tile{}, tiles...), Only: &only, // never null
	})
}

// Slots asks for the voices of others in at most n tracks; see [protocol.Slots].
func (c *Client) Slots(n int) {
	c.Send(protocol.KeyRTC, protocol.Slots{Type: protocol.TypeSlots, Audio: &n})
}

// Limited tells the server what keeps the client from sending its best picture of an m-line; see [protocol.Limited].
func (c *Client) Limited(mid, why string) {
	c.Send(protocol.KeyRTC, protocol.Limited{Type: protocol.TypeLimited, Mid: mid, Why: why})
}

// noteQuality keeps at which layer a picture comes.
func (c *Client) noteQuality(value json.RawMessage) {
	var q protocol.Quality
	if err := json.Unmarshal(value, &q); err != nil {
		c.log.Warn("quality not understood", "error", err)
		return
	}
	if !c.inRoom || c.options.Unlisted {
		return
	}
	source := Source{ChannelName: q.ChannelName, Screen: q.Track == protocol.TrackScreen, Kind: "video"}
	c.state.update(func(s *Snapshot) { s.Quality[source] = q })
}

// switchLayers stops sending the encodings of the client's own clips that nobody receives, and goes on with those that
// somebody does.
func (c *Client) switchLayers(value json.RawMessage) {
	var layers protocol.Layers
	if err := json.Unmarshal(value, &layers); err != nil {
		c.log.Warn("layers not understood", "error", err)
		return
	}
	if c.conn == nil || c.resetting {
		return
	}
	for _, track := range c.conn.tracks {
		if wanted, named := layers.Active[track.RID()]; track.IsOn(layers.Mid) {
			track.off.Store(named && !wanted)
		}
	}
}
