package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/unicode/norm"
)

// A token is the base64url of the expiry and a tag over it and the room: 28 characters, none of them padding.
const (
	inviteKeySize    = 32 // bytes, for HMAC-SHA256
	inviteExpirySize = 5  // bytes, of Unix seconds in network order: some 34,000 years
	inviteTagSize    = 16 // bytes, of the HMAC
	inviteSize       = inviteExpirySize + inviteTagSize
)

// ErrInviteConfig is returned for a lifetime of invitations that cannot work.
var ErrInviteConfig = errors.New("invitation configuration")

// Invites makes and checks invitations to rooms. Nothing is stored: a token carries when it ends, and only who has the
// key can make one. Rooms are compared in NFC. Safe for concurrent use.
type Invites struct {
	key      []byte        // static after construction
	lifetime time.Duration // static after construction
}

// NewInvites makes invitations that are good for lifetime, at least a second, with the key in keyFile, which is created
// if missing. Whoever has its content can invite.
func NewInvites(keyFile string, lifetime time.Duration) (*Invites, error) {
	if lifetime < time.Second {
		return nil, fmt.Errorf("%w: lifetime %s is below one second", ErrInviteConfig, lifetime)
	}
	key, err := LoadOrCreateKey(keyFile, inviteKeySize)
	if err != nil {
		return nil, fmt.Errorf("invitation key: %w", err)
	}
	return &Invites{key: key, lifetime: lifetime}, nil
}

// Make invites to room. The token is of [A-Za-z0-9_-]; expires is in whole seconds.
func (i *Invites) Make(room string) (token string, expires time.Time) {
	expires = time.Now().Add(i.lifetime).Truncate(time.Second)
	var seconds [8]byte
	binary.BigEndian.PutUint64(seconds[:], uint64(expires.Unix()))
	content := seconds[8-inviteExpirySize:]
	content = append(content, i.tag(content, room)...)
	return base64.RawURLEncoding.EncodeToString(content), expires
}

// Valid tells whether token lets into room now.
func (i *Invites) Valid(token, room string) bool {
	expiry, tag, ok := parseInvite(token)
	if !ok || !hmac.Equal(tag, i.tag(expiry, room)) {
		return false
	}
	var seconds [8]byte
	copy(seconds[8-inviteExpirySize:], expiry)
	return uint64(time.Now().Unix()) < binary.BigEndian.Uint64(seconds[:])
}

// parseInvite takes a token apart. There is one way to write each: the length leaves no room for the line breaks that
// the decoder skips, and no bit is over.
func parseInvite(token string) (expiry, tag []byte, ok bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(inviteSize) {
		return nil, nil, false
	}
	content, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(content) != inviteSize {
		return nil, nil, false
	}
	return content[:inviteExpirySize], content[inviteExpirySize:], true
}

// tag binds an expiry, which is of one length, to a room.
func (i *Invites) tag(expiry []byte, room string) []byte {
	mac := hmac.New(sha256.New, i.key)
	mac.Write(expiry)
	mac.Write([]byte(norm.NFC.String(room)))
	return mac.Sum(nil)[:inviteTagSize]
}
