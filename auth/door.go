package auth

import (
	"crypto/sha256"
	"crypto/subtle"

	"golang.org/x/text/unicode/norm"
)

// FieldPassword is the field of the login form for the server's password, a value of [FieldError.Field].
const FieldPassword = "password"

// What a password that does not open is answered with.
const (
	messageNoPassword    = "Please enter the password of this server"
	messageWrongPassword = "This is not the password of this server"
	messageGuesses       = "Too many wrong passwords. Please try again in a minute"
)

// Door decides who may log in at all, before their names are looked at. Sessions that have begun do not pass it. The
// zero Door is open to everybody. Safe for concurrent use.
type Door struct {
	password *[sha256.Size]byte // static after construction; nil: none is asked for
	guesses  *Guesses           // static after construction; with password
	invites  *Invites           // static after construction; nil: no invitation is asked for
}

// NewPasswordDoor makes a door that opens to those who know the password, which is not empty. It is compared in NFC.
func NewPasswordDoor(password string) *Door {
	hash := hashPassword(password)
	return &Door{password: &hash, guesses: NewGuesses()}
}

// NewInviteDoor makes a door that opens to those who are invited to the room that they want to.
func NewInviteDoor(invites *Invites) *Door { return &Door{invites: invites} }

// Invited tells whether nobody asks for an invitation, or token is one to room. Both may be empty.
func (d *Door) Invited(token, room string) bool {
	return d.invites == nil || d.invites.Valid(token, room)
}

// WantsPassword tells whether the login form has the field [FieldPassword].
func (d *Door) WantsPassword() bool { return d.password != nil }

// CheckPassword returns nil if nobody asks for a password or this is it, else a *[FieldError]. Remote is the address
// that a request comes from, as net/http has it: too many wrong ones from there close the door for a while.
func (d *Door) CheckPassword(password, remote string) error {
	if d.password == nil {
		return nil
	}
	if password == "" {
		return &FieldError{FieldPassword, messageNoPassword}
	}
	if !d.guesses.Allow(remote) {
		return &FieldError{FieldPassword, messageGuesses}
	}
	hash := hashPassword(password)
	wrong := subtle.ConstantTimeCompare(hash[:], d.password[:]) != 1
	d.guesses.Answered(remote, wrong)
	if wrong {
		return &FieldError{FieldPassword, messageWrongPassword}
	}
	return nil
}

// hashPassword makes passwords of one length, so that comparing them takes the same time.
func hashPassword(password string) [sha256.Size]byte {
	return sha256.Sum256([]byte(norm.NFC.String(password)))
}
