// Package chat decides what is kept of a conversation in one room, who may read it later, and when somebody writes too
// much. It is pure, without lock, clock or wire: whoever owns the room calls it, one call at a time.
package chat

import (
	"errors"
	"slices"
	"time"

	"parley/signaling/protocol"
	"parley/signaling/rate"
)

// Limits of what is kept, the newest of it.
const (
	maxLines     = 200
	maxBytes     = 256 << 10
	lineOverhead = 256 // bytes that a line counts beside what it is written with
)

// Limits of how fast people write. They hold for a login session, whatever sockets it has.
const (
	saidBy       = 10 // messages of one person
	saidByAll    = 200
	saidSpan     = 10 * time.Second
	reactedBy    = 5 // reactions of one person
	reactedSpan  = 2 * time.Second
	reactedByAll = 30 // more are not shown
	allSpan      = time.Second
)

// Why something is refused.
var (
	ErrMessages  = errors.New("at most 10 messages in 10 seconds")
	ErrRoom      = errors.New("too many messages in this room just now")
	ErrReactions = errors.New("at most 5 reactions in 2 seconds")
)

// Line is one message as it is kept. It never changes.
type Line struct {
	Message protocol.ChatMessage `json:"message"`
	HTML    string               `json:"html"` // the rendered message
	From    string               `json:"from"` // login session
	To      string               `json:"-"`    // likewise, where the message is to somebody
}

// Chat is the conversation in one room, from when it opens until it closes.
type Chat struct {
	lines   []*Line // the oldest first
	bytes   int     // of lines
	said    *rate.Limit
	reacted *rate.Limit
	people  map[string]*person // by login session: of all who wrote lately
	tidyAt  int                // how many people there have to be for another look at who wrote lately
}

// person is what somebody wrote lately.
type person struct{ said, reacted *rate.Limit }

// New makes the chat of a room that opens.
func New() *Chat {
	return &Chat{
		said: rate.New(saidByAll, saidSpan), reacted: rate.New(reactedByAll, allSpan),
		people: make(map[string]*person), tidyAt: tidyFrom,
	}
}

// Say counts a message of a login session, or refuses it.
func (c *Chat) Say(session string, now time.Time) error {
	p := c.person(session, now)
	switch {
	case p.said.Full(now):
		return ErrMessages
	case c.said.Full(now):
		return ErrRoom
	}
	p.said.Add(now)
	c.said.Add(now)
	return nil
}

// React counts a reaction of a login session, or refuses it. It reports whether the others are to see it: of a whole
// room that claps, they see some.
func (c *Chat) React(session string, now time.Time) (shown bool, err error) {
	p := c.person(session, now)
	if p.reacted.Full(now) {
		return false, ErrReactions
	}
	p.reacted.Add(now)
	if c.reacted.Full(now) {
		return false, nil
	}
	c.reacted.Add(now)
	return true, nil
}

// Add keeps a line, and forgets the oldest where it is too much.
func (c *Chat) Add(line *Line) {
	c.lines = append(c.lines, line)
	c.bytes += line.size()
	drop := 0
	for len(c.lines)-drop > maxLines || c.bytes > maxBytes {
		c.bytes -= c.lines[drop].size()
		drop++
	}
	c.lines = slices.Delete(c.lines, 0, drop)
}

// History lists what a login session may read, the oldest first.
func (c *Chat) History(session string) []*Line {
	lines := make([]*Line, 0, len(c.lines))
	for _, line := range c.lines {
		if line.Message.To == "" || line.From == session || line.To == session {
			lines = append(lines, line)
		}
	}
	return lines
}

func (l *Line) size() int { return len(l.HTML) + len(l.Message.Text) + lineOverhead }
