package signaling

import (
	"encoding/json"
	"net/url"

	"parley/signaling/floor"
	"parley/signaling/protocol"
)

// notInRoom refuses who is in no room, perhaps no longer.
const notInRoom floor.Forbidden = "you are in no room"

// floorApp is the app "floor": what its handler is asked it puts to the room, which does what the floor decides.
type floorApp struct {
	invites Invites // nil for none
}

func (a *floorApp) Key() string { return protocol.KeyFloor }

func (a *floorApp) Open(s *Session) Handler { return &floorHandler{app: a, session: s} }

// floorHandler is owned by the session's loop.
type floorHandler struct {
	NopHandler
	app     *floorApp
	session *Session
}

// removed is posted to a member that has been taken out of the room.
type removed struct{ closed bool } // with everybody else

// Happened takes that a host has removed the participant.
func (h *floorHandler) Happened(event any) {
	if e, ok := event.(removed); ok {
		h.session.Send(protocol.KeyFloor, protocol.Removed{Type: protocol.TypeRemoved, Closed: e.closed})
		h.session.leave()
	}
}

// Receive takes what the client sends under "floor". Types that are not known are ignored.
func (h *floorHandler) Receive(message json.RawMessage) error {
	var m *protocol.ClientFloor
	if err := json.Unmarshal(message, &m); err != nil || m == nil || m.Type == "" {
		return badValue(protocol.KeyFloor, "an object with a type, and the fields of that")
	}
	s := h.session
	if m.Type == protocol.TypeHand && m.ChannelName == "" {
		m.ChannelName = s.ChannelName()
	}
	do, err := parseRequest(m)
	if do == nil || err != nil {
		return err
	}
	if s.room == nil {
		return notInRoom
	}
	if err := s.room.request(s.member, m.ChannelName, do); err != nil {
		return err
	}
	if m.Type == protocol.TypeInvite {
		return h.invite()
	}
	return nil
}

// invite sends an invitation to the room.
func (h *floorHandler) invite() error {
	if h.app.invites == nil {
		return floor.Forbidden("there are no invitations here")
	}
	room := h.session.Room()
	token, expires := h.app.invites.Make(room)
	h.session.Send(protocol.KeyFloor, protocol.Invitation{
		Type: protocol.TypeInvitation, Expires: expires.Unix(),
		Path: "/r/" + url.PathEscape(room) + "/?invite=" + url.QueryEscape(token),
	})
	return nil
}

// parseRequest reads what a client wants of the floor, nil for a type that is not known.
func parseRequest(m *protocol.ClientFloor) (ask, error) {
	switch m.Type {
	case protocol.TypeHand, protocol.TypeStage, protocol.TypeMute, protocol.TypeCamera, protocol.TypeStopScreen,
		protocol.TypeRemove, protocol.TypeHost:
		if m.ChannelName == "" || len(m.ChannelName) > protocol.MaxChannelName {
			return nil, badValue("channel_name", "a participant's")
		}
		return parsePersonal(m)
	case protocol.TypeLock:
		return flag("on", m.On, func(f *floor.Floor, by, _ *floor.Person, on bool) (floor.Changes, error) {
			return floor.Changes{}, f.Lock(by, on)
		})
	case protocol.TypeByInvitation:
		return flag("on", m.On, func(f *floor.Floor, by, _ *floor.Person, on bool) (floor.Changes, error) {
			return floor.Changes{}, f.ByInvitation(by, on)
		})
	case protocol.TypeAccess:
		return parseAccess(m)
	case protocol.TypeInvite:
		return func(f *floor.Floor, by, _ *floor.Person) (floor.Changes, error) {
			return floor.Changes{}, f.MayInvite(by)
		}, nil
	}
	return nil, nil
}

// parsePersonal reads a request about somebody.
func parsePersonal(m *protocol.ClientFloor) (ask, error) {
	switch m.Type {
	case protocol.TypeHand:
		return flag("up", m.Up, (*floor.Floor).Hand)
	case protocol.TypeStage:
		return flag("on", m.On, (*floor.Floor).Stage)
	case protocol.TypeMute:
		return flag("on", m.On, restrict(floor.Microphone))
	case protocol.TypeCamera:
		return flag("off", m.Off, restrict(floor.Camera))
	case protocol.TypeStopScreen:
		return flag("off", m.Off, restrict(floor.Screen))
	case protocol.TypeHost:
		return flag("on", m.On, (*floor.Floor).SetHost)
	}
	return (*floor.Floor).Remove, nil
}

func parseAccess(m *protocol.ClientFloor) (ask, error) {
	switch m.Access {
	case protocol.AccessOpen, protocol.AccessInvite:
	case protocol.AccessPassword:
		if m.Password == "" || len(m.Password) > protocol.MaxPassword {
			return nil, badValue("password", "of 1 to 128 bytes")
		}
	default:
		return nil, badValue("access", `"open", "password" or "invite"`)
	}
	access, password := m.Access, m.Password
	return func(f *floor.Floor, by, _ *floor.Person) (floor.Changes, error) {
		return floor.Changes{}, f.SetAccess(by, access, password)
	}, nil
}

// switched is a request that switches something.
type switched func(f *floor.Floor, by, target *floor.Person, on bool) (floor.Changes, error)

// flag makes a request of what its flag says, which has to be there.
func flag(name string, value *bool, do switched) (ask, error) {
	if value == nil {
		return nil, badValue(name, "true or false")
	}
	on := *value
	return func(f *floor.Floor, by, target *floor.Person) (floor.Changes, error) { return do(f, by, target, on) }, nil
}

func restrict(what floor.Device) switched {
	return func(f *floor.Floor, by, target *floor.Person, on bool) (floor.Changes, error) {
		return f.Restrict(by, target, what, on)
	}
}
