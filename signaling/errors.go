package signaling

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"parley/sfu"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

var (
	errNotText   = errors.New("binary frame")
	errNotUTF8   = errors.New("not UTF-8")
	errNotObject = errors.New("not a JSON object")
	errManyKeys  = errors.New("too many keys")
	errTrailing  = errors.New("data after the object")

	errManyJoins = fmt.Errorf("%w: too many joins in a row", floor.ErrBusy)
	errManyRooms = fmt.Errorf("%w: there are as many rooms as there may be", floor.ErrFull)
)

// maxDetail bounds what an error tells the client, in bytes: details may quote its own input.
const maxDetail = 200

// Refusal is an error that an app wants told to the client under a type of its own; Type is a wire code.
type Refusal struct {
	Type, Detail string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Type + ": " + r.Detail }

// wireError maps an error to what the client is told. What is not known otherwise is the client's malformed input.
func wireError(err error) protocol.Error {
	wire := protocol.Error{Type: protocol.ErrorBadMessage, Detail: err.Error()}
	var (
		refusal   *Refusal
		forbidden floor.Forbidden
	)
	switch {
	case errors.As(err, &refusal):
		wire = protocol.Error{Type: refusal.Type, Detail: refusal.Detail}
	case errors.As(err, &forbidden):
		wire.Type = protocol.ErrorForbidden
	case errors.Is(err, floor.ErrPassword), errors.Is(err, floor.ErrGuesses):
		wire.Type = protocol.ErrorPassword
	case errors.Is(err, floor.ErrInvite):
		wire.Type = protocol.ErrorInvite
	case errors.Is(err, floor.ErrLocked):
		wire.Type = protocol.ErrorLocked
	case errors.Is(err, floor.ErrRemoved):
		wire.Type = protocol.ErrorRemoved
	case errors.Is(err, floor.ErrFull):
		wire.Type = protocol.ErrorFull
		wire.Retry = errors.Is(err, floor.ErrBusy)
	case errors.Is(err, protocol.ErrRoomName):
		wire.Type = protocol.ErrorBadRoom
	case errors.Is(err, sfu.ErrLimit):
		wire.Type = protocol.ErrorLimit
	case errors.Is(err, sfu.ErrDescription):
		wire.Type = protocol.ErrorBadDescription
	case errors.Is(err, sfu.ErrCandidate):
		wire.Type = protocol.ErrorBadCandidate
	}
	if len(wire.Detail) > maxDetail {
		cut := maxDetail
		for !utf8.RuneStart(wire.Detail[cut]) {
			cut--
		}
		wire.Detail = wire.Detail[:cut] + "…"
	}
	return wire
}

// badValue is the error for a key whose value has the wrong shape.
func badValue(key, expected string) error {
	return fmt.Errorf("%q must be %s", key, expected)
}
