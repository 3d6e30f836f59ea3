package signaling

import (
	"net/http"
	"time"

	"parley/auth"
	"parley/sfu"
	"parley/signaling/protocol"
)

// Media is what the rtc app asks of the SFU.
type Media interface {
	// Join makes the peer of participant id in room. deliver is called by one goroutine at a time, also before Join
	// returns, and does not block.
	Join(room, id string, barred sfu.Barred, deliver func(sfu.Event)) (Peer, error)
	// Listen has tell told who speaks in each room. It must come before the first Join; tell does not block.
	Listen(tell func(room string, event sfu.RoomEvent))
}

// Capacity tells how many more people the server carries.
type Capacity interface {
	Headroom() sfu.Headroom
}

// Invites makes and checks invitations to rooms.
type Invites interface {
	Make(room string) (token string, expires time.Time)
	Valid(token, room string) bool
}

// Guesses limits how fast passwords of rooms may be guessed. Remote is the address of a socket. Its methods do not
// block.
type Guesses interface {
	// Allow tells whether a guess from there may be answered, and then takes it for wrong until Answered says.
	Allow(remote string) bool
	Answered(remote string, wrong bool)
}

// Peer is the server's side of a participant's connection. None of its methods blocks.
type Peer interface {
	// Signal takes an offer, an answer or a reset of the client.
	Signal(sfu.Description)
	// Candidate takes a candidate of the client; nil ends them.
	Candidate(*sfu.Candidate)
	// Screen says that the client's MediaStream of that id is a screen share.
	Screen(streamID string)
	// View says how large the client shows some of the others, and whether it wants no others (nil: as before).
	View(tiles []sfu.Tile, only *bool)
	// Slots asks for the sound of microphones in so many tracks.
	Slots(audio int)
	// Bar says what of the participant is not forwarded.
	Bar(what sfu.Barred)
	// Limited says what keeps the client from sending the best picture of an m-line.
	Limited(mid string, why sfu.Why)
	// Close leaves. It is asynchronous, and events that still arrive no longer matter.
	Close()
}

// Presence is told who is where. Its methods do not block.
type Presence interface {
	Enter(room, channelName string)
	Leave(room, channelName string)
}

// Memory keeps what rooms are beyond the end of this process, however that comes. Its methods do not block, and call
// nobody: they may be called with locks held.
type Memory interface {
	// Recall returns what was last kept of a room.
	Recall(room string) (state []byte, ok bool)
	// Keep keeps a room's state, which is JSON and does not change any more, or reports false if it is too large.
	Keep(room string, state []byte) bool
	// Forget forgets what is kept of a room, unless it is kept anew before that time has passed.
	Forget(room string, after time.Duration)
}

// Renderer makes htmx fragments with out-of-band ids.
type Renderer interface {
	// Header replaces #header.
	Header(header protocol.Header) string
	// Panel appends p's panel to #others.
	Panel(p protocol.Participant) string
	// State marks p's panel as reconnecting, or no longer.
	State(p protocol.Participant, away bool) string
	// Hands replaces #hands: who has raised a hand.
	Hands(hands []protocol.Participant) string
	// Present replaces what is in #present: who is in the room, for who is not.
	Present(present protocol.Present) string
}

// ChatRenderer makes the htmx fragments of the chat.
type ChatRenderer interface {
	// ChatLine is one message. It goes into the two others.
	ChatLine(message protocol.ChatMessage) string
	// ChatAppended appends a line to #chat-lines.
	ChatAppended(line string) string
	// ChatReplaced has #chat-lines show these lines and no others.
	ChatReplaced(lines []string) string
}

// RTCConfigs hands out what a participant's RTCPeerConnection is built with, credentials included. Expires is when it
// must have been renewed, zero for never.
type RTCConfigs interface {
	RTCConfig(channelName string) (cfg protocol.RTCConfig, expires time.Time)
}

// Sessions tells who a request comes from.
type Sessions interface {
	Identify(r *http.Request) (auth.Identity, bool)
}
