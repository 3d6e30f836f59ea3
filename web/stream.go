package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// streamWriteTimeout is how long a lobby may take to read an event before its stream is cut.
	streamWriteTimeout = 10 * time.Second
	// streamCheck is the time between two signs of life, and how long a stream may outlive its session.
	streamCheck = 20 * time.Second
)

// streamRooms keeps one lobby's list of rooms up to date by server-sent events, until its page goes away, its session
// ends or the site closes. A refusal is no page: the lobby would put it into the list.
func (s *Site) streamRooms(c *gin.Context) {
	header := c.Writer.Header()
	if _, ok := s.deps.Sessions.Identify(c.Request); !ok {
		header.Set("HX-Redirect", "/login/")
		c.String(http.StatusUnauthorized, "not logged in")
		return
	}
	retry, ok := s.deps.Waiting.Come(c.Request.RemoteAddr, time.Now())
	if !ok {
		s.deps.Refused(RefusedLobby)
		retryAfter(c.Writer, retry)
		c.String(http.StatusTooManyRequests, "too many lobbies at this address")
		return
	}
	defer func() { s.deps.Waiting.Go(c.Request.RemoteAddr, time.Now()) }()
	if !s.list.join() {
		header.Set("Retry-After", "10")
		c.String(http.StatusServiceUnavailable, "too many lobbies")
		return
	}
	defer s.list.leave()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx collects otherwise
	s.follow(c)
}

// follow writes each state of the list, and a comment when nothing has happened for a while.
func (s *Site) follow(c *gin.Context) {
	writer := http.NewResponseController(c.Writer)
	_ = writer.SetReadDeadline(time.Time{}) // the server gives each request a time, which this outlives
	// The connection may serve another request afterwards.
	defer func() { _ = writer.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) }()
	check := time.NewTicker(streamCheck)
	defer check.Stop()
	language := s.locales.of(c.Request).Language
	event, changed := s.list.state(language)
	for {
		_ = writer.SetWriteDeadline(time.Now().Add(streamWriteTimeout))
		if _, err := c.Writer.Write(event); err != nil {
			return
		}
		if err := writer.Flush(); err != nil {
			return
		}
		select {
		case <-c.Request.Context().Done():
			return
		case <-s.list.done:
			return
		case <-check.C:
			if _, ok := s.deps.Sessions.Identify(c.Request); !ok {
				return
			}
			event = []byte(":\n\n") // a comment, ignored by all readers
		case <-changed:
			event, changed = s.list.state(language)
		}
	}
}
