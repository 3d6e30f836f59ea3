package auth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Longest names, in characters (code points) of their trimmed NFC form.
const (
	MaxScreenName = 12
	MaxName       = 50
)

// Fields of the login form, the values of [FieldError.Field].
const (
	FieldScreenName = "screen_name"
	FieldName       = "name"
)

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// parseScreenName returns the name to keep, or what is wrong with it.
func parseScreenName(typed string) (string, *FieldError) {
	return parseName(typed, FieldScreenName, "first name or nickname", MaxScreenName)
}

// parseRealName returns the name to keep, or what is wrong with it.
func parseRealName(typed string) (string, *FieldError) {
	return parseName(typed, FieldName, "real name", MaxName)
}

func parseName(typed, field, what string, limit int) (string, *FieldError) {
	if !utf8.ValidString(typed) {
		return "", &FieldError{field, "This is not valid text"}
	}
	name := strings.TrimSpace(norm.NFC.String(typed))
	if strings.ContainsFunc(name, refused) {
		return "", &FieldError{field, "Please leave out invisible control characters"}
	}
	if !strings.ContainsFunc(name, visible) {
		return "", &FieldError{field, fmt.Sprintf("Please enter your %s", what)}
	}
	if count := utf8.RuneCountInString(name); count > limit {
		message := fmt.Sprintf("Please use at most %d characters, this has %d", limit, count)
		return "", &FieldError{field, message}
	}
	return name, nil
}

// refused tells the characters that have no place in a name: controls, line separators, and the format characters that
// hide or reorder what stands around them. The two joiners stay, because emoji and several scripts need them.
func refused(r rune) bool {
	if r == zeroWidthJoiner || r == zeroWidthNonJoiner {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// visible tells the characters of which a name needs at least one.
func visible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r)
}
