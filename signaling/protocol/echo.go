package protocol

// KeyEcho is the key of the app that answers with what it was sent, so that a client can measure the round trip.
const KeyEcho = "echo"

// MaxEcho is the longest message that is answered, in bytes.
const MaxEcho = 256
