package protocol

import (
	"encoding/json"
	"errors"
)

// What a join may say of the joiner.
const (
	AsParticipant = "participant"
	AsViewer      = "viewer" // who only watches, and is not announced
)

// Limits of a join.
const (
	MaxPassword = 128 // bytes
	MaxInvite   = 512 // bytes
)

// Error types of a join that is refused.
const (
	ErrorPassword = "password" // missing or wrong
	ErrorInvite   = "invite"   // missing, of another room, or too old
	ErrorLocked   = "locked"
	ErrorRemoved  = "removed"
	ErrorFull     = "full"
)

// Join asks to enter a room. On the wire it is the name of the room alone, or an object.
type Join struct {
	Room     string `json:"room"`
	As       string `json:"as,omitempty"` // AsParticipant if empty
	Password string `json:"password,omitempty"`
	Invite   string `json:"invite,omitempty"`
}

var errJoin = errors.New(`the name of a room, or an object with "room"`)

// MarshalJSON writes the short form where that says all.
func (j Join) MarshalJSON() ([]byte, error) {
	if j == (Join{Room: j.Room}) {
		return json.Marshal(j.Room)
	}
	type plain Join
	return json.Marshal(plain(j))
}

// UnmarshalJSON takes either form. The name of the room is for ParseRoom to judge.
func (j *Join) UnmarshalJSON(data []byte) error {
	var name *string
	if json.Unmarshal(data, &name) == nil && name != nil {
		*j = Join{Room: *name}
		return nil
	}
	type plain Join
	var object *struct {
		Room *string `json:"room"` // has to be there
		plain
	}
	if err := json.Unmarshal(data, &object); err != nil || object == nil || object.Room == nil {
		return errJoin
	}
	switch {
	case object.As != "" && object.As != AsParticipant && object.As != AsViewer,
		len(object.Password) > MaxPassword, len(object.Invite) > MaxInvite:
		return errJoin
	}
	*j = Join(object.plain)
	j.Room = *object.Room
	return nil
}
