package signaling

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
	"parley/signaling/rate"
)

const (
	inboxFrames = 256      // small frames that may wait for the loop
	largeFrame  = 16 << 10 // bytes from which a frame is not small: the reader waits until the loop has it
	drainLimit  = 64 << 20 // bytes of a client that does not stop sending after its socket was closed
)

// inbound is a frame of the client as the reader hands it over: parsed, or what is wrong with it, or why there is no
// next one. The end comes in order, so nothing that a client says before it closes is lost.
type inbound struct {
	envelope envelope
	err      error
	end      *ending
	taken    chan struct{} // closed by the loop, nil for a small frame
}

var errFlood = errors.New("flood")

// read is the reader: it judges size, rate and shape of what arrives, and that something does.
func (s *Session) read(l *link) {
	frames := rate.New(framesAllowed, framesSpan)
	l.conn.SetReadLimit(protocol.MaxFrameBytes)
	answer := l.conn.PingHandler()
	l.conn.SetPingHandler(func(data string) error {
		s.hear()
		if frames.Hit(time.Now()) {
			return errFlood
		}
		return answer(data)
	})
	l.conn.SetPongHandler(func(string) error {
		s.hear()
		return nil
	})
	end := s.readFrames(l, frames)
	s.hand(&inbound{end: &end})
	if end.linger {
		l.drain()
	}
}

// readFrames hands frames to the loop until there are no more, and says why.
func (s *Session) readFrames(l *link, frames *rate.Limit) ending {
	for {
		kind, data, err := s.readFrame(l)
		switch {
		case err != nil:
			return endingOf(err)
		case frames.Hit(time.Now()):
			return endingOf(errFlood)
		}
		s.hub.counters.framesIn.Add(1)
		in := new(inbound)
		if kind == websocket.TextMessage {
			in.envelope, in.err = parseEnvelope(data)
		} else {
			in.err = errNotText
		}
		if len(data) >= largeFrame {
			in.taken = make(chan struct{})
		}
		if !s.hand(in) {
			return ending{linger: true}
		}
	}
}

// readFrame reads a whole message. Each part of it that arrives counts as life: a large one takes a slow client
// seconds.
func (s *Session) readFrame(l *link) (kind int, data []byte, err error) {
	kind, r, err := l.conn.NextReader()
	if err != nil {
		return 0, nil, err
	}
	s.hear()
	var buf bytes.Buffer
	for {
		_, err := io.CopyN(&buf, r, bytes.MinRead)
		s.hear()
		if errors.Is(err, io.EOF) {
			return kind, buf.Bytes(), nil
		} else if err != nil {
			return 0, nil, err
		}
	}
}

// hear notes that something arrived.
func (s *Session) hear() {
	s.heard.Store(int64(time.Since(s.began)))
	select {
	case s.alive <- struct{}{}:
	default:
	}
}

// hand gives in to the loop and reports false when the loop has ended.
func (s *Session) hand(in *inbound) bool {
	select {
	case s.inbox <- in:
	case <-s.ended:
		return false
	}
	if in.taken == nil {
		return true
	}
	select {
	case <-in.taken:
		return true
	case <-s.ended:
		return false
	}
}

// drain takes what the client still sends, unread: closing a TCP connection with unread data resets it, and the client
// would not get the close frame that says why. It ends with the client's close, or when the session closes the socket.
func (l *link) drain() {
	for {
		if _, _, err := l.conn.NextReader(); err == nil {
			continue
		} else if errors.Is(err, websocket.ErrReadLimit) || errors.Is(err, errFlood) {
			_, _ = io.Copy(io.Discard, io.LimitReader(l.conn.NetConn(), drainLimit))
		}
		return
	}
}

// endingOf says how a session ends, or its socket, that brought err. Only who closes it in as many words takes leave: a
// close frame without a code is what a page sends that wants another socket.
func endingOf(err error) ending {
	var closed *websocket.CloseError
	switch {
	case errors.Is(err, errFlood):
		return ending{code: websocket.ClosePolicyViolation, reason: "too many frames", linger: true}
	case errors.Is(err, websocket.ErrReadLimit):
		return ending{reason: "frame too large", linger: true} // the close frame with 1009 has been sent
	case errors.As(err, &closed) &&
		(closed.Code == websocket.CloseNormalClosure || closed.Code == websocket.CloseGoingAway):
		return ending{reason: "closed by the client"}
	}
	return ending{reason: "socket lost", lost: true}
}
