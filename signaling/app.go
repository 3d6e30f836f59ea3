package signaling

import "encoding/json"

// App serves one key of the envelope. See [Hub.Register].
type App interface {
	// Key is the app's name on the wire, the same in both directions.
	Key() string
	// Open makes the app's handler for a session that begins. It runs on the session's loop.
	Open(s *Session) Handler
}

// Handler is an app's part of one session. All its methods run on the session's loop, one at a time, and must not
// block; state of its own needs no lock. [NopHandler] has those that an app does not care for.
type Handler interface {
	// Receive takes the value that the client sent under the app's key. An error is told to the client: as the type and
	// detail of a [*Refusal], else as bad_message, which counts towards the limit on malformed frames.
	Receive(message json.RawMessage) error
	// Happened takes what was posted with [Session.Post].
	Happened(event any)
	// Entered is called when the session has entered a room and knows who is there.
	Entered(room string)
	// Left follows each Entered, when the session has left the room and the others know, also because it ends.
	Left()
	// Closed is called last, when the session has ended.
	Closed()
}

// NopHandler does nothing; embed it.
type NopHandler struct{}

// Happened does nothing.
func (NopHandler) Happened(any) {}

// Entered does nothing.
func (NopHandler) Entered(string) {}

// Left does nothing.
func (NopHandler) Left() {}

// Closed does nothing.
func (NopHandler) Closed() {}
