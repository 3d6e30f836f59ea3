package signaling

import "time"

// Limits of the contract on what a client may send.
const (
	framesAllowed    = 200 // more within framesSpan is a flood
	framesSpan       = time.Second
	malformedAllowed = 49 // one more within malformedSpan is a flood
	malformedSpan    = 10 * time.Second
)
