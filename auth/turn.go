package auth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the convention that coturn and every client of it speak is HMAC-SHA1
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrCredential is returned for a TURN username that this server cannot have issued.
var ErrCredential = errors.New("malformed TURN username")

// MaxTURNUsername is the longest TURN username, in bytes (RFC 8489, section 14.3: fewer than 509).
const MaxTURNUsername = 508

// maxExpiryDigits keeps an expiry within what a time.Time can hold.
const maxExpiryDigits = 12

// TURNCredentials let one participant use the TURN server until they expire.
type TURNCredentials struct {
	Username, Password string
	Expires            time.Time // whole seconds
}

// TURN issues and checks time-limited credentials, as coturn's use-auth-secret does: the username is
// "<unix expiry>:<id>", the password base64(HMAC-SHA1(secret, username)). Nothing is stored.
type TURN struct {
	secret   []byte        // static after construction
	lifetime time.Duration // static after construction
}

// NewTURN makes credentials with that secret, which an external server may share, and lifetime.
func NewTURN(secret []byte, lifetime time.Duration) *TURN {
	return &TURN{secret: slices.Clone(secret), lifetime: lifetime}
}

// Issue returns credentials for id, valid from now on for the lifetime.
func (t *TURN) Issue(id string, now time.Time) TURNCredentials {
	expires := now.Add(t.lifetime).Truncate(time.Second)
	username := strconv.FormatInt(expires.Unix(), 10) + ":" + id
	return TURNCredentials{Username: username, Password: t.password(username), Expires: expires}
}

// Verify takes a username apart and returns the password that belongs to it. It does not judge the expiry, which a
// server may want to do only for a new allocation. A username of another shape is refused with [ErrCredential].
func (t *TURN) Verify(username string) (id, password string, expires time.Time, err error) {
	digits, id, found := strings.Cut(username, ":")
	if !found || id == "" || len(username) > MaxTURNUsername ||
		len(digits) > maxExpiryDigits || strings.HasPrefix(digits, "0") {
		return "", "", time.Time{}, ErrCredential
	}
	seconds, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return "", "", time.Time{}, ErrCredential
	}
	return id, t.password(username), time.Unix(int64(seconds), 0), nil
}

func (t *TURN) password(username string) string {
	mac := hmac.New(sha1.New, t.secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
