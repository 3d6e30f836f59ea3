package protocol

// KeyServer is the key under which the server tells of itself.
const KeyServer = "server"

// ErrorDraining is the error type of a join that would open a room while the server takes no new ones.
const ErrorDraining = "draining"

// The types of what the server tells of itself.
const (
	TypeDraining   = "draining"
	TypeRestarting = "restarting"
)

// Draining says that the server takes no new rooms, or does so again.
type Draining struct {
	Type  string `json:"type"`  // TypeDraining
	Until *int64 `json:"until"` // Unix milliseconds by which calls should end, 0 if that is open; null: not any more
}

// Restarting is the last that the server says before it closes the socket to come back.
type Restarting struct {
	Type  string `json:"type"`  // TypeRestarting
	After int64  `json:"after"` // milliseconds that the client waits before it opens its next socket
}
