package protocol

// KeyFloor is the app that says who may do what in a room.
const KeyFloor = "floor"

// ErrorForbidden is the error type of a request that is for hosts, or cannot be done.
const ErrorForbidden = "forbidden"

// Who is let into a room, or onto the server.
const (
	AccessOpen     = "open"
	AccessPassword = "password"
	AccessInvite   = "invite"
)

// The types of the floor app.
const (
	TypeHand         = "hand"          // client to server
	TypeStage        = "stage"         // likewise
	TypeMute         = "mute"          // likewise
	TypeCamera       = "camera"        // likewise
	TypeStopScreen   = "screen"        // likewise
	TypeRemove       = "remove"        // likewise
	TypeHost         = "host"          // likewise
	TypeLock         = "lock"          // likewise
	TypeAccess       = "access"        // likewise
	TypeByInvitation = "by_invitation" // likewise
	TypeInvite       = "invite"        // likewise
	TypeState        = "state"
	TypeYou          = "you"
	TypeHands        = "hands"
	TypeRestricted   = "restricted"
	TypeRemoved      = "removed"
	TypeInvitation   = "invitation"
)

// ClientFloor is what a client may send under the floor key; which fields count depends on Type.
type ClientFloor struct {
	Type        string `json:"type"`
	ChannelName string `json:"channel_name,omitempty"` // whom it is about
	Up          *bool  `json:"up,omitempty"`           // TypeHand
	On          *bool  `json:"on,omitempty"`           // TypeStage, TypeMute, TypeHost, TypeLock, TypeByInvitation
	Off         *bool  `json:"off,omitempty"`          // TypeCamera, TypeStopScreen
	Access      string `json:"access,omitempty"`       // TypeAccess
	Password    string `json:"password,omitempty"`     // TypeAccess, with AccessPassword
}

// FloorState is what everybody in a room may know of its rights.
type FloorState struct {
	Type         string   `json:"type"`  // TypeState
	Hosts        []string `json:"hosts"` // channel names; never null
	Locked       bool     `json:"locked"`
	ByInvitation bool     `json:"by_invitation"` // newcomers are viewers until a host lets them on stage
	Access       string   `json:"access"`        // AccessOpen, AccessPassword or AccessInvite
}

// You is what the participant may do.
type You struct {
	Type      string `json:"type"` // TypeYou
	Host      bool   `json:"host"`
	OnStage   bool   `json:"on_stage"` // else a viewer
	Muted     bool   `json:"muted"`    // by a host, as the next two
	CameraOff bool   `json:"camera_off"`
	ScreenOff bool   `json:"screen_off"`
	Hand      bool   `json:"hand"`
}

// Hands lists who has raised a hand, in the order in which they did.
type Hands struct {
	Type  string        `json:"type"`  // TypeHands
	Hands []Participant `json:"hands"` // never null
}

// Restricted says what of a participant's is not forwarded, because a host wanted it so.
type Restricted struct {
	Type        string `json:"type"` // TypeRestricted
	ChannelName string `json:"channel_name"`
	Muted       bool   `json:"muted"`
	CameraOff   bool   `json:"camera_off"`
	ScreenOff   bool   `json:"screen_off"`
}

// Removed tells the client that a host has removed it from the room, or that whoever runs the server has closed that.
type Removed struct {
	Type   string `json:"type"`             // TypeRemoved
	Closed bool   `json:"closed,omitempty"` // for everybody
}

// Invitation is a link that lets whoever has it in.
type Invitation struct {
	Type    string `json:"type"`    // TypeInvitation
	Path    string `json:"path"`    // /r/<room>/?invite=<token>
	Expires int64  `json:"expires"` // Unix seconds
}
