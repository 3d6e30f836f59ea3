package floor

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"parley/signaling/protocol"
)

// Why somebody is not let in.
var (
	ErrRemoved  = errors.New("a host has removed you from this room")
	ErrLocked   = errors.New("the room is locked")
	ErrFull     = errors.New("full")
	ErrPassword = errors.New("the room asks for its password")
	ErrInvite   = errors.New("the room asks for an invitation")
)

// Ticket is what somebody comes with who wants in.
type Ticket struct {
	Viewer   bool   // only wants to watch
	Password string // "" for none
	Invited  bool   // has a valid invitation to this room
	Full     string // why there is no room for anybody new, "" if there is
}

// Enter lets p in, on stage if they want to and may, or returns one of the errors above and changes nothing. Whoever
// was here before, by the login session, needs nothing but not to have been removed.
func (f *Floor) Enter(p *Person, t Ticket) (Changes, error) {
	if f.removedSessions[p.Session] || f.removedUsers[p.User] {
		return Changes{}, ErrRemoved
	}
	s := f.standings[p.Session]
	if s == nil {
		if err := f.admit(t); err != nil {
			return Changes{}, err
		}
		s = new(standing)
		f.standings[p.Session] = s
	}
	f.entered++
	p.standing, p.number = s, f.entered
	s.present = append(s.present, p)
	if s.host {
		f.hosts = append(f.hosts, p)
	}
	if !t.Viewer && f.mayGoOn(s) {
		f.goOn(p)
	}
	return s.changes(), nil
}

// admit judges somebody new.
func (f *Floor) admit(t Ticket) error {
	switch {
	case f.locked:
		return ErrLocked
	case t.Full != "":
		return fmt.Errorf("%w: %s", ErrFull, t.Full)
	case f.access == protocol.AccessPassword && !f.password.matches(t.Password):
		return ErrPassword
	case f.access == protocol.AccessInvite && !t.Invited:
		return ErrInvite
	}
	return nil
}

// matches takes the same time whatever the password is.
func (d digest) matches(password string) bool {
	other := digestOf(password)
	return subtle.ConstantTimeCompare(d.sum[:], other.sum[:]) == 1 && d.set
}

// Leave ends a stay. When the last host leaves, whoever of those on stage has been here longest is the next.
func (f *Floor) Leave(p *Person) Changes {
	f.raise(p, false)
	f.goOff(p)
	f.hosts = without(f.hosts, p)
	p.standing.present = without(p.standing.present, p)
	if len(f.hosts) > 0 || len(f.stage) == 0 {
		return Changes{}
	}
	heir := f.stage[0]
	for _, other := range f.stage {
		if other.number < heir.number {
			heir = other
		}
	}
	f.makeHost(heir.standing)
	return heir.standing.changes()
}
