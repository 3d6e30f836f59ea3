package signaling

import (
	"cmp"
	"slices"
	"time"

	"parley/signaling/protocol"
)

// RoomOverview is a room as whoever runs the server sees it.
type RoomOverview struct {
	Name    string
	Opened  time.Time
	Locked  bool
	Members []MemberOverview // in the order in which they entered
}

// MemberOverview is somebody in a room.
type MemberOverview struct {
	protocol.Participant
	Since        time.Time
	Host, Viewer bool
	Away         bool // the socket or the media is lost, and may come back
}

// Overview lists the rooms and who is in them, by name. Checks of a connection are no rooms.
func (h *Hub) Overview() []RoomOverview {
	h.mu.Lock()
	rooms := make([]*room, 0, len(h.rooms))
	for name, r := range h.rooms {
		if !protocol.IsCheck(name) {
			rooms = append(rooms, r)
		}
	}
	h.mu.Unlock()
	all := make([]RoomOverview, 0, len(rooms))
	for _, r := range rooms {
		if overview := r.overview(); len(overview.Members) > 0 {
			all = append(all, overview)
		}
	}
	slices.SortFunc(all, func(a, b RoomOverview) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Recent is what happened lately, the newest first.
func (h *Hub) Recent() []Event { return h.recent.latest() }

// Kick removes somebody from a room as a host would, with all who are the same person; they cannot enter it again as
// long as it is open. It reports whether there was anybody of that channel name.
func (h *Hub) Kick(room, channelName string) bool {
	r := h.find(room)
	if r == nil {
		return false
	}
	found, closed := r.expel(channelName)
	if closed {
		h.forget(r)
	}
	if !found {
		return false
	}
	h.log.Info("removed by the operator", "room", room, "peer", channelName)
	h.porch.changed(room)
	return true
}

// CloseRoom has everybody leave a room, and tells them so. Who enters it afterwards opens another of that name. It
// reports whether there was such a room.
func (h *Hub) CloseRoom(room string) bool {
	r := h.find(room)
	if r == nil || !r.close() {
		return false
	}
	h.forget(r)
	h.log.Info("closed by the operator", "room", room)
	h.porch.changed(room)
	return true
}

func (r *room) overview() RoomOverview {
	r.mu.Lock()
	defer r.mu.Unlock()
	overview := RoomOverview{Name: r.name, Opened: r.opened, Locked: r.floor.Locked()}
	members := make([]*member, 0, len(r.members))
	for _, m := range r.members {
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b *member) int { return cmp.Compare(a.entry, b.entry) })
	for _, m := range members {
		overview.Members = append(overview.Members, MemberOverview{
			Participant: m.who, Since: m.since, Host: m.you.Host, Viewer: !m.you.OnStage, Away: m.away != "",
		})
	}
	return overview
}

// expel removes somebody, and returns whether there was anybody of that channel name, and whether nobody is left, which
// closes the room.
func (r *room) expel(channelName string) (found, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[channelName]
	if m == nil {
		return false, r.closed
	}
	r.hub.recent.add(Event{Room: r.name, Who: m.who.UserName, What: EventRemoved})
	r.apply(r.floor.Expel(m.person))
	r.closeIfEmpty()
	return true, r.closed
}

// close removes everybody. It reports false if the room has closed already.
func (r *room) close() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.hub.recent.add(Event{Room: r.name, What: EventClosed})
	for _, m := range r.members {
		m.tell(news{key: protocol.KeyFloor, event: removed{closed: true}})
	}
	clear(r.members)
	r.participants, r.pending = nil, nil
	r.closeIfEmpty()
	return true
}

// endReason is why a session ends, "" as long as it goes on.
func (s *Session) endReason() string {
	if s.end == nil {
		return ""
	}
	return s.end.reason
}
