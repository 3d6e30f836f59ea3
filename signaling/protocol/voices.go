package protocol

// The types of the rtc app that are about voices.
const (
	TypeSlots   = "slots" // client to server
	TypeSlot    = "slot"
	TypeSpeaker = "speaker"
	TypeLevels  = "levels"
)

const (
	// MaxSlots is how many audio slots a client gets at most.
	MaxSlots = 32
	// SlotStream begins the MediaStream ids of audio slots: "slot.0" and so on.
	SlotStream = "slot."
)

// Slots asks for the sound of microphones in so many tracks.
type Slots struct {
	Type  string `json:"type"`  // TypeSlots
	Audio *int   `json:"audio"` // more than MaxSlots are MaxSlots
}

// Slot says whose sound an audio slot brings from now on.
type Slot struct {
	Type        string  `json:"type"` // TypeSlot
	Slot        int     `json:"slot"`
	ChannelName *string `json:"channel_name"` // null: nobody's
}

// Speaker says who speaks, more than others.
type Speaker struct {
	Type        string  `json:"type"`         // TypeSpeaker
	ChannelName *string `json:"channel_name"` // null: nobody has spoken yet
}

// Levels says who speaks how loud.
type Levels struct {
	Type   string           `json:"type"`   // TypeLevels
	Levels map[string]uint8 `json:"levels"` // by channel name, in -dBov (RFC 6464); never null
}
