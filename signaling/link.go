package signaling

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"parley/auth"
	"parley/signaling/protocol"
)

const (
	keptBytes   = 512 << 10 // of what a client was sent and has not acknowledged
	secretBytes = 18        // random ones, of the token to resume with
)

// link is one socket of a session. All but its goroutines is static after construction.
type link struct {
	conn   *websocket.Conn
	remote string // the address of whose it is, as net/http has it

	seen  uint64    // of one that resumes: the number of the last frame that the client has got
	taken chan bool // of one that resumes: whether the session goes on with it; told once

	over    chan struct{} // closed when the writer is to end
	running sync.WaitGroup
}

func newLink(conn *websocket.Conn, remote string) *link {
	return &link{conn: conn, remote: remote, taken: make(chan bool, 1), over: make(chan struct{})}
}

// resumed is told to the rtc app: the client has a new socket. The numbers are those of the last frames that came.
type resumed struct{ sent, received uint64 }

// start has the session live on a link. It is called by the loop, as are the other methods of this file.
func (s *Session) start(l *link) {
	s.link, s.remote = l, l.remote
	s.conn.Store(l.conn)
	s.hub.counters.open.Add(1)
	l.running.Go(func() { s.read(l) })
	l.running.Go(func() {
		if s.outbox.run(l.conn, l.over, s.hub.cfg.WriteTimeout, &s.hub.counters.framesOut) != nil {
			_ = l.conn.Close() // which the reader tells
		}
	})
}

// drop ends the present link, of which nothing more is to be expected.
func (s *Session) drop(reason string) {
	l := s.link
	s.link = nil
	s.hub.counters.socketEnded(reason)
	_ = l.conn.Close()
	close(l.over)
	l.running.Wait()
}

// replace has the session go on with another link: at once, or when all that the present one brought has been handled.
func (s *Session) replace(l *link) {
	if s.next != nil {
		s.next.refuse()
	}
	s.next = l
	if s.link != nil {
		_ = s.link.conn.Close() // the newer one wins; its reader tells when it has no more
		return
	}
	s.resume()
}

// refuse says that the session does not go on with l.
func (l *link) refuse() { l.taken <- false }

// resume goes on with the next link. Where the client has not got what is no longer kept, the session ends.
func (s *Session) resume() {
	l := s.next
	s.next = nil
	if !s.outbox.rewind(l.seen) {
		s.end = &ending{reason: "not resumed"}
		l.refuse()
		return
	}
	s.hear()
	s.live.resume()
	s.handlers[protocol.KeyRTC].Happened(resumed{sent: l.seen, received: s.received})
	room := s.page
	if s.room != nil {
		room = s.room.name
	}
	s.write(s.hub.headerFrame(s.hub.header(room)))
	s.log.Info("resumed", "room", s.Room())
	s.start(l)
	l.taken <- true
}

// lost handles that a socket brings no more. Whoever is in a room without having taken leave may come back.
func (s *Session) lost(e *ending) {
	if s.next == nil && (!e.lost || s.room == nil) {
		s.end = e
		return
	}
	s.drop(e.reason)
	if s.next != nil {
		s.resume()
		return
	}
	s.outbox.lose()
	s.live.lose(time.Now())
	s.log.Info("socket lost", "room", s.room.name)
}

// resume gives a socket to the session that the request asks for, and reports whether it goes on with it.
func (h *Hub) resume(conn *websocket.Conn, r *http.Request, identity auth.Identity) bool {
	query := r.URL.Query()
	name, secret, _ := strings.Cut(query.Get("resume"), ".")
	seen, err := strconv.ParseUint(query.Get("seen"), 10, 64)
	if err != nil {
		return false
	}
	h.mu.Lock()
	s := h.sessions[name]
	h.mu.Unlock()
	if s == nil || s.secret == "" || subtle.ConstantTimeCompare([]byte(s.secret), []byte(secret)) != 1 ||
		s.identity.SessionID != identity.SessionID {
		return false
	}
	l := newLink(conn, r.RemoteAddr)
	l.seen = seen
	select {
	case s.links <- l:
		return <-l.taken
	case <-s.ended:
		return false
	}
}

// token is what the client resumes its session with, "" if it does not.
func (s *Session) token() string {
	if s.secret == "" {
		return ""
	}
	return s.self.ChannelName + "." + s.secret
}

func newSecret() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	return base64.RawURLEncoding.EncodeToString(secret)
}
