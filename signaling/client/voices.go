package client

import (
	"encoding/json"

	"parley/signaling/protocol"
)

// noteVoices keeps who speaks, and who is heard where.
func (c *Client) noteVoices(kind string, value json.RawMessage) {
	if !c.inRoom || c.options.Unlisted {
		return
	}
	var slot protocol.Slot
	var speaker protocol.Speaker
	var levels protocol.Levels
	into := map[string]any{protocol.TypeSlot: &slot, protocol.TypeSpeaker: &speaker, protocol.TypeLevels: &levels}[kind]
	if err := json.Unmarshal(value, into); err != nil {
		c.log.Warn("message about voices not understood", "type", kind, "error", err)
		return
	}
	c.state.update(func(s *Snapshot) {
		switch kind {
		case protocol.TypeSlot:
			s.Slots[slot.Slot] = deref(slot.ChannelName)
		case protocol.TypeSpeaker:
			s.Speaker = deref(speaker.ChannelName)
		case protocol.TypeLevels:
			clear(s.Levels)
			for name, level := range levels.Levels {
				s.Levels[name] = level
			}
		}
	})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// receiveFloor keeps what the client may do, and leaves if a host has removed it.
func (c *Client) receiveFloor(value json.RawMessage) {
	var m struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(value, &m)
	switch m.Type {
	case protocol.TypeYou:
		var you protocol.You
		if json.Unmarshal(value, &you) == nil {
			c.state.update(func(s *Snapshot) { s.You = you })
		}
	case protocol.TypeState:
		var floor protocol.FloorState
		if json.Unmarshal(value, &floor) == nil {
			c.state.update(func(s *Snapshot) { s.Floor = floor })
		}
	case protocol.TypeRemoved:
		c.leave()
	}
}
