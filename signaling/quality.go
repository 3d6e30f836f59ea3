package signaling

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/sfu"
	"parley/signaling/protocol"
)

// view takes how large the client shows others. One bad tile and none counts. Outside a room Only alone is remembered,
// for the stay that follows.
func (h *rtcHandler) view(message json.RawMessage) error {
	if h.views.Hit(time.Now()) {
		return &Refusal{Type: protocol.ErrorTooFast, Detail: "too many views"}
	}
	var m protocol.View
	if err := json.Unmarshal(message, &m); err != nil || m.Tiles == nil || len(m.Tiles) > protocol.MaxTiles {
		return badValue("tiles", fmt.Sprintf("a list of at most %d tiles", protocol.MaxTiles))
	}
	tiles := make([]sfu.Tile, 0, len(m.Tiles))
	for _, tile := range m.Tiles {
		if err := checkTile(tile); err != nil {
			return err
		}
		tiles = append(tiles, sfu.Tile{
			Publisher: tile.ChannelName, Screen: tile.Track == protocol.TrackScreen,
			Width: tile.Width, Height: tile.Height, Pinned: tile.Pinned,
		})
	}
	switch {
	case h.call == nil && m.Only != nil:
		h.early.only = m.Only
	case h.call != nil && (len(tiles) > 0 || m.Only != nil):
		h.call.peer.View(tiles, m.Only)
	}
	return nil
}

func checkTile(tile protocol.Tile) error {
	switch {
	case tile.ChannelName == "" || len(tile.ChannelName) > protocol.MaxChannelName:
		return badValue("channel_name", "a participant's")
	case tile.Track != protocol.TrackCamera && tile.Track != protocol.TrackScreen:
		return badValue("track", `"camera" or "screen"`)
	case tile.Width < 0 || tile.Width > protocol.MaxTileSize || tile.Height < 0 || tile.Height > protocol.MaxTileSize:
		return badValue("width", fmt.Sprintf("as height, 0 to %d", protocol.MaxTileSize))
	}
	return nil
}

// limited takes what keeps the client from sending its best.
func (h *rtcHandler) limited(message json.RawMessage) error {
	var m protocol.Limited
	if err := json.Unmarshal(message, &m); err != nil || m.Mid == "" || len(m.Mid) > protocol.MaxMid {
		return badValue("mid", "an m-line's")
	}
	var why sfu.Why
	switch m.Why {
	case protocol.WhyCPU:
		why = sfu.ForCPU
	case protocol.WhyBandwidth:
		why = sfu.ForBandwidth
	case protocol.WhyNone, protocol.WhyOther: // nothing that would tell the others more
		why = sfu.Unlimited
	default:
		return badValue("why", `"cpu", "bandwidth", "other" or "none"`)
	}
	if h.call != nil {
		h.call.peer.Limited(m.Mid, why)
	}
	return nil
}

func wireQuality(e sfu.Quality) protocol.Quality {
	q := protocol.Quality{
		Type: protocol.TypeQuality, ChannelName: e.Publisher, Track: protocol.TrackCamera,
		Layers: e.Layers, Width: e.Width, Height: e.Height, Why: string(e.Why),
	}
	if e.Screen {
		q.Track = protocol.TrackScreen
	}
	if e.Layer >= 0 {
		q.Layer = &e.Layer
	}
	return q
}

func wireLayers(e sfu.LayersWanted) protocol.Layers {
	active := e.Active
	if active == nil {
		active = map[string]bool{}
	}
	return protocol.Layers{Type: protocol.TypeLayers, Mid: e.Mid, Active: active}
}
