package floor

import (
	"maps"
	"slices"

	"parley/signaling/protocol"
)

// Forbidden is why a request is refused, in words for who made it.
type Forbidden string

// Error implements error.
func (f Forbidden) Error() string { return string(f) }

// Why requests are refused.
const (
	NotHost        Forbidden = "that is for hosts"
	Nobody         Forbidden = "nobody of that name is here"
	LastHost       Forbidden = "the last host stays one"
	Yourself       Forbidden = "you cannot remove yourself"
	OthersHand     Forbidden = "only they can raise their hand"
	StageByHosts   Forbidden = "a host lets people on stage here"
	TakenOff       Forbidden = "a host has taken you off the stage"
	HandUp         Forbidden = "your hand is up already"
	InviteForHosts Forbidden = "only hosts invite to this room"
)

// Device is something of a participant's that hosts can keep from being forwarded.
type Device int

// The devices.
const (
	Microphone Device = iota
	Camera
	Screen
)

// about checks the rights of a host's request about somebody, nil for nobody.
func about(by, target *Person) error {
	switch {
	case !by.standing.host:
		return NotHost
	case target == nil:
		return Nobody
	}
	return nil
}

// Hand raises one's own hand, one for all sockets of a session, or lowers it. Hosts can lower others'.
func (f *Floor) Hand(by, target *Person, up bool) (Changes, error) {
	if by != target {
		if err := about(by, target); err != nil {
			return Changes{}, err
		}
		if up {
			return Changes{}, OthersHand
		}
	}
	if up && !target.hand && slices.ContainsFunc(target.standing.present, func(p *Person) bool { return p.hand }) {
		return Changes{}, HandUp
	}
	f.raise(target, up)
	return Changes{People: []*Person{target}}, nil
}

// Stage lets target on stage, which lowers their hand, or takes them off: for a host, or for themselves where they may.
// Whom a host takes off goes off with all their sockets, and only a host lets them on again.
func (f *Floor) Stage(by, target *Person, on bool) (Changes, error) {
	if by != target {
		if err := about(by, target); err != nil {
			return Changes{}, err
		}
	}
	s := target.standing
	if by != target {
		f.latest[s.user] = s
	}
	switch {
	case on && by == target && !f.mayGoOn(s):
		if s.putOff {
			return Changes{}, TakenOff
		}
		return Changes{}, StageByHosts
	case on:
		f.goOn(target)
		f.raise(target, false)
		return s.changes(), nil
	}
	if by == target {
		f.goOff(target)
	} else {
		s.putOff = true
		for _, p := range s.present {
			f.goOff(p)
		}
	}
	s.welcome = slices.ContainsFunc(s.present, (*Person).OnStage) // by another socket
	return s.changes(), nil
}

// Restrict keeps a device of target's from being forwarded, or no longer.
func (f *Floor) Restrict(by, target *Person, what Device, restricted bool) (Changes, error) {
	if err := about(by, target); err != nil {
		return Changes{}, err
	}
	s := target.standing
	f.latest[s.user] = s
	switch what {
	case Microphone:
		s.muted = restricted
	case Camera:
		s.cameraOff = restricted
	case Screen:
		s.screenOff = restricted
	}
	return s.changes(), nil
}

// Remove takes target out, with all that are here in the same session or of the same user, none of which may enter
// again.
func (f *Floor) Remove(by, target *Person) (Changes, error) {
	if err := about(by, target); err != nil {
		return Changes{}, err
	}
	if by.Session == target.Session || by.User == target.User {
		return Changes{}, Yourself
	}
	return f.Expel(target), nil
}

// Expel is Remove by whoever runs the server, who may remove anybody.
func (f *Floor) Expel(target *Person) Changes {
	f.removedSessions[target.Session] = true
	f.removedUsers[target.User] = true
	var changes Changes
	for _, session := range slices.Collect(maps.Keys(f.standings)) {
		for _, p := range slices.Clone(f.standings[session].present) {
			if p.Session == target.Session || p.User == target.User {
				f.removedSessions[session] = true
				changes.Removed = append(changes.Removed, p)
				changes.People = append(changes.People, f.Leave(p).People...) // who is a host in their place
			}
		}
	}
	return changes
}

// SetHost makes target a host, or no longer.
func (f *Floor) SetHost(by, target *Person, host bool) (Changes, error) {
	if err := about(by, target); err != nil {
		return Changes{}, err
	}
	s := target.standing
	if host {
		f.makeHost(s)
		return s.changes(), nil
	}
	others := slices.DeleteFunc(slices.Clone(f.hosts), func(p *Person) bool { return p.standing == s })
	if len(others) == 0 {
		return Changes{}, LastHost
	}
	s.host, f.hosts = false, others
	return s.changes(), nil
}

// Lock lets nobody else in, or again.
func (f *Floor) Lock(by *Person, on bool) error {
	if !by.standing.host {
		return NotHost
	}
	f.locked = on
	return nil
}

// SetAccess says who is let in. The password counts with [protocol.AccessPassword], and is not empty then.
func (f *Floor) SetAccess(by *Person, access, password string) error {
	if !by.standing.host {
		return NotHost
	}
	f.access, f.password = access, digestOf(password)
	return nil
}

// ByInvitation makes newcomers viewers, until a host lets them on stage; or no longer.
func (f *Floor) ByInvitation(by *Person, on bool) error {
	if !by.standing.host {
		return NotHost
	}
	f.byInvitation = on
	return nil
}

// MayInvite says whether by may have an invitation to the room.
func (f *Floor) MayInvite(by *Person) error {
	if f.access != protocol.AccessOpen && !by.standing.host {
		return InviteForHosts
	}
	return nil
}
