package signaling

import (
	"errors"
	"strings"
	"time"

	"parley/sfu"
	"parley/signaling/floor"
	"parley/signaling/protocol"
)

const panelBatch = 64 << 10 // bytes of panels in one html message

// join enters a room, and leaves the one the session is in, which may be the same. A join that is refused changes
// nothing.
func (s *Session) join(wanted protocol.Join) {
	name, err := protocol.ParseRoom(wanted.Room)
	if err != nil {
		s.refuse(err)
		return
	}
	m := s.newMember()
	var leaving *member
	if s.Room() == name {
		leaving = s.member
	}
	ticket := s.ticket(name, wanted)
	r, found, err := s.hub.enter(name, m, leaving, ticket)
	if guesses := s.hub.deps.Guesses; guesses != nil && wanted.Password != "" && !ticket.Hasty {
		guesses.Answered(s.remote, errors.Is(err, floor.ErrPassword))
	}
	if err != nil {
		s.hub.recent.add(Event{Room: name, Who: s.self.UserName, What: EventRefused, Why: wireError(err).Type})
		s.refuse(err)
		return
	}
	s.leave()
	s.room, s.member = r, m
	s.inCall.Store(true)
	s.live.enter()

	s.sendPanels(found.others)
	ids := make([]protocol.Participant, len(found.others))
	for i, other := range found.others {
		ids[i] = other.who
	}
	s.Send(protocol.KeyRTC, protocol.Others{Type: protocol.TypeOthers, IDs: ids})
	s.write(s.hub.headerFrame(found.header))
	if !protocol.IsCheck(name) {
		s.hub.deps.Presence.Enter(name, s.ChannelName())
		s.hub.recent.add(Event{Room: name, Who: s.self.UserName, What: EventEntered})
	}
	s.log.Info("entered", "room", name, "people", found.header.People, "viewers", found.header.Viewers)
	for _, handler := range s.opened {
		if s.room == nil { // the handler before could not go on
			return
		}
		s.entered = append(s.entered, handler)
		handler.Entered(name)
	}
}

// newMember makes the member of a stay that may begin.
func (s *Session) newMember() *member {
	m := &member{
		who: s.self, panel: s.hub.deps.Renderer.Panel(s.self), since: time.Now(),
		person: &floor.Person{ID: s.ChannelName(), Session: s.identity.SessionID, User: s.identity.User.Name},
	}
	m.tell = func(n news) { s.post(post{member: m, news: n}) }
	return m
}

// ticket is what the session comes with to the door of a room.
func (s *Session) ticket(room string, wanted protocol.Join) floor.Ticket {
	invites, guesses := s.hub.deps.Invites, s.hub.deps.Guesses
	ticket := floor.Ticket{
		Viewer:   wanted.As == protocol.AsViewer,
		Password: wanted.Password,
		Hasty:    wanted.Password != "" && guesses != nil && !guesses.Allow(s.remote),
		Invited:  wanted.Invite != "" && invites != nil && invites.Valid(wanted.Invite, room),
	}
	if s.room != nil { // it is one of those who are here
		return ticket
	}
	if why, passes := s.hub.full(); passes {
		ticket.Busy = why
	} else {
		ticket.Full = why
	}
	return ticket
}

// sendPanels sends the panels of others in batches, and then who of them is away.
func (s *Session) sendPanels(others []member) {
	var panels, states strings.Builder
	for i, other := range others {
		panels.WriteString(other.panel)
		states.WriteString(other.away)
		if panels.Len() >= panelBatch || i == len(others)-1 {
			s.Send(protocol.KeyHTML, panels.String())
			panels.Reset()
		}
	}
	if states.Len() > 0 {
		s.Send(protocol.KeyHTML, states.String())
	}
}

// leave leaves the room, if the session is in one.
func (s *Session) leave() {
	r, m := s.room, s.member
	if r == nil {
		return
	}
	s.room, s.member = nil, nil
	s.inCall.Store(false)
	s.live.leave()
	s.hub.leave(r, m)
	if !protocol.IsCheck(r.name) {
		s.hub.deps.Presence.Leave(r.name, s.ChannelName())
		s.hub.recent.add(Event{Room: r.name, Who: s.self.UserName, What: EventLeft, Why: s.endReason()})
	}
	s.log.Info("left", "room", r.name)
	entered := s.entered
	s.entered = nil
	for _, handler := range entered {
		handler.Left()
	}
}

// barred is what of the participant is not forwarded in the room it is in.
func (s *Session) barred() sfu.Barred { return s.room.barred(s.member) }
