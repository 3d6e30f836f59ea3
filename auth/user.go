package auth

import (
	"context"
	"errors"
)

// User is a person who has logged in once. Name is the key.
type User struct {
	Name       string `json:"name"`        // real name, NFC, 1 to 50 characters
	ScreenName string `json:"screen_name"` // NFC, 1 to 12 characters; what others see
}

var (
	// ErrUserExists is returned by [Users.Create] for a name that is taken.
	ErrUserExists = errors.New("user exists")
	// ErrNoUser is returned by [Users.Get] for a name that nobody has.
	ErrNoUser = errors.New("no such user")
)

// Users is where people are kept.
type Users interface {
	// Create adds the user, atomically: of two with one name the second gets ErrUserExists.
	Create(ctx context.Context, user User) error
	// Get returns the user of that name or ErrNoUser.
	Get(ctx context.Context, name string) (User, error)
}

// Revocations remembers the sessions that were logged out until they would have expired.
type Revocations interface {
	Revoke(ctx context.Context, sessionID string) error
	// Revoked is called for every request and never blocks.
	Revoked(sessionID string) bool
}
