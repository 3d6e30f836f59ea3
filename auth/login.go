package auth

import (
	"context"
	"errors"
	"fmt"
)

// The refusals of the contract, word for word.
const (
	messageMismatch = "The name exists but does not match the screen name used"
	messageEqual    = "Do not use your real name as your screen name"
)

// FieldError refuses what was typed into one field of the login form. Message is for the person who typed it.
type FieldError struct {
	Field, Message string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

// Logins lets people in by their two names.
type Logins struct {
	users Users
}

// NewLogins makes Logins that keep their people in users.
func NewLogins(users Users) *Logins { return &Logins{users: users} }

// LogIn creates the user for a new name, and finds the user for a known name with the same screen name. Both names are
// trimmed and normalised to NFC first.
//
// A refusal is a *[FieldError], or two joined when both fields are wrong by themselves; [FieldErrors] lists them. Any
// other error is a fault of the store.
func (l *Logins) LogIn(ctx context.Context, screenName, name string) (User, error) {
	user, err := parseUser(screenName, name)
	if err != nil {
		return User{}, err
	}
	known, err := l.find(ctx, user)
	if err != nil {
		return User{}, err
	}
	if known.ScreenName != user.ScreenName {
		return User{}, &FieldError{FieldName, messageMismatch}
	}
	return known, nil
}

// FieldErrors lists the refusals in an error of [Logins.LogIn], none if it is of another kind.
func FieldErrors(err error) []*FieldError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*FieldError
		for _, one := range joined.Unwrap() {
			all = append(all, FieldErrors(one)...)
		}
		return all
	}
	var one *FieldError
	if errors.As(err, &one) {
		return []*FieldError{one}
	}
	return nil
}

func parseUser(screenName, name string) (User, error) {
	screenName, screenNameErr := parseScreenName(screenName)
	name, nameErr := parseRealName(name)
	switch {
	case screenNameErr != nil && nameErr != nil:
		return User{}, errors.Join(screenNameErr, nameErr)
	case screenNameErr != nil:
		return User{}, screenNameErr
	case nameErr != nil:
		return User{}, nameErr
	case screenName == name:
		return User{}, &FieldError{FieldScreenName, messageEqual}
	}
	return User{Name: name, ScreenName: screenName}, nil
}

// find returns the user of that name, creating them if nobody has it. Of two who create one name at the same moment,
// the second finds the first.
func (l *Logins) find(ctx context.Context, user User) (User, error) {
	known, err := l.users.Get(ctx, user.Name)
	if !errors.Is(err, ErrNoUser) {
		return known, wrap("look up user", err)
	}
	err = l.users.Create(ctx, user)
	if errors.Is(err, ErrUserExists) {
		known, err = l.users.Get(ctx, user.Name)
		return known, wrap("look up user", err)
	}
	return user, wrap("create user", err)
}

func wrap(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", step, err)
}
