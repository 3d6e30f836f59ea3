package floor

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"parley/signaling/protocol"
)

// errKept is what is wrong with something that was kept.
var errKept = errors.New("no rights that a room can have")

// Kept is a floor as a plain value, for JSON, from which [Restore] makes another. Raised hands are not in it: they went
// with the sockets.
type Kept struct {
	Access          string         `json:"access"`
	Password        []byte         `json:"password,omitempty"` // SHA-256 of its NFC; empty for none
	Locked          bool           `json:"locked,omitempty"`
	ByInvitation    bool           `json:"by_invitation,omitempty"`
	Standings       []KeptStanding `json:"standings,omitempty"` // the oldest first
	RemovedSessions []string       `json:"removed_sessions,omitempty"`
	RemovedUsers    []string       `json:"removed_users,omitempty"`
}

// KeptStanding is what holds for a login session.
type KeptStanding struct {
	Session   string `json:"session"`
	User      string `json:"user"`
	Host      bool   `json:"host,omitempty"`
	Muted     bool   `json:"muted,omitempty"`
	CameraOff bool   `json:"camera_off,omitempty"`
	ScreenOff bool   `json:"screen_off,omitempty"`
	PutOff    bool   `json:"put_off,omitempty"`
	Welcome   bool   `json:"welcome,omitempty"`
	Decisive  bool   `json:"decisive,omitempty"` // what holds for the user's next sessions
	Present   uint64 `json:"present,omitempty"`  // the how manieth to enter of those who are here; 0: not here
}

// Keep returns what is worth keeping. It shares nothing with the floor.
func (f *Floor) Keep() Kept {
	k := Kept{
		Access: f.access, Locked: f.locked, ByInvitation: f.byInvitation,
		Standings:       make([]KeptStanding, 0, len(f.standings)),
		RemovedSessions: slices.Sorted(maps.Keys(f.removedSessions)),
		RemovedUsers:    slices.Sorted(maps.Keys(f.removedUsers)),
	}
	if f.password.set {
		k.Password = slices.Clone(f.password.sum[:])
	}
	for _, s := range slices.SortedFunc(maps.Values(f.standings), older) {
		k.Standings = append(k.Standings, KeptStanding{
			Session: s.session, User: s.user,
			Host: s.host, Muted: s.muted, CameraOff: s.cameraOff, ScreenOff: s.screenOff,
			PutOff: s.putOff, Welcome: s.welcome, Decisive: f.latest[s.user] == s, Present: s.since(),
		})
	}
	return k
}

// Restore makes the floor of a room that opens again, after the server was interrupted. Nobody is here yet; whoever was
// is expected until [Floor.Settle]: until then they get the place back that they had, and while a host of then is
// missing nobody becomes one for being there first.
func Restore(k Kept) (*Floor, error) {
	switch k.Access {
	case protocol.AccessOpen, protocol.AccessPassword, protocol.AccessInvite:
	default:
		return nil, fmt.Errorf("%w: access %q", errKept, k.Access)
	}
	f := New(k.Access, "")
	f.locked, f.byInvitation = k.Locked, k.ByInvitation
	switch len(k.Password) {
	case 0:
	case sha256.Size:
		f.password = digest{set: true, sum: [sha256.Size]byte(k.Password)}
	default:
		return nil, fmt.Errorf("%w: a digest of %d bytes", errKept, len(k.Password))
	}
	for _, s := range k.Standings {
		if s.Session == "" || f.standings[s.Session] != nil {
			return nil, fmt.Errorf("%w: a session without an id, or twice", errKept)
		}
		f.restore(s)
	}
	for _, session := range k.RemovedSessions {
		f.removedSessions[session] = true
	}
	for _, user := range k.RemovedUsers {
		f.removedUsers[user] = true
	}
	return f, nil
}

func (f *Floor) restore(k KeptStanding) {
	f.begun++
	s := &standing{
		session: k.Session, user: k.User, number: f.begun,
		host: k.Host, muted: k.Muted, cameraOff: k.CameraOff, screenOff: k.ScreenOff,
		putOff: k.PutOff, welcome: k.Welcome, expected: k.Present,
	}
	f.standings[s.session] = s
	if k.Decisive {
		f.latest[s.user] = s
	}
	if s.expected > 0 {
		f.expected++
		if s.host {
			f.expectedHosts++
		}
	}
	f.entered = max(f.entered, s.expected)
}

// Expecting reports whether somebody who was here before the interruption is not back yet.
func (f *Floor) Expecting() bool { return f.expected > 0 }

// Settle stops expecting those who are not back. Where no host is, one of those who are becomes one.
func (f *Floor) Settle() Changes {
	for _, s := range f.standings {
		f.back(s)
	}
	return f.inherit()
}

// back stops expecting a session, and returns the how manieth to enter it was, 0 if it was not expected.
func (f *Floor) back(s *standing) (number uint64) {
	if number = s.expected; number == 0 {
		return 0
	}
	s.expected = 0
	f.expected--
	if s.host {
		f.expectedHosts--
	}
	return number
}

// since is the how manieth to enter the first of the session's stays was, as far as somebody is here or expected.
func (s *standing) since() uint64 {
	since := s.expected
	for _, p := range s.present {
		if since == 0 || p.number < since {
			since = p.number
		}
	}
	return since
}

func older(a, b *standing) int {
	if a.number < b.number {
		return -1
	}
	return 1
}
