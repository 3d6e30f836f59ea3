package chat

import (
	"errors"
	"slices"
)

// errKept is what is wrong with something that was kept.
var errKept = errors.New("no line that everybody may read")

// Keep lists the lines for JSON, the oldest first, from which [Restore] makes another chat: those to everybody. What is
// to one alone is for nobody else to find.
func (c *Chat) Keep() []*Line {
	return slices.DeleteFunc(slices.Clone(c.lines), func(line *Line) bool { return line.Message.To != "" })
}

// Restore makes the chat of a room that opens again, after the server was interrupted.
func Restore(lines []*Line) (*Chat, error) {
	c := New()
	for _, line := range lines {
		if line == nil || line.Message.To != "" || line.Message.ID == "" {
			return nil, errKept
		}
		c.Add(line)
	}
	return c, nil
}
