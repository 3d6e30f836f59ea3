package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	// MinOperatorToken is the shortest token of an operator, in bytes.
	MinOperatorToken = 16

	// FieldToken is the field of the operator's login form, a value of [FieldError.Field].
	FieldToken = "token"

	operatorCookie   = "parley_admin"
	securePrefix     = "__Secure-" // as hostPrefix, but for a path (RFC 6265bis, section 4.1.3.1)
	operatorPath     = "/admin/"
	operatorLifetime = 8 * time.Hour
)

// What a token that does not open is answered with.
const (
	messageNoToken      = "Please enter the token"
	messageWrongToken   = "This is not the token of this server"
	messageTokenGuesses = "Too many wrong tokens. Please try again in a minute" //nolint:gosec // it is no token
)

// ErrOperatorToken is returned for a token that is too short.
var ErrOperatorToken = fmt.Errorf("a token of an operator has at least %d characters", MinOperatorToken)

// Operator lets in whoever runs the server, who shows that by a token. Safe for concurrent use.
type Operator struct {
	token       [sha256.Size]byte          // static after construction: its hash
	codec       *securecookie.SecureCookie // static after construction
	lifetime    time.Duration              // static after construction: of a session
	revocations Revocations                // static after construction
	guesses     *Guesses                   // static after construction
}

// operatorSession is what the cookie carries.
type operatorSession struct {
	ID      string `json:"id"`
	Expires int64  `json:"expires"` // Unix seconds
}

// LoadOperatorToken returns the token in file, or an error that is [fs.ErrNotExist] if there is none yet.
func LoadOperatorToken(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("load the token: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if len(token) < MinOperatorToken {
		return "", fmt.Errorf("%s: %w; write one, or delete it to get a new one", file, ErrOperatorToken)
	}
	return token, nil
}

// LoadOrCreateOperatorToken also makes a random token if there is none, which it keeps there, readable by the owner
// only.
func LoadOrCreateOperatorToken(file string) (string, error) {
	token, err := LoadOperatorToken(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	if err := createSecret(file, []byte(rand.Text()+"\n")); err != nil {
		return "", fmt.Errorf("create the token: %w", err)
	}
	return LoadOperatorToken(file)
}

// NewOperator makes what lets in who knows the token. Sessions end with it, and last some hours, but no longer than
// revocations are remembered.
func NewOperator(token string, remembered time.Duration, revocations Revocations) *Operator {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(operatorCookie))
	codec := securecookie.New(mac.Sum(nil), nil)
	codec.SetSerializer(securecookie.JSONEncoder{})
	codec.MaxAge(0) // the expiry is in the session
	return &Operator{
		token: sha256.Sum256([]byte(token)), codec: codec, lifetime: min(operatorLifetime, remembered),
		revocations: revocations, guesses: NewGuesses(),
	}
}

// newOperatorCookie makes the cookie, without a value, for whoever sent r.
func newOperatorCookie(r *http.Request) http.Cookie {
	cookie := http.Cookie{
		Name: operatorCookie, Path: operatorPath, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: Secure(r),
	}
	if cookie.Secure {
		cookie.Name = securePrefix + operatorCookie
	}
	return cookie
}

// Begin starts a session, whose cookie it gives to the client that sent r, if token is the one. Else it returns a
// *[FieldError]: too many wrong ones from an address close the door for a while.
func (o *Operator) Begin(w http.ResponseWriter, r *http.Request, token string) error {
	token = strings.TrimSpace(token)
	if token == "" {
		return &FieldError{FieldToken, messageNoToken}
	}
	if !o.guesses.Allow(r.RemoteAddr) {
		return &FieldError{FieldToken, messageTokenGuesses}
	}
	hash := sha256.Sum256([]byte(token))
	wrong := subtle.ConstantTimeCompare(hash[:], o.token[:]) != 1
	o.guesses.Answered(r.RemoteAddr, wrong)
	if wrong {
		return &FieldError{FieldToken, messageWrongToken}
	}
	cookie := newOperatorCookie(r)
	expires := time.Now().Add(o.lifetime)
	value, err := o.codec.Encode(cookie.Name, operatorSession{ID: rand.Text(), Expires: expires.Unix()})
	if err != nil {
		return fmt.Errorf("begin the operator's session: %w", err)
	}
	cookie.Value, cookie.Expires, cookie.MaxAge = value, expires, int(o.lifetime/time.Second)
	http.SetCookie(w, &cookie)
	return nil
}

// Is tells whether r comes from the operator.
func (o *Operator) Is(r *http.Request) bool {
	for _, cookie := range r.CookiesNamed(newOperatorCookie(r).Name) {
		if _, ok := o.decode(cookie); ok {
			return true
		}
	}
	return false
}

// End revokes the session of r, if it has one, and takes its cookie away. The cookie is gone even if revoking failed.
func (o *Operator) End(w http.ResponseWriter, r *http.Request) error {
	gone := newOperatorCookie(r)
	gone.MaxAge = -1
	http.SetCookie(w, &gone)
	for _, cookie := range r.CookiesNamed(gone.Name) {
		if current, ok := o.decode(cookie); ok {
			if err := o.revocations.Revoke(r.Context(), current.ID); err != nil {
				return fmt.Errorf("revoke the operator's session: %w", err)
			}
		}
	}
	return nil
}

func (o *Operator) decode(cookie *http.Cookie) (operatorSession, bool) {
	var current operatorSession
	if err := o.codec.Decode(cookie.Name, cookie.Value, &current); err != nil {
		return operatorSession{}, false
	}
	if current.ID == "" || time.Now().Unix() >= current.Expires || o.revocations.Revoked(current.ID) {
		return operatorSession{}, false
	}
	return current, true
}
