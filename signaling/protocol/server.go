package protocol

// KeyServer is the app by which the server tells of itself.
const KeyServer = "server"

// Types of [ServerEvent].
const (
	TypeDraining   = "draining"
	TypeRestarting = "restarting"
)

// ServerEvent is what the server says of itself.
type ServerEvent struct {
	Type string `json:"type"`

	// Until, of TypeDraining, is when calls have to end, in Unix ms; 0 where nothing says, null where it is taken back.
	Until *int64 `json:"until,omitempty"`
	// After, of TypeRestarting, is in how many ms the client is to come back.
	After int64 `json:"after,omitempty"`
}
