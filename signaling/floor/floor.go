// Package floor decides who may do what in one room: who is let in, who is a host, who is on stage, what is not
// forwarded of whom. It is pure, without lock, clock or wire: whoever owns the room calls it, one call at a time, and
// acts on what it says has changed.
package floor

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/text/unicode/norm"

	"parley/signaling/protocol"
)

// Floor is the rights in one room, from when it opens until it closes. What it knows of people it knows by their login
// session: whoever leaves and comes back is who they were.
type Floor struct {
	access       string // protocol.AccessOpen and so on
	password     digest
	locked       bool
	byInvitation bool

	standings       map[string]*standing // by login session: of all who were ever here, but for the forgotten
	latest          map[string]*standing // by user: that of them which a host decided about last, else the newest
	removedSessions map[string]bool
	removedUsers    map[string]bool

	begun        uint64    // counts standings
	entered      uint64    // counts entries
	hosts        []*Person // present
	stage        []*Person // present and on stage
	hands        []*Person // in the order in which they went up
	handsVersion int       // counts changes of hands

	expected, expectedHosts int // standings of who was here before an interruption, and is not back yet
}

// Person is one stay of somebody in the room. Its exported fields are static.
type Person struct {
	ID      string // channel name
	Session string // login session
	User    string // what the account is known by: whom a removal bars

	standing *standing
	number   uint64 // the how manieth to enter
	onStage  bool
	hand     bool
}

// standing is what holds for a login session as long as the room is open.
type standing struct {
	session, user               string // static
	number                      uint64 // static: the newer, the larger
	host                        bool
	muted, cameraOff, screenOff bool
	putOff                      bool      // taken off the stage by a host
	welcome                     bool      // on stage, or left while being there: may go on though it is by invitation
	present                     []*Person // the session's stays, one for each of its sockets
	expected                    uint64    // not back yet: the how manieth to enter it was; 0 for not expected
}

// Changes says whom a request was about.
type Changes struct {
	People  []*Person // whose You may have changed, or who went on or off the stage
	Removed []*Person // who have to go; they are in the room no longer
}

func (s *standing) changes() Changes { return Changes{People: slices.Clone(s.present)} }

// New makes the floor of a room that opens. An empty access is [protocol.AccessOpen].
func New(access, password string) *Floor {
	if access == "" {
		access = protocol.AccessOpen
	}
	return &Floor{
		access:          access,
		password:        digestOf(password),
		standings:       make(map[string]*standing),
		latest:          make(map[string]*standing),
		removedSessions: make(map[string]bool),
		removedUsers:    make(map[string]bool),
	}
}

// State is what everybody may know.
func (f *Floor) State() protocol.FloorState {
	hosts := make([]string, len(f.hosts))
	for i, host := range f.hosts {
		hosts[i] = host.ID
	}
	return protocol.FloorState{
		Type: protocol.TypeState, Hosts: hosts, Locked: f.locked, ByInvitation: f.byInvitation, Access: f.access,
	}
}

// Locked reports whether nobody else is let in.
func (f *Floor) Locked() bool { return f.locked }

// Hands lists who has raised a hand, in the order in which they did.
func (f *Floor) Hands() []*Person { return slices.Clone(f.hands) }

// HandsVersion is another one whenever Hands is.
func (f *Floor) HandsVersion() int { return f.handsVersion }

// Orphaned reports whether nobody can go on stage, as a host would have to let them on and none is here.
func (f *Floor) Orphaned() bool { return f.byInvitation && len(f.hosts) == 0 }

// OpenStage ends that the stage is by invitation.
func (f *Floor) OpenStage() { f.byInvitation = false }

// OnStage reports whether p is a participant, not a viewer.
func (p *Person) OnStage() bool { return p.onStage }

// You is what p may do.
func (p *Person) You() protocol.You {
	s := p.standing
	return protocol.You{
		Type: protocol.TypeYou, Host: s.host, OnStage: p.onStage,
		Muted: s.muted, CameraOff: s.cameraOff, ScreenOff: s.screenOff, Hand: p.hand,
	}
}

// goOn puts p on stage. Where there is no host, nor one expected, it is p.
func (f *Floor) goOn(p *Person) {
	p.standing.putOff, p.standing.welcome = false, true
	if p.onStage {
		return
	}
	p.onStage = true
	f.stage = append(f.stage, p)
	if len(f.hosts) == 0 && f.expectedHosts == 0 {
		f.makeHost(p.standing)
	}
}

func (f *Floor) goOff(p *Person) {
	p.onStage = false
	f.stage = without(f.stage, p)
}

// mayGoOn reports whether a session may put itself on stage.
func (f *Floor) mayGoOn(s *standing) bool {
	return s.host || !s.putOff && (!f.byInvitation || s.welcome)
}

func (f *Floor) makeHost(s *standing) {
	if !s.host {
		s.host = true
		f.hosts = append(f.hosts, s.present...)
	}
}

func (f *Floor) raise(p *Person, up bool) {
	if p.hand == up {
		return
	}
	p.hand = up
	f.handsVersion++
	if up {
		f.hands = append(f.hands, p)
	} else {
		f.hands = without(f.hands, p)
	}
}

// without removes p from people, in place.
func without(people []*Person, p *Person) []*Person {
	return slices.DeleteFunc(people, func(other *Person) bool { return other == p })
}

// digest is how a password is kept, in NFC; the zero digest is none, which nothing matches.
type digest struct {
	set bool
	sum [sha256.Size]byte
}

func digestOf(password string) digest {
	if password == "" {
		return digest{}
	}
	return digest{set: true, sum: sha256.Sum256([]byte(norm.NFC.String(password)))}
}
