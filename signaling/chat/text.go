package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/signaling/protocol"
)

// Clean makes a message's text of what somebody typed or pasted: lines end in \n, there are no control characters but
// that and tabs, and no white space around it. It reports false for what is too long, or shows nothing.
func Clean(typed string) (text string, ok bool) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(typed)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > protocol.MaxText || !strings.ContainsFunc(text, visible) {
		return "", false
	}
	return text, true
}

// visible reports whether a character shows by itself.
func visible(r rune) bool { return unicode.IsPrint(r) && r != ' ' && !unicode.IsMark(r) }

// IsReaction reports whether people can react with that emoji.
func IsReaction(emoji string) bool {
	switch emoji {
	case "👍", "❤️", "😂", "😮", "👏", "🎉":
		return true
	}
	return false
}
