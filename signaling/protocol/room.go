package protocol

import (
	"errors"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxRoomName is the longest room name, in characters of its NFC form.
const MaxRoomName = 64

// ErrRoomName is returned for a name that does not match [\p{L}\p{N}_-]{1,64} in NFC.
var ErrRoomName = errors.New("a room name has 1 to 64 letters, digits, _ or -")

// ParseRoom returns the NFC form of name, by which rooms are compared, or [ErrRoomName].
func ParseRoom(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", ErrRoomName
	}
	name = norm.NFC.String(name)
	count := 0
	for _, r := range name {
		count++
		if r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return "", ErrRoomName
		}
	}
	if count < 1 || count > MaxRoomName {
		return "", ErrRoomName
	}
	return name, nil
}

// Room is one line of the lobby: a room in use and its head-count.
type Room struct {
	Name   string
	People int
}

// Header is what #header shows of a room.
type Header struct {
	Room     string
	People   int  // participants
	Viewers  int  // who only watch
	Headroom int  // how many more participants the server and the room carry, -1 where not known
	Locked   bool // nobody else is let in
}

// Present is what who is not in a room is told of who is.
type Present struct {
	Shown   []Participant // the first participants; none where not everybody is let in
	People  int           // participants
	Viewers int           // who only watch
}

// More is how many participants there are beside those shown.
func (p Present) More() int { return p.People - len(p.Shown) }
