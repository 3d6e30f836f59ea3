package signaling

import (
	"encoding/json"
	"time"

	"parley/sfu"
	"parley/signaling/protocol"
)

// slots takes in how many tracks the client wants to hear microphones, outside a room for the stay that follows.
func (h *rtcHandler) slots(message json.RawMessage) error {
	var m protocol.Slots
	if err := json.Unmarshal(message, &m); err != nil || m.Audio == nil || *m.Audio < 0 {
		return badValue("audio", "an integer, not negative")
	}
	audio := min(*m.Audio, protocol.MaxSlots)
	if h.call == nil {
		h.early.slots = &audio
	} else {
		h.call.peer.Slots(audio)
	}
	return nil
}

func wireSlot(e sfu.SlotChanged) protocol.Slot {
	return protocol.Slot{Type: protocol.TypeSlot, Slot: e.Slot, ChannelName: orNull(e.Publisher)}
}

// orNull is how nobody is written.
func orNull(channelName string) *string {
	if channelName == "" {
		return nil
	}
	return &channelName
}

// roomEvent tells a room who speaks.
func (h *Hub) roomEvent(name string, event sfu.RoomEvent) {
	r := h.find(name)
	if r == nil {
		return
	}
	switch e := event.(type) {
	case sfu.SpeakerChanged:
		r.setSpeaker(e.Publisher)
	case sfu.Levels:
		r.tellLevels(e.Levels)
	}
}

// setSpeaker remembers who speaks for those who enter later and tells everybody, if it is anybody on stage.
func (r *room) setSpeaker(channelName string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if channelName != "" {
		m := r.members[channelName]
		if m == nil || m.seq == 0 { // has left meanwhile
			return
		}
		r.announce(time.Now()) // they may have come just now
	}
	r.speaker = channelName
	r.tellAll(news{frames: [][]byte{r.speakerFrame()}})
}

// speakerFrame is called with mu held.
func (r *room) speakerFrame() []byte {
	return r.hub.encode(protocol.KeyRTC, protocol.Speaker{Type: protocol.TypeSpeaker, ChannelName: orNull(r.speaker)})
}

// tellLevels tells everybody who speaks how loud. Whoever is behind may miss it, but not that nobody speaks any more.
func (r *room) tellLevels(levels map[string]uint8) {
	if levels == nil {
		levels = map[string]uint8{}
	}
	frame := r.hub.encode(protocol.KeyRTC, protocol.Levels{Type: protocol.TypeLevels, Levels: levels})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellAll(news{frames: [][]byte{frame}, lossy: len(levels) > 0})
}
