package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	cookieName = "parley_session"
	// hostPrefix makes browsers insist on Secure, Path=/ and no Domain, so that no other host and no plain-HTTP
	// connection can plant a session (RFC 6265bis, section 4.1.3.2).
	hostPrefix = "__Host-"

	hashKeySize  = 32 // HMAC-SHA256
	blockKeySize = 32 // AES-256
)

// ErrSessionConfig is returned for a [SessionConfig] that cannot work.
var ErrSessionConfig = errors.New("session configuration")

// SessionConfig says how sessions are kept.
type SessionConfig struct {
	KeyFile  string        // created if missing; whoever has its content can forge sessions
	Lifetime time.Duration // from logging in to having to do it again, at least a second
}

// Identity is who a request comes from.
type Identity struct {
	User      User
	SessionID string // opaque, of [A-Z2-7]; one log-in, known to no one else
}

// Sessions are kept by their owners, in an encrypted and signed cookie; the server remembers only those that ended
// early. Safe for concurrent use.
type Sessions struct {
	codec       *securecookie.SecureCookie // static after construction
	revocations Revocations                // static after construction
	lifetime    time.Duration              // static after construction
}

// session is what the cookie carries. The real name is in it, so the content is encrypted, not only signed.
type session struct {
	ID      string `json:"id"`
	User    User   `json:"user"`
	Expires int64  `json:"expires"` // Unix seconds
}

// NewSessions makes sessions whose key survives a restart in cfg.KeyFile.
func NewSessions(cfg SessionConfig, revocations Revocations) (*Sessions, error) {
	if cfg.Lifetime < time.Second {
		return nil, fmt.Errorf("%w: lifetime %s is below one second", ErrSessionConfig, cfg.Lifetime)
	}
	key, err := LoadOrCreateKey(cfg.KeyFile, hashKeySize+blockKeySize)
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	codec := securecookie.New(key[:hashKeySize], key[hashKeySize:])
	codec.SetSerializer(securecookie.JSONEncoder{})
	codec.MaxAge(0) // the expiry is in the session, to the second that Begin promised
	return &Sessions{codec: codec, revocations: revocations, lifetime: cfg.Lifetime}, nil
}

// newCookie makes the cookie, without a value, for whoever sent r: over TLS it is for TLS alone.
func newCookie(r *http.Request) http.Cookie {
	cookie := http.Cookie{
		Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: Secure(r),
	}
	if cookie.Secure {
		cookie.Name = hostPrefix + cookieName
	}
	return cookie
}

// Begin starts a session of u and gives its cookie to the client that sent r.
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, u User) error {
	expires := time.Now().Add(s.lifetime)
	cookie := newCookie(r)
	value, err := s.codec.Encode(cookie.Name, session{ID: rand.Text(), User: u, Expires: expires.Unix()})
	if err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	cookie.Value = value
	cookie.Expires = expires
	cookie.MaxAge = int(s.lifetime / time.Second)
	http.SetCookie(w, &cookie)
	return nil
}

// Identify tells who r comes from. It reports false for a cookie that is missing, forged, expired or revoked.
func (s *Sessions) Identify(r *http.Request) (Identity, bool) {
	for _, cookie := range r.CookiesNamed(newCookie(r).Name) {
		if current, ok := s.decode(cookie); ok {
			return Identity{User: current.User, SessionID: current.ID}, true
		}
	}
	return Identity{}, false
}

// End revokes the session of r, if it has one, and takes its cookie away. The cookie is gone even if revoking failed.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	gone := newCookie(r)
	gone.MaxAge = -1
	http.SetCookie(w, &gone)
	for _, cookie := range r.CookiesNamed(gone.Name) {
		current, ok := s.decode(cookie)
		if !ok {
			continue
		}
		if err := s.revocations.Revoke(r.Context(), current.ID); err != nil {
			return fmt.Errorf("revoke session: %w", err)
		}
	}
	return nil
}

func (s *Sessions) decode(cookie *http.Cookie) (session, bool) {
	var current session
	if err := s.codec.Decode(cookie.Name, cookie.Value, &current); err != nil {
		return session{}, false
	}
	if current.ID == "" || time.Now().Unix() >= current.Expires || s.revocations.Revoked(current.ID) {
		return session{}, false
	}
	return current, true
}
