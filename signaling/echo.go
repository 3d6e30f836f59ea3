package signaling

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"parley/signaling/protocol"
	"parley/signaling/rate"
)

// A round trip is measured a few times in a row, and that now and then.
const (
	echoesAllowed = 20
	echoesSpan    = 2 * time.Second
)

// echoing is the app "echo": it answers with what it is sent, to whoever sent it.
type echoing struct{}

// NewEcho makes the app "echo", for [Hub.Register].
func NewEcho() App { return echoing{} }

func (echoing) Key() string { return protocol.KeyEcho }

func (echoing) Open(s *Session) Handler {
	return &echoer{session: s, recent: rate.New(echoesAllowed, echoesSpan)}
}

// echoer is owned by the session's loop.
type echoer struct {
	NopHandler
	session *Session
	recent  *rate.Limit
}

// Receive answers an object as it is.
func (h *echoer) Receive(message json.RawMessage) error {
	switch {
	case len(message) > protocol.MaxEcho:
		return fmt.Errorf("an echo has at most %d bytes", protocol.MaxEcho)
	case !bytes.HasPrefix(message, []byte("{")):
		return badValue(protocol.KeyEcho, "an object")
	case h.recent.Full(time.Now()):
		return &Refusal{Type: protocol.ErrorTooFast, Detail: "echoes are for now and then"}
	}
	h.recent.Add(time.Now())
	h.session.Send(protocol.KeyEcho, message)
	return nil
}
