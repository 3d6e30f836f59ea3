package signaling

import (
	"fmt"
	"time"

	"parley/signaling/protocol"
	"parley/signaling/rate"
)

// Limits of the contract on what a client may send to one app, and on how often it may join.
const (
	joinsAllowed = 200
	joinsSpan    = 10 * time.Second
	quotaSpan    = time.Second
	viewsAllowed = 20 // messages on what the client shows, in quotaSpan
)

// quota is what one client may still send to one app. It is owned by the session's loop.
type quota struct {
	bytes  int // of one message
	recent *rate.Limit
}

// newQuota makes the quota of an app by its key. Descriptions are the largest that there is; candidates come in
// numbers. Of an app that is not known here the limits on frames are enough.
func newQuota(key string) quota {
	switch key {
	case protocol.KeyRTC:
		return quota{protocol.MaxFrameBytes, rate.New(150, quotaSpan)}
	case protocol.KeyFloor, protocol.KeyEcho:
		return quota{4 << 10, rate.New(30, quotaSpan)}
	case protocol.KeyChat:
		return quota{32 << 10, rate.New(30, quotaSpan)} // 2000 characters, each escaped in 12 bytes
	default:
		return quota{protocol.MaxFrameBytes, rate.New(framesAllowed, framesSpan)}
	}
}

// take counts a message, or refuses it.
func (q quota) take(message appMessage, now time.Time) error {
	if q.recent.Hit(now) {
		return &Refusal{Type: protocol.ErrorTooFast, Detail: fmt.Sprintf("too many messages under %q", message.key)}
	}
	if len(message.value) > q.bytes {
		return fmt.Errorf("a message under %q has at most %d bytes", message.key, q.bytes)
	}
	return nil
}

// pass gives a message to its app, if there is one and the client may.
func (s *Session) pass(message appMessage) {
	handler := s.handlers[message.key]
	if handler == nil || s.end != nil {
		return
	}
	err := s.quotas[message.key].take(message, time.Now())
	if err == nil {
		err = handler.Receive(message.value)
	}
	if err == nil {
		return
	}
	if wireError(err).Type == protocol.ErrorTooFast {
		s.hub.counters.Limit(message.key)
	}
	s.refuse(err)
}
