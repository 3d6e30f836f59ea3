package signaling

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"parley/signaling/chat"
	"parley/signaling/protocol"
)

// messageIDBytes make the random id of a message, of 12 characters.
const messageIDBytes = 9

// nobodyThere refuses a private message to who has left.
const nobodyThere = "they are no longer in the room"

// chatApp is the app "chat". What is kept of a conversation is the room's.
type chatApp struct{ renderer ChatRenderer }

// NewChat makes the app "chat", for [Hub.Register].
func NewChat(renderer ChatRenderer) App { return &chatApp{renderer} }

func (a *chatApp) Key() string { return protocol.KeyChat }

func (a *chatApp) Open(s *Session) Handler { return &chatHandler{app: a, session: s} }

// chatHandler is owned by the session's loop.
type chatHandler struct {
	NopHandler
	app     *chatApp
	session *Session
}

// past is posted to a newcomer: what was written before, and nothing that is told later.
type past []*chat.Line

// chatFrame shows a message, or the messages, and says the same to who needs no markup.
type chatFrame struct {
	HTML string `json:"html"` // first, as a client acts on it first
	Chat any    `json:"chat"`
}

// Receive takes what the client sends under "chat". Types that are not known are ignored.
func (h *chatHandler) Receive(message json.RawMessage) error {
	m, err := parseChat(message)
	if err != nil {
		return err
	}
	s := h.session
	switch {
	case m.Type != protocol.TypeSay && m.Type != protocol.TypeReact:
		return nil
	case s.room == nil:
		return notInRoom
	case m.Type == protocol.TypeReact:
		return s.room.react(s.member, s.hub.encode(protocol.KeyChat, protocol.Reaction{
			Type: protocol.TypeReaction, ChannelName: s.self.ChannelName, UserName: s.self.UserName, Emoji: m.Emoji,
		}))
	}
	return h.say(m)
}

// say writes to the room, or to one in it.
func (h *chatHandler) say(m protocol.ClientChat) error {
	s := h.session
	message := protocol.ChatMessage{
		Type: protocol.TypeMessage, ID: newMessageID(), ChannelName: s.self.ChannelName, UserName: s.self.UserName,
		Text: m.Text, Time: time.Now().UnixMilli(),
	}
	if m.To != nil {
		if *m.To == s.ChannelName() {
			return badValue("to", "somebody else's channel name")
		}
		message.To = *m.To
	}
	var err error
	if message.ToName, err = s.room.maySay(s.member, message.To); err != nil {
		return err
	}
	line := &chat.Line{Message: message, HTML: h.app.renderer.ChatLine(message), From: s.identity.SessionID}
	frame := s.hub.encodeFrame(chatFrame{HTML: h.app.renderer.ChatAppended(line.HTML), Chat: message})
	return s.room.say(s.member, line, frame)
}

// Happened shows a newcomer what was written before. An empty history is told too: it clears what the client shows of
// another room.
func (h *chatHandler) Happened(event any) {
	lines, ok := event.(past)
	if !ok {
		return
	}
	history := protocol.ChatHistory{
		Type: protocol.TypeHistory, Messages: make([]protocol.ChatMessage, len(lines)), Yours: []string{},
	}
	html := make([]string, len(lines))
	for i, line := range lines {
		html[i], history.Messages[i] = line.HTML, line.Message
		if line.From == h.session.identity.SessionID {
			history.Yours = append(history.Yours, line.Message.ID)
		}
	}
	h.session.write(h.session.hub.encodeFrame(chatFrame{HTML: h.app.renderer.ChatReplaced(html), Chat: history}))
}

// parseChat reads what a client sends under "chat".
func parseChat(raw json.RawMessage) (protocol.ClientChat, error) {
	var m *protocol.ClientChat
	if err := json.Unmarshal(raw, &m); err != nil || m == nil || m.Type == "" {
		return protocol.ClientChat{}, badValue(protocol.KeyChat, "an object with a type, and the fields of that")
	}
	switch m.Type {
	case protocol.TypeSay:
		text, ok := chat.Clean(m.Text)
		if !ok {
			return protocol.ClientChat{}, badValue("text", "of 1 to 2000 characters")
		}
		if m.To != nil && (*m.To == "" || len(*m.To) > protocol.MaxChannelName) {
			return protocol.ClientChat{}, badValue("to", "a channel name")
		}
		m.Text = text
	case protocol.TypeReact:
		if !chat.IsReaction(m.Emoji) {
			return protocol.ClientChat{}, badValue("emoji", "one of 👍 ❤️ 😂 😮 👏 🎉")
		}
	}
	return *m, nil
}

// maySay counts a message of m, to everybody or to one, or refuses it. It returns the name of whom it is to.
func (r *room) maySay(m *member, to string) (toName string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[m.who.ChannelName] != m {
		return "", notInRoom
	}
	if to != "" {
		other := r.members[to]
		if other == nil {
			return "", &Refusal{Type: protocol.ErrorGone, Detail: nobodyThere}
		}
		toName = other.who.UserName
	}
	return toName, tooFast(r.chat.Say(m.person.Session, time.Now()))
}

// say keeps and tells what m has written, in one: who enters finds it in the history, or is told, and never both.
func (r *room) say(m *member, line *chat.Line, frame []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[m.who.ChannelName] != m {
		return notInRoom
	}
	n := news{frames: [][]byte{frame}}
	if to := line.Message.To; to == "" {
		r.tellAll(n)
	} else {
		other := r.members[to]
		if other == nil {
			return &Refusal{Type: protocol.ErrorGone, Detail: nobodyThere}
		}
		line.To = other.person.Session
		m.tell(n)
		other.tell(n)
	}
	r.chat.Add(line)
	r.wantKept()
	return nil
}

// react shows everybody an emoji of m's.
func (r *room) react(m *member, frame []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[m.who.ChannelName] != m {
		return notInRoom
	}
	shown, err := r.chat.React(m.person.Session, time.Now())
	if shown {
		r.tellAll(news{frames: [][]byte{frame}, lossy: true})
	}
	return tooFast(err)
}

// tooFast is how the client is told that it writes too much.
func tooFast(err error) error {
	if err == nil {
		return nil
	}
	return &Refusal{Type: protocol.ErrorTooFast, Detail: err.Error()}
}

// newMessageID makes an id that no other message has.
func newMessageID() string {
	id := make([]byte, messageIDBytes)
	_, _ = rand.Read(id) // never fails
	return base64.RawURLEncoding.EncodeToString(id)
}
