package protocol

// KeyChat is the app by which people in a room write to each other.
const KeyChat = "chat"

// Error types of the chat app.
const (
	ErrorGone    = "gone"     // who it is for is not in the room
	ErrorTooFast = "too_fast" // too much in too short a time
)

// The types of the chat app.
const (
	TypeSay      = "say"   // client to server
	TypeReact    = "react" // likewise
	TypeMessage  = "message"
	TypeReaction = "reaction"
	TypeHistory  = "history"
)

// MaxText is the longest text of a message, in characters.
const MaxText = 2000

// ClientChat is what a client may send under the chat key; which fields count depends on Type.
type ClientChat struct {
	Type  string  `json:"type"`
	Text  string  `json:"text,omitempty"`  // TypeSay
	To    *string `json:"to,omitempty"`    // TypeSay: the channel name of who alone may read it; null: everybody
	Emoji string  `json:"emoji,omitempty"` // TypeReact
}

// ChatMessage is what somebody has written.
type ChatMessage struct {
	Type        string `json:"type"` // TypeMessage
	ID          string `json:"id"`   // of [A-Za-z0-9_-], no other message's
	ChannelName string `json:"channel_name"`
	UserName    string `json:"user_name"`
	Text        string `json:"text"`
	Time        int64  `json:"time"`         // Unix milliseconds
	To          string `json:"to,omitempty"` // channel name; empty: everybody
	ToName      string `json:"to_name,omitempty"`
}

// ChatHistory is what was written before, as far as the newcomer may read it.
type ChatHistory struct {
	Type     string        `json:"type"`     // TypeHistory
	Messages []ChatMessage `json:"messages"` // the oldest first; never null
	Yours    []string      `json:"yours"`    // ids of those that the newcomer's login session wrote; never null
}

// Reaction is an emoji that somebody shows for a moment.
type Reaction struct {
	Type        string `json:"type"` // TypeReaction
	ChannelName string `json:"channel_name"`
	UserName    string `json:"user_name"`
	Emoji       string `json:"emoji"`
}
