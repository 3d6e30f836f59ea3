package protocol

import "strings"

// CheckPrefix begins the name of a room in which a page tries its own paths to the server: [IsCheck].
const CheckPrefix = "_check-"

// checkRandom is how much comes after it at least, in bytes: a name that is typed does not become one by accident.
const checkRandom = 22

// IsCheck reports whether a room is for such a trial. It is nobody else's business: it is in no list, opens for any
// logged-in person whatever the access of rooms, and takes two sockets of one login session.
func IsCheck(room string) bool {
	return strings.HasPrefix(room, CheckPrefix) && len(room) >= len(CheckPrefix)+checkRandom
}
