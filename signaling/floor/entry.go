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
	ErrBusy     = fmt.Errorf("%w for now", ErrFull)
	ErrPassword = errors.New("the room asks for its password")
	ErrGuesses  = errors.New("too many wrong passwords, please try again in a minute")
	ErrInvite   = errors.New("the room asks for an invitation")
)

// freeSockets is how often a session may be here at a time without a lock or a full room keeping it out: a page that
// has lost its socket, before that is noticed, and a few more.
const freeSockets = 4

// Ticket is what somebody comes with who wants in.
type Ticket struct {
	Viewer   bool    // only wants to watch
	Password string  // "" for none
	Hasty    bool    // has tried too many passwords lately
	Invited  bool    // has a valid invitation to this room
	Full     string  // why there is no room for anybody new, "" if there is
	Busy     string  // likewise, where that passes by itself
	Place    *Person // whose place this is, of the same socket, who leaves next; nil for nobody's
}

// Enter lets p in, on stage if they want to and may, or returns one of the errors above and changes nothing. Whoever
// was here before, by the login session, needs nothing but not to have been removed; and room, if they are here often
// already.
func (f *Floor) Enter(p *Person, t Ticket) (Changes, error) {
	if f.removedSessions[p.Session] || f.removedUsers[p.User] {
		return Changes{}, ErrRemoved
	}
	s := f.standings[p.Session]
	if s == nil || t.Place == nil && len(s.present) >= freeSockets {
		if err := f.fits(t); err != nil {
			return Changes{}, err
		}
	}
	if s == nil {
		if err := f.admit(t); err != nil {
			return Changes{}, err
		}
		s = f.newStanding(p)
	}
	f.entered++
	p.standing, p.number = s, f.entered
	if before := f.back(s); before > 0 {
		p.number = before
	} else if t.Place != nil {
		p.number = t.Place.number
	}
	s.present = append(s.present, p)
	if s.host {
		f.hosts = append(f.hosts, p)
	}
	if !t.Viewer && f.mayGoOn(s) {
		f.goOn(p)
	}
	return s.changes(), nil
}

// fits judges whether one more gets in.
func (f *Floor) fits(t Ticket) error {
	switch {
	case f.locked:
		return ErrLocked
	case t.Full != "":
		return fmt.Errorf("%w: %s", ErrFull, t.Full)
	case t.Busy != "":
		return fmt.Errorf("%w: %s", ErrBusy, t.Busy)
	}
	return nil
}

// admit judges somebody new.
func (f *Floor) admit(t Ticket) error {
	switch {
	case f.access == protocol.AccessPassword && t.Hasty:
		return ErrGuesses
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

// Leave ends a stay.
func (f *Floor) Leave(p *Person) Changes {
	f.raise(p, false)
	f.goOff(p)
	f.hosts = without(f.hosts, p)
	p.standing.present = without(p.standing.present, p)
	return f.inherit()
}

// inherit makes whoever of those on stage has been here longest a host, where there is none and none is expected.
func (f *Floor) inherit() Changes {
	if len(f.hosts) > 0 || f.expectedHosts > 0 || len(f.stage) == 0 {
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
